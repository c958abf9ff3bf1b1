"""The commands `python -m tools <command>` that work on a board or on a page of docs/."""
