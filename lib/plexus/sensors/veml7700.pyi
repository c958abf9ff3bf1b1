from typing import Any, Literal

from .i2c import I2CDriver

class VEML7700(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        gain: float | None = None,
        integration_ms: Literal[25, 50, 100, 200, 400, 800] = 100,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
