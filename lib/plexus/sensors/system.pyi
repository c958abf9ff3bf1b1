from typing import Any

from .driver import Driver

class System(Driver):
    wifi: bool
    def __init__(self, battery: Any = None, divider: float = 2.0, wifi: bool = True) -> None: ...
