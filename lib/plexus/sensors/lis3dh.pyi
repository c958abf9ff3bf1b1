from typing import Any, Literal

from .axes import AxesDriver

class LIS3DH(AxesDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        accel_range: Literal[2, 4, 8, 16] = 4,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
