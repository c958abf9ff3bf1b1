from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ..delivery import Delivery

# [number, count, times, first, done]: see the source.
_File: TypeAlias = list[int | str | None]

SEGMENT_BYTES: Final = 4096
NUMBER: Final = 0
COUNT: Final = 1
TIMES: Final = 2
FIRST: Final = 3
DONE: Final = 4

class Store:
    delivery: Delivery
    folder: str
    most: int
    memory: bytearray
    files: list[_File]
    copy: _File | None
    line: str
    lacks: dict[str, tuple[int, int]]
    stale: bool
    problem: int | str | None
    damaged: int
    again_at: int | None
    def __init__(
        self,
        delivery: Delivery,
        folder: str,
        most: int,
        interval_ms: int,
        undated: bool,
        whole: bool,
        random: Callable[[int], bytes],
        on_shift: Callable[[int, int], None],
    ) -> None: ...
    @property
    def pending(self) -> int: ...
    def left(self, seq: int) -> int: ...
    def is_due(self, file: _File) -> bool: ...
    def date(self, hi: int, lo: int) -> None: ...
    def tick(self, away: object) -> None: ...
    def copied(self) -> int: ...
    def step(self, known: bool) -> int: ...
    def release(self) -> None: ...
    def remove(self, file: _File) -> None: ...
    def failed(self, error: OSError) -> None: ...
    def tell(self, px: Any, say: Callable[[str, str], None]) -> None: ...
    @property
    def trouble(self) -> str: ...
