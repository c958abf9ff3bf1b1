"""Reads board.json: what of it is not as boards/schema.json has it is left out, and told."""

from . import atomic_json

_MAX_BYTES = 16384

# What each part has to have, and, after "?", what it may have: i a whole number, n a number, s a
# text, l a list of whole numbers, w a switch. A "*" part is a list, whose entries that are not so
# are left out one by one. Other keys are for people. One text: each key would be a name, and names
# stay in a board's RAM.
_SWITCH = "pin=i active=s"
_SHAPES = """
hold: pin=i ?active=s
led: kind=s pin=i ?active=s ?clock_pin=i ?power_pin=w
battery: ?pin=i ?divider=n ?enable_pin=w
ethernet: phy=s address=i mdc=i mdio=i ?power_pin=w
*buttons: pin=i active=s
*i2c: name=s id=i scl=i sda=i ?freq_hz=i ?timeout_us=i ?occupied=l ?power_pin=w
*spi: name=s id=i sck=i mosi=i miso=i ?idle_high=l
*uart: name=s id=i tx=i rx=i ?baudrate=i
*onewire: name=s pin=i ?power_pin=w
*sensors:
"""


def load(path="board.json"):
    """The board's profile, a dict; without one, or if it is damaged, what there is of it."""
    try:
        profile = atomic_json.load(path, _MAX_BYTES)
        if not isinstance(profile, dict):
            raise ValueError("this is no object")
    except (OSError, ValueError) as error:
        print("plexus: no board profile (%s): only the board itself is read" % (error,))
        return {}
    for line in _SHAPES.strip().split("\n"):
        key, _, shape = line.partition(":")
        many = key[0] == "*"
        key = key.lstrip("*")
        value = profile.get(key)
        whole = value is None
        if many and isinstance(value, list):
            profile[key] = [entry for entry in value if _fits(entry, shape)]
            whole = len(profile[key]) == len(value)
        elif not many and _fits(value, shape):
            whole = True
        elif key in profile:
            del profile[key]
        if not whole:
            print("plexus: board.json: %s: damaged; deploy the board's profile again" % key)
    if not isinstance(profile.get("name", ""), str):
        del profile["name"]
    return profile


def _fits(value, text):
    # Whether it is a dict as this line of _SHAPES says.
    if not isinstance(value, dict):
        return False
    for field in text.split():
        key, _, kind = field.lstrip("?").partition("=")
        there = value.get(key)
        if there is None:
            if field[0] != "?":
                return False
        elif kind == "w":
            if not _fits(there, _SWITCH):
                return False
        elif kind == "l":
            if not isinstance(there, list) or not all(isinstance(pin, int) for pin in there):
                return False
        elif kind == "s":
            if not isinstance(there, str):
                return False
        elif isinstance(there, bool) or not isinstance(there, int if kind == "i" else (int, float)):
            return False
    return True
