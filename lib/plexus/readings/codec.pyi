from array import array
from typing import TypeAlias, TypeVar

_T = TypeVar("_T")
_Bytes: TypeAlias = bytes | bytearray | memoryview
# [pos, hi, lo, step, xhi, xlo, xstep, seq, help] and [ticks, hi, lo, fraction, rate]
_Cursor: TypeAlias = array[int]
_TimeMap: TypeAlias = array[int]

def ptr8(buffer: _T) -> _T: ...
def ptr32(buffer: _T) -> _T: ...
def append(
    ring: _Bytes,
    size: int,
    tail: _Cursor,
    head: _Cursor,
    tmp: bytearray,
    kind: int,
    series: int,
    time_map: _TimeMap,
    ticks: int,
    data: _Bytes,
    n: int,
) -> int: ...
def digits(tmp: bytearray, wide: int, single: int, maximum: int) -> int: ...
def walk(
    i: int,
    j: int,
    end: int,
    ring: _Bytes,
    cur: _Cursor,
    series: list[bytes | None],
    last_use: array[int],
    tmp: bytearray,
    out: bytearray | memoryview,
    mode: int,
    n: int,
    pos: int,
    room: int,
    limit: int,
    text: bytes,
) -> int: ...
