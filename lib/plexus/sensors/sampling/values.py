"""Checks the values of a sensor's entry that neither its driver nor the sampler checks.

Loaded while a board is filled, and not kept.
"""

from ...port import const, load

_LONGEST = const(64)  # with a driver's metric behind it, the API takes it
_SHOWN = const(40)


def check_values(entry, Pin):
    """ValueError, naming the key and the remedy, unless `entry` can be a sensor's.

    A value that is None counts as absent. Pin: the class machine.Pin.
    """
    for key in ("options", "pins", "calibration"):
        if not isinstance(entry.get(key) or {}, dict):
            raise _refused(key, entry[key], "give an object, or leave it out")
    for name, pin in (entry.get("pins") or {}).items():
        _check_pin("%s: %s" % ("pins", repr(name)), pin, Pin)
    if entry.get("pin") is not None:
        _check_pin("pin", entry["pin"], Pin)
    for key in ("driver", "name", "prefix"):
        value = entry.get(key)
        if value is not None:
            if not isinstance(value, str) or len(value) > _LONGEST:
                raise _refused(key, value, "give a text of at most %d characters" % _LONGEST)
            load("plexus", "readings.render").string_text(value, key)
    if entry.get("tags") is not None:
        load("plexus.readings", "compound").suffix(entry["tags"], None, None)


def told(entry, error):
    """What went wrong with the entry: an exception that names the key. A MemoryError is raised."""
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, (ValueError, OSError)):
        return error
    if isinstance(error, ImportError):
        return ValueError("driver: %s; this board lacks what it needs" % error)
    if not isinstance(entry, dict):
        return ValueError('driver: missing; give an object, {"driver": "..."}')
    return ValueError("options: %s: %r; docs/sensors.md lists them" % (entry["driver"], error))


def _check_pin(key, number, Pin):
    try:
        if isinstance(number, int) and not isinstance(number, bool):
            Pin(number)
            return
    except (ValueError, OverflowError):
        pass
    raise _refused(key, number, "give the number of a GPIO")


def _refused(key, value, remedy):
    return ValueError(key + ": " + repr(value)[:_SHOWN] + "; " + remedy)
