from typing import Any, Literal

from .i2c import I2CDriver

class HMC5883L(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        field_range: Literal[88, 130, 190, 250, 400, 470, 560, 810] = 130,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
