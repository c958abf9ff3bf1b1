"""What a MicroPython build of your own freezes: the program with its library.

make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=/path/to/firmware/manifest.py
"""

# The names that MicroPython's manifest tool gives:
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false

import os

include("$(PORT_DIR)/boards/manifest.py")
package("plexus", base_path="../lib")
# They are modules of their own, or this.
own = ("./boot.py", "./main.py", "./manifest.py")
paths = [folder + "/" + name for folder, _, names in os.walk(".") for name in names]
modules = [path[2:] for path in paths if path.endswith(".py") and path not in own]
package("firmware", files=sorted(modules), base_path="..")
module("boot.py")
module("main.py")
