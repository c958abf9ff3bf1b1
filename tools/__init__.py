"""The host side of plexus for MicroPython: everything behind `python -m tools <command>`."""
