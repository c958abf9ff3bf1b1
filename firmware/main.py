"""Starts the device's program; firmware/supervisor.py catches what goes wrong in it."""

try:
    from firmware.supervisor import run
except (ImportError, ValueError) as error:  # ValueError: compiled for another MicroPython
    print("plexus: no program for this board's MicroPython (%s)" % error)
    print("plexus: run python -m tools deploy")
else:
    run()
