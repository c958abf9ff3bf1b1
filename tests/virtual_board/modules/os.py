"""The module `os` as the ESP32 port has it."""

from uos import *

for _name in ("system", "getenv", "putenv", "unsetenv", "VfsPosix", "errno"):
    if _name in globals():
        del globals()[_name]


def sync():
    """What is written is in the image at once."""


def uname():
    import sys

    version = "%d.%d.%d" % sys.implementation.version[:3]
    return ("esp32", "esp32", version, version, "Virtual board with ESP32")
