from typing import Any, Literal

from .driver import Driver

class InputDriver(Driver):
    pin: Any
    _pull: str | None
    def __init__(self, pin: Any, pull: Literal["up", "down"] | None) -> None: ...
    def close(self) -> None: ...
    def _prepare(self) -> None: ...
