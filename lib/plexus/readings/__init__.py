"""A reading's life in RAM: checked, kept as a few bytes in a ring, and rendered as JSON."""
