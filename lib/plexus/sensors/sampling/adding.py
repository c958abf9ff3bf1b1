"""Makes a sensor's Channel of what Sampler.add() is given, and checks that."""

from ...port import const
from ..checks import check_flag, check_whole
from .channel import Channel

_LONGEST_MS = const(86400000)


def made(
    channels,
    sensor,
    interval_ms=None,
    name=None,
    prefix="",
    tags=None,
    calibration=None,
    deadband=None,
    average=1,
    heartbeat_ms=0,
    on_demand=False,
    factory=None,
):
    """The Channel; its name differs from those of `channels`."""
    if interval_ms is None:
        interval_ms = getattr(sensor, "INTERVAL_MS", 1000)
    check_whole("interval_ms", interval_ms, 1, _LONGEST_MS)
    if not hasattr(sensor, "read"):
        raise ValueError("sensor: %r has no read()" % (sensor,))
    check_flag("on_demand", on_demand)
    filters = None
    if calibration or deadband is not None or average != 1 or heartbeat_ms:
        from .filters import Filters

        no_mean = getattr(sensor, "NO_MEAN", ())
        filters = Filters(calibration, deadband, average, heartbeat_ms, no_mean)
    name = _unique(name or _name_of(sensor), [channel.name for channel in channels])
    return Channel(sensor, interval_ms, name, prefix, tags, filters, on_demand, factory)


def _unique(name, names):
    unique, number = name, 2
    while unique in names:
        unique = "%s_%d" % (name, number)
        number += 1
    return unique


def _name_of(sensor):
    name = type(sensor).__name__.lower()
    address = getattr(sensor, "address", None)
    usual = getattr(sensor, "ADDRESSES", None)
    if usual and isinstance(address, int) and address not in usual[:1]:
        name += "_%02x" % address
    return name
