from typing import Any, Literal

from .axes import AxesDriver

class LIS3MDL(AxesDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        field_range: Literal[400, 800, 1200, 1600] = 400,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
