from typing import Any, Literal

from .i2c import I2CDriver

class LM75(I2CDriver):
    def __init__(
        self, bus: Any, address: int | None = None, bits: Literal[9, 11, 12] = 11
    ) -> None: ...
    def chip(self) -> str | None: ...
