"""The firmware's package: what makes a board with MicroPython and plexus a device."""
