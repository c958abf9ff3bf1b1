from .render import Body
from .ring import Ring, _Cursor

def source_of(ring: Ring, at: _Cursor) -> bytes: ...
def sources(ring: Ring, first: int, count: int) -> dict[bytes, int]: ...
def reach(ring: Ring, first: int) -> int: ...

class SourceBody(Body):
    source: bytes
    first: int
    behind: int
    stop: int
    start: int
    end: _Cursor
    count: int
    len: int
    torn: bool
    def __init__(self, body: Body) -> None: ...
    def measure(self, count: int, limit: int, dated: bool = True, skip: int = 0) -> int: ...
    def __next__(self) -> bytes | memoryview: ...
