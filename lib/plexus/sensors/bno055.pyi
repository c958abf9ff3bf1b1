from collections.abc import Collection, Iterator
from typing import Any

from .i2c import I2CDriver

class BNO055(I2CDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        values: Collection[str] = ("orientation", "quaternion", "calibration", "temperature"),
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
    def setup(self) -> Iterator[int]: ...
