from collections.abc import Awaitable
from typing import Any, Protocol

from ..client import Plexus
from ..delivery.problem import _Problem
from ..sensors.sampling.sampler import Sampler
from .command_table import Commands
from .dispatcher import Dispatcher
from .live import Live

# What websocket.connect() gives, or a test in its place.
class _Socket(Protocol):
    @property
    def close_code(self) -> int | None: ...
    @property
    def heard_at(self) -> int: ...
    def send(self, message: Any, text: bool = False, final: bool = True) -> Awaitable[None]: ...
    def ping(self) -> Awaitable[None]: ...
    def recv(self) -> Awaitable[str | bytes | None]: ...
    def close(self) -> Awaitable[None]: ...

class Connection:
    connected: bool
    connects: int
    messages: int
    server_error: str
    refusal: str
    problem: str | _Problem | None
    refused: bool
    stable: bool
    goodbye: bool
    documented: bool
    stores: bool | None
    def __init__(
        self,
        px: Plexus,
        sampler: Sampler | None,
        live: Live,
        commands: Commands,
        dispatcher: Dispatcher,
        outbox: list[Any],
        heartbeat_ms: int,
    ) -> None: ...
    def begin(self) -> None: ...
    def fail(self, problem: Exception | str, step: int = ...) -> None: ...
    def now(self) -> int: ...
    async def use(self, ws: _Socket) -> None: ...
