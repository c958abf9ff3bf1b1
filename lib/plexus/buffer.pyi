from collections.abc import Callable, Iterable
from typing import Generic, Literal, Protocol, TypeVar

from .record import _Value
from .render import Body
from .ring import Ring

# What a buffer needs of its clock; one with a `line` and its own `ticks_ms` gives those, too.
class _Times(Protocol):
    hi: int
    lo: int
    def split(self, ticks: int) -> None: ...

_Clock = TypeVar("_Clock", bound=_Times)

class BufferFull(Exception): ...

class OwnedLock:
    acquire: Callable[..., bool]
    release: Callable[[], None]
    holder: list[int]
    def __init__(self) -> None: ...
    def enter(self) -> bool: ...
    def exit(self) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, kind: object, value: object, traceback: object) -> None: ...

class Buffer(Generic[_Clock]):
    lock: OwnedLock
    clock: _Clock
    ticks_ms: Callable[[], int]
    session_id: str | None
    ring: Ring
    def __init__(self, clock: _Clock, overflow: Literal["drop_oldest", "refuse"]) -> None: ...
    def open(self, ring_bytes: int | bytearray) -> None: ...
    @property
    def pending(self) -> int: ...
    @property
    def dropped(self) -> int: ...
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
    def _empty_box(self) -> None: ...
    def set_session(self, session_id: str | None, suffix: bytes) -> tuple[int, int, int]: ...
    def confirm(self, body: Body) -> int: ...
