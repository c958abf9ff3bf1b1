"""The keys of a sensor's entry, in a board's profile and in a user's configuration."""

# Those that say what it is, those that Sampler.add() takes, and those that are for the reader.
WHAT = ("driver", "bus", "address", "pin", "pins", "options")
HOW = (
    "interval_ms",
    "name",
    "prefix",
    "tags",
    "calibration",
    "deadband",
    "average",
    "heartbeat_ms",
    "on_demand",
)
WORDS = ("source", "note")


def check_keys(entry):
    """ValueError, naming the key, unless the entry (a dict) has a driver and only known keys."""
    for key in entry:
        if key not in WHAT + HOW + WORDS:
            raise ValueError("%s: unknown; give %s" % (key, ", ".join(WHAT + HOW)))
    if "driver" not in entry:
        raise ValueError("driver: missing; docs/sensors.md lists them")
