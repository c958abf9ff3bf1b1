from typing import Any, Literal

from .pin import InputDriver

class Pulses(InputDriver):
    def __init__(
        self,
        pin: Any,
        per_unit: float = 1,
        rate_per: Literal["second", "minute", "hour"] = "second",
        edge: Literal["falling", "rising"] = "falling",
        pull: Literal["up", "down"] | None = "up",
        debounce_us: int = 0,
        counter: int | None = None,
    ) -> None: ...
    def setup(self) -> None: ...
    def close(self) -> None: ...
