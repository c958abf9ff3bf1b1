from typing import Any, Literal

from .axes import AxesDriver

class MPU6050(AxesDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        accel_range: Literal[2, 4, 8, 16] = 4,
        gyro_range: Literal[250, 500, 1000, 2000] = 500,
        low_pass: Literal[180, 90, 40, 20, 10, 5] = 20,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
