"""The MicroPython side of the test harness: run one function of one device test file.

    micropython -m run MODULE FUNCTION < JSON_ARGUMENTS     (MICROPYPATH holds lib and this)

Exit status: 0 passed, 1 failed (the traceback is on stdout), 77 skipped (the reason is on the
last line of stdout).
"""

import json
import sys

import support

_SKIPPED = 77


class Device:
    """A fixture's `device` dict, its items as attributes."""

    def __init__(self, items):
        for name, value in items.items():
            setattr(self, name, value)


def main():
    sys.path.remove("")  # the working directory: tests import from MICROPYPATH alone
    module, name = sys.argv[1:]
    # From stdin, because MicroPython's argv holds no string of more than 255 bytes.
    devices = {key: Device(items) for key, items in json.load(sys.stdin).items()}
    try:
        function = getattr(__import__(module), name)
        function(**devices)
    except support.Skip as reason:
        print(reason)
        return _SKIPPED
    except BaseException as exc:  # noqa: BLE001 - the process ends, whatever it was
        sys.print_exception(exc, sys.stdout)
        return 1
    return 0


sys.exit(main())
