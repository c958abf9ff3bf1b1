from array import array
from collections.abc import Callable, Iterable
from typing import Any

from ..port import _Guard

HOSTS: tuple[str, ...]

class Clock:
    ticks_ms: Callable[[], int]
    known: bool
    source: str | None
    hi: int
    lo: int
    time_map: array[int]
    lock: _Guard
    on_shift: Callable[[int, int], object] | None
    def __init__(
        self,
        hosts: str | Iterable[str] = ...,
        port: int = 123,
        *,
        timeout_ms: int = 1000,
        samples: int = 4,
        interval_ms: int = 1800000,
        ticks: Callable[[], Any] | None = None,  # time.ticks_ms, whose ints have types of their own
        set_rtc: bool = True,
    ) -> None: ...
    def split(self, ticks: int) -> None: ...
    def now_ms(self) -> int | None: ...
    @property
    def error_ms(self) -> int | None: ...
    def due(self) -> bool: ...
    def sync(self) -> None: ...
    def observe(self, epoch_ms: int, ticks: int, error_ms: int, source: str) -> bool: ...
