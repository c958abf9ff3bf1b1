"""The module `esp32` of a virtual board: NVS, the memory of the ESP-IDF, what wakes the chip."""

import json

import _host
import machine

HEAP_DATA = 4
HEAP_EXEC = 1
WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True

_NOT_FOUND = -4354  # ESP_ERR_NVS_NOT_FOUND
_NAME_MAX = 15


def _stored():
    if not _host.exists("nvs.json"):
        return {}
    with _host.open_file("nvs.json") as file:
        return json.load(file)


class NVS:
    """A namespace of the flash's non-volatile storage. What is not committed is lost in a reset."""

    def __init__(self, namespace):
        if len(namespace) > _NAME_MAX:
            raise OSError(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
        self._namespace = namespace
        self._values = _stored().get(namespace, {})

    def set_i32(self, key, value):
        self._set("i32", key, int(value))

    def get_i32(self, key):
        return self._get("i32", key)

    def set_blob(self, key, value):
        self._set("blob", key, bytes(value.encode() if isinstance(value, str) else value).hex())

    def get_blob(self, key, buffer):
        value = bytes.fromhex(self._get("blob", key))
        if len(value) > len(buffer):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        found = [name for name in self._values if name.split(":", 1)[1] == key]
        if not found:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        for name in found:
            del self._values[name]

    def commit(self):
        everything = _stored()
        everything[self._namespace] = self._values
        with _host.open_file("nvs.new", "wb") as file:
            file.write(json.dumps(everything))
        _host.rename("nvs.new", "nvs.json")

    def _set(self, kind, key, value):
        if len(key) > _NAME_MAX:
            raise OSError(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
        self._values[kind + ":" + key] = value

    def _get(self, kind, key):
        try:
            return self._values[kind + ":" + key]
        except KeyError:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")


def idf_heap_info(capabilities):
    free = _host.world()["idf_heap_free"]
    # The other is of PSRAM, all of which Python has: this board is not short of RAM.
    return [(free + 60000, free, free // 2, free // 2), (2097152, 0, 0, 0)]


def mcu_temperature():
    return _host.world()["chip_temperature"]


def wake_on_ext0(pin, level):
    machine.wake_pins[pin.id] = int(level)


def wake_on_ext1(pins, level):
    for pin in pins:
        machine.wake_pins[pin.id] = int(level)


def gpio_deep_sleep_hold(enable):
    pass
