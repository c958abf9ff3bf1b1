from array import array
from typing import Final

from . import codec
from .codec import _Bytes, _Cursor, _TimeMap

append = codec.append
digits = codec.digits
walk = codec.walk

FLOAT64: Final = 10
INT: Final = 11
NEGATIVE: Final = 12
TEXT: Final = 13
FALSE: Final = 14
SERIES: Final = 256

NO_USE: array[int]

def cursor() -> _Cursor: ...
def copy(to: _Cursor, at: _Cursor) -> None: ...
def shift(at: _Cursor, hi: int, lo: int) -> None: ...

class Ring:
    data: bytes | bytearray | memoryview
    head: _Cursor
    tail: _Cursor
    tmp: bytearray
    texts: list[bytes | None]
    use: array[int]
    numbers: dict[bytes, int]
    text_bytes: int
    sweeps: int
    def __init__(self, data: bytes | bytearray = b"") -> None: ...
    @property
    def pending(self) -> int: ...
    @property
    def used(self) -> int: ...
    def left(self, seq: int) -> int: ...
    @property
    def next(self) -> int: ...
    def append(
        self, kind: int, number: int, time_map: _TimeMap, ticks: int, data: _Bytes, n: int
    ) -> bool: ...
    def passed(self, seq: int) -> int: ...
    def commit(self, at: _Cursor) -> None: ...
    def drop(self) -> None: ...
    def walk(
        self,
        at: _Cursor,
        out: bytearray | memoryview,
        mode: int,
        n: int,
        pos: int,
        room: int,
        limit: int,
        text: bytes = b"",
    ) -> int: ...
    def date(self, hi: int, lo: int) -> None: ...
    def number(self, text: bytes) -> int: ...
    def sweep(self) -> None: ...
