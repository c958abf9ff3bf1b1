"""The program of a Plexus device: what main.py starts on a board."""
