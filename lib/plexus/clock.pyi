from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

HOSTS: tuple[str, ...]

class Clock:
    known: bool
    source: str | None
    hi: int
    lo: int
    lock: AbstractContextManager[Any]
    on_shift: Callable[[int, int], object] | None
    def __init__(
        self,
        hosts: Sequence[str] | str = ...,
        port: int = 123,
        *,
        timeout_ms: int = 1000,
        samples: int = 4,
        interval_ms: int = 1800000,
        ticks: Callable[[], int] | None = None,
        set_rtc: bool = True,
    ) -> None: ...
    def split(self, ticks: int) -> None: ...
    def now_ms(self) -> int | None: ...
    @property
    def error_ms(self) -> int | None: ...
    def due(self) -> bool: ...
    def sync(self) -> None: ...
    def observe(self, epoch_ms: int, ticks: int, error_ms: int, source: str) -> bool: ...
