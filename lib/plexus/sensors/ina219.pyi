from typing import ClassVar

from .ti_power import ShuntMonitor

class INA219(ShuntMonitor):
    LIMITS: ClassVar[tuple[float, float]]
    SAMPLES: ClassVar[tuple[int, ...]]
    def chip(self) -> str | None: ...
