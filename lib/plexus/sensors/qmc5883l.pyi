from typing import Any, Literal

from .axes import AxesDriver

class QMC5883L(AxesDriver):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        field_range: Literal[200, 800] = 200,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
