from typing import Any, Literal

from .i2c import I2CDriver

class BMP3XX(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        oversampling: Literal[1, 2, 4, 8, 16, 32] = 8,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
    def _temperature(self, raw: int) -> int: ...
    def _pressure(self, raw: int, t: int) -> int: ...
