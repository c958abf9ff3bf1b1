from collections.abc import Sequence
from typing import Any

from .sensirion import Sensirion

class SGP30(Sensirion):
    baseline: tuple[int, ...] | None
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        baseline: Sequence[int] | None = None,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
