from typing import Any

from .driver import Driver, SensorError

class SPIDriver(Driver):
    spi: Any
    cs: Any
    def __init__(self, spi: Any, cs: Any) -> None: ...
    def error(self, message: str) -> SensorError: ...
    def get(self, count: int) -> int: ...
