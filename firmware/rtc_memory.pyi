ROOM: int

def load(sleep: dict[str, int], safe: bool) -> RtcMemory: ...

class RtcMemory:
    wakes: int
    failed: bool
    damaged: bool
    count: int
    lost: int
    saved_ms: int
    synced_ms: int
    line: int
    rate_ppm: int
    segment: bytes | bytearray | memoryview
    due: bool
    def __init__(self) -> None: ...
    def save(self, segment: bytes | bytearray | memoryview, count: int) -> bool: ...
