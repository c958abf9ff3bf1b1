"""Talking to a board over its serial port."""
