"""Sensors: their drivers, found by name or by a scan, and the sampler that reads them."""

import gc
import sys

_NAMES = {
    "Sampler": "sampling.sampler",
    "scan": "sampling.find",
    "Driver": "driver",
    "SensorError": "driver",
    "I2CDriver": "i2c",
}


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(name)
    value = getattr(_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def driver_class(name):
    """The driver's class, loaded now: "bme280" is BME280 in bme280.py. ValueError if none is.

    ImportError if the file is there, and another that it needs is not.
    """
    from .driver import Driver

    module = None
    if isinstance(name, str):
        try:
            module = _module(name)
        except ImportError as error:
            if "'plexus.sensors.%s'" % name not in str(error):
                raise
    gc.collect()
    for attribute in dir(module):
        found = getattr(module, attribute)
        if attribute.lower() == name and isinstance(found, type) and issubclass(found, Driver):
            if found.METRICS:  # those that drivers are made of have none
                return found
    raise ValueError("driver: %r is none of plexus/sensors; docs/sensors.md lists them" % (name,))


def loaded():
    """The names of the modules of this package that are in RAM, a set."""
    return {name[15:] for name in sys.modules if name.startswith("plexus.sensors.")}


def _module(name):
    return __import__("plexus.sensors." + name, None, None, ("__name__",))
