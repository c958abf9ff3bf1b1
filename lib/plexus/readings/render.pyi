from ..port import _Guard
from .ring import Ring, _Cursor

SINGLE: bool

def float_text(value: float) -> bytes: ...
def bits_text(tmp: bytearray, wide: bool, single: bool | int) -> bytes: ...
def string_text(text: str, name: str = "value") -> bytes: ...
def render(
    ring: Ring,
    at: _Cursor,
    out: bytearray | memoryview,
    mode: int,
    n: int,
    pos: int,
    room: int,
    limit: int,
) -> int: ...

class Body:
    start: int
    end: _Cursor
    count: int
    len: int
    torn: bool
    _ring: Ring
    def __init__(self, ring: Ring, lock: _Guard, head: bytes) -> None: ...
    def measure(self, count: int, limit: int, dated: bool = True, skip: int = 0) -> int: ...
    def __iter__(self) -> Body: ...
    def date(self, hi: int, lo: int) -> None: ...
    def __next__(self) -> bytes | memoryview: ...
