from typing import ClassVar

from .ti_power import ShuntMonitor

class INA226(ShuntMonitor):
    LIMITS: ClassVar[tuple[float, float]]
    def chip(self) -> str | None: ...
