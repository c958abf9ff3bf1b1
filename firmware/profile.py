"""Reads board.json: what of it is not as boards/schema.json has it is left out, and told."""

from . import atomic_json

_MAX_BYTES = 16384

# What each part has to have, and what it may have ("?"). A list's entries that are not so are left
# out one by one. The other keys are for people.
_SWITCH = {"pin": int, "active": str}
_SHAPES = {
    "name": str,
    "hold": {"pin": int, "active?": str},
    "led": {"kind": str, "pin": int, "active?": str, "clock_pin?": int, "power_pin?": _SWITCH},
    "buttons": [{"pin": int, "active": str}],
    "i2c": [
        {
            "name": str,
            "id": int,
            "scl": int,
            "sda": int,
            "freq_hz?": int,
            "timeout_us?": int,
            "occupied?": [int],
            "power_pin?": _SWITCH,
        }
    ],
    "spi": [{"name": str, "id": int, "sck": int, "mosi": int, "miso": int, "idle_high?": [int]}],
    "uart": [{"name": str, "id": int, "tx": int, "rx": int, "baudrate?": int}],
    "onewire": [{"name": str, "pin": int, "power_pin?": _SWITCH}],
    "battery": {"pin?": int, "divider?": (int, float), "enable_pin?": _SWITCH},
    "ethernet": {"phy": str, "address": int, "mdc": int, "mdio": int, "power_pin?": _SWITCH},
    "sensors": [dict],
}


def load(path="board.json"):
    """The board's profile, a dict; without one, or if it is damaged, what there is of it."""
    try:
        found = atomic_json.load(path, _MAX_BYTES)
    except (OSError, ValueError) as error:
        print("plexus: no board profile (%s): only the board itself is read" % (error,))
        return {}
    profile = {}
    for key, value in found.items() if isinstance(found, dict) else ():
        shape = _SHAPES.get(key)
        if shape is None or _fits(value, shape):
            profile[key] = value
        elif isinstance(shape, list) and isinstance(value, list):
            profile[key] = [entry for entry in value if _fits(entry, shape[0])]
        if shape and value is not None and profile.get(key) != value:
            print("plexus: board.json: %s: damaged; deploy the board's profile again" % (key,))
    return profile


def _fits(value, shape):
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(entry, shape[0]) for entry in value)
    if not isinstance(shape, dict):
        return isinstance(value, shape) and not isinstance(value, bool)
    if not isinstance(value, dict):
        return False
    for key in shape:
        there = value.get(key.rstrip("?"))
        if there is None and key[-1] == "?":
            continue
        if not _fits(there, shape[key]):
            return False
    return True
