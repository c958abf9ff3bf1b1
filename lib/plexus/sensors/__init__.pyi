from typing import Any

from .driver import Driver as Driver
from .driver import SensorError as SensorError
from .i2c import I2CDriver as I2CDriver
from .sampling.find import scan as scan
from .sampling.sampler import Sampler as Sampler

# Each driver's constructor is its own, and so are its attributes.
def driver_class(name: str) -> Any: ...
def loaded() -> set[str]: ...
