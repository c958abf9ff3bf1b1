from typing import Any, Literal

from .uart import UARTDriver

class MHZ19(UARTDriver):
    def __init__(
        self,
        uart: Any,
        warm_up_ms: int = 180000,
        self_calibration: bool | None = None,
        range_ppm: Literal[2000, 5000, 10000] | None = None,
    ) -> None: ...
