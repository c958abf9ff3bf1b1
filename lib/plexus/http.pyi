from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from .stream import Stream
from .tls import _Context
from .wire import Wire, _Bytes

_Answer: TypeAlias = tuple[int, bytes | bytearray]

# A module (or what looks like one) that has the function `request` of MicroPython's `requests`.
class _Requests(Protocol):
    @property
    def request(self) -> Callable[..., Any]: ...

def reason_of(exc: BaseException) -> int | str: ...

class Http:
    host: str
    path: str
    timeout_ms: int
    roots: int | None
    answers: int
    unanswered: int
    stream: Stream
    wire: Wire
    def __init__(
        self,
        url: str,
        api_key: str,
        context: _Context | None,
        timeout_ms: int,
        requests: _Requests | None = None,
    ) -> None: ...
    @property
    def key(self) -> str: ...
    def request(
        self,
        method: str,
        path: str,
        body: Iterable[_Bytes] | None = None,
        length: int | Callable[[], int] = 0,
        with_key: bool = True,
    ) -> _Answer: ...
