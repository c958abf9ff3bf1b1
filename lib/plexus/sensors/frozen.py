"""Calls of the drivers that the firmware freezes, whose errors are of the broadest kind."""

from .driver import SensorError


def call(what, function, *arguments):
    """function(*arguments); what `onewire`, `ds18x20` and `dht` raise becomes a SensorError.

    They raise bare Exceptions, and OneWireError, which is none of OSError's either.
    """
    try:
        return function(*arguments)
    except OSError as error:
        raise SensorError("%s: no answer (%s)" % (what, error))
    except Exception as error:  # noqa: BLE001 -- looked at below
        if type(error).__name__ not in ("Exception", "OneWireError"):
            raise
        raise SensorError("%s: %s" % (what, str(error) or "no answer"))
