from collections.abc import Callable
from typing import Literal

from .buffer import Buffer
from .ca import _Certificates
from .clock import Clock
from .http import _Requests
from .session import Calls, Session
from .tls import _Context

class PlexusError(Exception):
    status: int
    def __init__(self, words: str, status: int = 0) -> None: ...

class Plexus(Buffer[Clock]):
    source_id: str
    calls: Calls | None
    def __init__(
        self,
        api_key: str,
        source_id: str,
        *,
        endpoint: str = "https://app.plexus.company/api/ingest",
        ring_bytes: int | bytearray = 16384,
        flush_interval_ms: int = 10000,
        flush_fill_percent: int = 75,
        batch_points: int = 1000,
        timeout_ms: int = 10000,
        verify: bool = True,
        ca: _Certificates | None = None,
        ntp_hosts: str | list[str] | tuple[str, ...] = ...,
        ntp_port: int = 123,
        overflow: Literal["drop_oldest", "refuse"] = "drop_oldest",
        require_clock: bool = True,
        keep_alive: bool = False,
        report_interval_ms: int = 0,
        clock: Clock | None = None,
        requests: _Requests | None = None,
        random: Callable[[int], bytes] = ...,
    ) -> None: ...
    def __repr__(self) -> str: ...
    def credentials(self) -> tuple[str, _Context | None]: ...
    def session(self, session_id: str, name: str | None = None) -> Session: ...
    def tick(self) -> int: ...
    def flush(self) -> int: ...
    def hasten(self) -> None: ...
    @property
    def confirmed(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def answers(self) -> int: ...
    @property
    def unanswered(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def may_send(self) -> bool: ...
