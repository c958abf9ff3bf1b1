from collections.abc import Callable
from typing import Any

from .sensirion import Sensirion

class SGP40(Sensirion):
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        humidity: float | Callable[[], float | None] | None = None,
        temperature: float | Callable[[], float | None] | None = None,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
