from typing import Any

from .i2c import I2CDriver

class VL53L0X(I2CDriver):
    def __init__(
        self, bus: Any, address: int | None = None, budget_ms: int = 33, any_id: bool = False
    ) -> None: ...
    def chip(self) -> str | None: ...
