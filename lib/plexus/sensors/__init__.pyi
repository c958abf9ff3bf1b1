from collections.abc import Iterable
from typing import Any

from .driver import Driver as Driver
from .driver import SensorError as SensorError
from .find import scan as scan
from .i2c import I2CDriver as I2CDriver
from .sampler import Sampler as Sampler

# Each driver's constructor is its own, and so are its attributes.
def driver_class(name: str) -> Any: ...
def loaded() -> set[str]: ...
def forget(names: Iterable[str]) -> None: ...
