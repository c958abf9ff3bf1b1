from collections.abc import Generator
from typing import Any, Literal

from .i2c import I2CDriver

class BMP280(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        oversampling: Literal[1, 2, 4, 8, 16] = 1,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
    _oversampling: int
    def _measured(self, count: int, values: int) -> Generator[int, None, bytes]: ...
    def _fine(self, data: bytes) -> int: ...
    def _pressure(self, data: bytes, fine: int) -> int: ...
