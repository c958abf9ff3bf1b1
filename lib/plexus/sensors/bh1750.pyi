from typing import Any

from .i2c import I2CDriver

class BH1750(I2CDriver):
    def __init__(
        self, bus: Any, address: int | None = None, resolution: float = 1, time: int = 69
    ) -> None: ...
