"""Runs at every start, before main.py; there is nothing in it, so nothing in it can fail."""
