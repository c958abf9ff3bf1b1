from typing import Any

from .sensirion import Sensirion

class SCD30(Sensirion):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        interval_s: int = 2,
        altitude_m: float | None = None,
        pressure_hpa: float | None = None,
        temperature_offset: float | None = None,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
