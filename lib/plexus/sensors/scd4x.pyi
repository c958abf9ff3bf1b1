from typing import Any

from .sensirion import Sensirion

class SCD4x(Sensirion):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        altitude_m: float | None = None,
        pressure_hpa: float | None = None,
        temperature_offset: float | None = None,
    ) -> None: ...
    def chip(self) -> str | None: ...
