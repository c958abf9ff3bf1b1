from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypedDict

from ..readings.buffer import Buffer
from .call_queue import SessionRequests, _Call, _Trouble
from .request import Http

class _Named(TypedDict, total=False):
    label: str

class _Criterion(_Named):
    metric: str
    operator: Literal[">", ">=", "<", "<=", "=", "!="]
    value: float

# The client, as far as runs go.
class _Client(Protocol):
    source_id: str
    buffer: Buffer[Any]
    session_requests: SessionRequests | None

def run(
    px: Any,
    name: str,
    pass_criteria: Sequence[_Criterion] | None = None,
    tags: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
) -> Run: ...
def of_session(session: Any, client: _Client) -> Run: ...

class Run:
    kind: str
    host: str | None
    session: Any
    name: str
    id: str | None
    test_result: dict[str, Any] | None
    def __init__(
        self,
        client: _Client,
        name: str,
        pass_criteria: Sequence[_Criterion] | None,
        tags: dict[str, Any] | None,
        metadata: dict[str, Any] | None,
    ) -> None: ...
    def start(self) -> Run: ...
    def end(self, status: Literal["completed", "aborted"] = "completed") -> None: ...
    def __enter__(self) -> Run: ...
    def __exit__(self, kind: object, *_: object) -> None: ...
    async def __aenter__(self) -> Run: ...
    async def __aexit__(self, kind: object, *_: object) -> None: ...
    def trouble(self, status: int) -> _Trouble: ...
    def due(self, call: _Call) -> bool: ...
    def ask(self, http: Http, call: _Call) -> tuple[int, bytes | bytearray]: ...
    def answered(self, call: _Call, status: int, content: bytes | bytearray) -> int: ...
