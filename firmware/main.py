"""Starts the device's program; firmware/crash.py catches what goes wrong in it."""

try:
    from firmware.crash import run
except (ImportError, ValueError) as error:  # ValueError: compiled for another MicroPython
    print("plexus: no program for this board's MicroPython (%s)" % error)
    print("plexus: run python -m tools deploy")
else:
    run()
