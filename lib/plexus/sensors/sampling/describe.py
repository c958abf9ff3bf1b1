"""What a Channel says of itself to a person or a dashboard; loaded when it is asked."""

from ...port import const

_METRICS = const(32)


def metrics(channel):
    """The metrics that it sends, with its prefix: a list of at most 32."""
    names = getattr(channel.sensor, "METRICS", None) or channel._seen or ()
    return [channel.prefix + name for name in list(names)[:_METRICS]]


def description(channel):
    """What is read and where: "BME280 at 0x76"."""
    sensor = channel.sensor
    message = type(sensor).__name__
    address = getattr(sensor, "address", None)
    if hasattr(sensor, "ADDRESSES") and isinstance(address, int):
        message += " at 0x%02x" % address
    elif getattr(sensor, "BUS", None) == "pin" and hasattr(sensor, "pin"):
        message += " at %s" % (sensor.pin,)
    return message
