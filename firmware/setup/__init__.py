"""Setting a board up: by a page on its own access point, or over the serial port."""
