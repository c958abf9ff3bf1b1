from typing import Any, Literal

from .i2c import I2CDriver

class MAX17048(I2CDriver):
    def __init__(
        self, bus: Any, address: int | None = None, cells: Literal[1, 2] = 1, any_id: bool = False
    ) -> None: ...
    def chip(self) -> str | None: ...
