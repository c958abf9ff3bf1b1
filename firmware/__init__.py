"""The firmware's package: what makes a board with MicroPython and plexus a device."""

import gc
import sys


def unload(*names):
    """Let go of modules of this package that are needed once; an import reads them again."""
    for name in names:
        sys.modules.pop("firmware." + name, None)
        globals().pop(name, None)
    gc.collect()
