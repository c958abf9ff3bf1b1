"""What a person asks at the REPL of a board with the firmware: firmware.repl.status()."""

device = None  # the firmware's Device, once it runs


def status():
    """Print how the device does, a line each."""
    if device is None:
        print("the firmware does not run; a reset starts it")
        return
    for what, message in device.status():  # pyright: ignore[reportGeneralTypeIssues] -- see repl.pyi
        print("%-12s %s" % (what, message))
