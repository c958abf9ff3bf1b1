from typing import Any

from .uart import UARTDriver

class GPS(UARTDriver):
    def __init__(self, uart: Any, period_ms: int = 1000) -> None: ...
