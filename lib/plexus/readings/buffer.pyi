from collections.abc import Callable, Iterable
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from .record import _Value
from .render import Body
from .ring import Ring

# What a buffer needs of its clock; one with a `time_map` and its own `ticks_ms` gives those, too.
class _Times(Protocol):
    hi: int
    lo: int
    def split(self, ticks: int) -> None: ...

# metric, suffix, kind, value, ticks, stamp: see Buffer.put
_Add: TypeAlias = Callable[[str, bytes | None, int, float | bytes, int, int | None], None]

# What keeps readings that are in no ring.
class _Store(Protocol):
    @property
    def pending(self) -> int: ...
    def left(self, seq: int) -> int: ...

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
    confirmed: int
    rejected: int
    discarded: int
    plain_suffix: bytes
    text_numbers: dict[str, int]
    _parts: Any
    def __init__(
        self,
        clock: _Clock,
        overflow: Literal["drop_oldest", "refuse"],
        lock: OwnedLock | None = None,
    ) -> None: ...
    def listen(self, tap: _Add | None) -> None: ...
    def discard(self) -> None: ...
    def put(
        self,
        metric: str,
        suffix: bytes | None,
        kind: int,
        value: float | bytes,
        ticks: int,
        stamp: int | None,
        add: _Add | None = None,
    ) -> None: ...
    def add(
        self,
        metric: str,
        suffix: bytes | None,
        kind: int,
        value: float | bytes,
        ticks: int,
        stamp: int | None,
        silent: bool = False,
    ) -> None: ...
    def accept(
        self,
        metric: str,
        value: _Value,
        timestamp: float | None,
        tags: dict[str, str] | None,
        source_id: str | None,
        ticks: int,
        add: _Add | None = None,
    ) -> None: ...
    def add_deferred(self) -> None: ...
    def suffix_of(self, tags: dict[str, str] | None, source_id: str | None) -> bytes | None: ...
    store: _Store | None
    @property
    def pending(self) -> int: ...
    def left(self, seq: int) -> int: ...
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
    def confirm(self, body: Body) -> int: ...
    # Methods from their first use on: see extras.py.
    def send_at(
        self,
        ticks: int,
        metric: str,
        value: _Value,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
        add: _Add | None = None,
    ) -> None: ...
    def send_batch(
        self,
        points: Iterable[tuple[str, _Value]],
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
        add: _Add | None = None,
    ) -> None: ...
    def event(
        self,
        name: str,
        data: _Value = True,
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None: ...
