from typing import Any

from .uart import UARTDriver

class PMS5003(UARTDriver):
    def __init__(self, uart: Any, counts: bool = False, warm_up_ms: int = 30000) -> None: ...
