from collections.abc import Sequence
from typing import Any, Literal

from .i2c import I2CDriver

class ADS1115(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        model: Literal["ADS1115", "ADS1015"] = "ADS1115",
        channels: Sequence[int | str] = (0, 1, 2, 3),
        full_scale_mv: Literal[6144, 4096, 2048, 1024, 512, 256] = 4096,
        data_rate: int | None = None,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
