from typing import Any, Literal

from .i2c import I2CDriver

class TMP117(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        averaging: Literal[1, 8, 32, 64] = 8,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
