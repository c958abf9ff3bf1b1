"""Where test_load.py meets the module that it loads."""


def loading():
    """Called amid the module; the test puts its own in this place."""
