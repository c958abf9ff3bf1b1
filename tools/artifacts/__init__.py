"""What is made for a board: compiled files, packages, images."""
