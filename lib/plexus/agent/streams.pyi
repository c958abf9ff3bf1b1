from .message import _Fields

class Stream:
    id: str
    metrics: set[str]
    interval_ms: int
    store: bool
    session: bool
    def __init__(
        self,
        id: str,
        metrics: list[str] | tuple[str, ...] | set[str] | None = None,
        interval_ms: int = 0,
        store: bool = False,
        session: bool = False,
    ) -> None: ...
    def wants(self, metric: str) -> bool: ...
    def take(self, metric: str, suffix: bytes | None, ticks: int) -> bool: ...

def stream_of(fields: _Fields, stream_id: str, session: bool = False) -> Stream: ...
