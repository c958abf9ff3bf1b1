from typing import Any

from .driver import Driver

class DS18B20(Driver):
    def __init__(self, pin: Any, names: dict[str, str] | None = None) -> None: ...
