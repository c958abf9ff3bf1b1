from collections.abc import Callable, Iterable

from ..client import Plexus
from ..clock import Clock
from ..readings.record import _Value
from .streams import Stream

class Live:
    streams: tuple[Stream, ...]
    sent: int
    stores: bool
    acks: bool
    frames: int
    max_bytes: int
    clock: Clock
    ticks_ms: Callable[[], int]
    def __init__(self, px: Plexus, ring_bytes: int | bytearray = 4096) -> None: ...
    @property
    def connected(self) -> bool: ...
    @connected.setter
    def connected(self, connected: bool) -> None: ...
    @property
    def pending(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def period_ms(self) -> int: ...
    def send(
        self,
        metric: str,
        value: _Value,
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None: ...
    def send_at(
        self,
        ticks: int,
        metric: str,
        value: _Value,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None: ...
    def send_batch(
        self,
        points: Iterable[tuple[str, _Value]],
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None: ...
    def start(self, stream: Stream, instead: str | None = None) -> None: ...
    def stop(self, id: str | None = None) -> int: ...
    def end_streams(self) -> None: ...
    @property
    def oldest(self) -> int: ...
    def release(self, number: int, stored: bool = True) -> None: ...
    def frame(self) -> memoryview | None: ...
