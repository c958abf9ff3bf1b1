from typing import Any, Literal

from .i2c import I2CDriver

class CCS811(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        interval_s: Literal[1, 10, 60] = 1,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
