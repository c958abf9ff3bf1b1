from collections.abc import Iterator
from typing import Any, Literal

from .driver import Driver

class HX711(Driver):
    data: Any
    clock: Any
    def __init__(
        self,
        data: Any,
        clock: Any,
        gain: Literal[128, 64, 32] = 128,
        rate_hz: Literal[10, 80] = 10,
        tare: int = 0,
        scale: float = 1,
    ) -> None: ...
    def setup(self) -> Iterator[int]: ...
