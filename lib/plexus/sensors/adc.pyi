from typing import Any, Literal

from .driver import Driver

class ADC(Driver):
    pin: Any
    def __init__(
        self,
        pin: Any,
        divider: float = 1.0,
        samples: int = 16,
        scale: float = 1.0,
        offset: float = 0.0,
        attenuation_db: Literal[0, 6, 11] | float = 11,
        metric: str = "voltage",
        reference_mv: int = 3300,
    ) -> None: ...
    def setup(self) -> None: ...
