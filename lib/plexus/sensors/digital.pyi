from typing import Any, Literal

from .pin import InputDriver

class Digital(InputDriver):
    def __init__(
        self,
        pin: Any,
        pull: Literal["up", "down"] | None = None,
        invert: bool = False,
        debounce_ms: int = 20,
    ) -> None: ...
    def setup(self) -> None: ...
