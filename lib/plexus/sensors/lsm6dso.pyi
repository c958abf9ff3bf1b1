from typing import Any, Literal

from .axes import AxesDriver

class LSM6DSO(AxesDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        accel_range: Literal[2, 4, 8, 16] = 4,
        gyro_range: Literal[125, 250, 500, 1000, 2000] = 500,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
