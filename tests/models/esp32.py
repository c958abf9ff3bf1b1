"""The module `esp32`, as far as its NVS and the system's heap go.

    with esp32.Installed():         # `from esp32 import NVS` gives it, with nothing stored
        esp32.stored                # {(namespace, key): bytes} as it would survive a power cut
        esp32.areas                 # the heap's: [(bytes, free, largest piece, least free), ...]

`hooks["before_step"]`, a function, is called before each call that changes the flash, with its
name. It runs on both interpreters.
"""

import sys

HEAP_DATA = 4
# Those of a bare ESP32 with WiFi, and of one with 4 MB of PSRAM.
BARE = ((7288, 0, 0, 0), (113840, 60000, 31744, 58000), (15072, 14000, 13824, 13000))
WITH_PSRAM = BARE + ((4194304, 4000000, 3900000, 3900000),)

areas = list(BARE)
stored = {}
hooks = {"before_step": None}
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_INVALID_LENGTH = -0x110C  # ESP_ERR_NVS_INVALID_LENGTH


class Installed:
    """Within it, `import esp32` gives this module; afterwards what was there before."""

    def __enter__(self):
        stored.clear()
        areas[:] = BARE
        hooks["before_step"] = None
        self._before = sys.modules.get("esp32")
        sys.modules["esp32"] = sys.modules[__name__]
        return sys.modules[__name__]

    def __exit__(self, *_):
        del sys.modules["esp32"]
        if self._before is not None:
            sys.modules["esp32"] = self._before


def idf_heap_info(capabilities):
    """The areas of the heap that can do so much, as ESP-IDF's heap_caps_get_info() has them."""
    return list(areas) if capabilities == HEAP_DATA else []


class NVS:
    """A namespace. What is set is there after commit(), which ESP-IDF asks for."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._pending = {}  # by key; None: erased

    def _get(self, key):
        if not 0 < len(key) <= 15:
            raise ValueError("a key has 1 to 15 characters")
        value = stored.get((self._namespace, key))
        if key in self._pending:
            value = self._pending[key]
        if value is None:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value

    def get_i32(self, key):
        return int.from_bytes(self._get(key), "big")

    def set_i32(self, key, value):
        self.set_blob(key, value.to_bytes(4, "big"))

    def get_blob(self, key, buffer):
        value = self._get(key)
        if len(value) > len(buffer):
            raise OSError(_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def set_blob(self, key, value):
        if len(value) > 4000:
            raise OSError(-0x1109, "ESP_ERR_NVS_VALUE_TOO_LONG")
        self._step("set_blob")
        self._pending[key] = bytes(value)

    def erase_key(self, key):
        self._get(key)
        self._step("erase_key")
        self._pending[key] = None

    def commit(self):
        self._step("commit")
        for key, value in self._pending.items():
            if value is None:
                stored.pop((self._namespace, key), None)
            else:
                stored[self._namespace, key] = value
        self._pending.clear()

    def _step(self, name):
        if hooks["before_step"]:
            hooks["before_step"](name)
