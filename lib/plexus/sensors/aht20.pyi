from typing import Any, Literal

from .i2c import I2CDriver

class AHT20(I2CDriver):
    def __init__(
        self, bus: Any, address: int | None = None, variant: Literal["AHT20", "AHT10"] = "AHT20"
    ) -> None: ...
