from typing import Any, Literal

from .i2c import I2CDriver

class APDS9960(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        gain: Literal[1, 4, 16, 64] = 4,
        integration_ms: int = 103,
        proximity_gain: Literal[1, 2, 4, 8] = 4,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
