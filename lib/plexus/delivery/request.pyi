from collections.abc import Callable, Iterable
from typing import TypeAlias

from ..tls import _Context
from ..url import _Requests
from .bounded_socket import BoundedSocket
from .exchange import Exchange, _Bytes

_Answer: TypeAlias = tuple[int, bytes | bytearray]

def reason_of(exc: BaseException) -> int | str: ...

class Http:
    host: str
    path: str
    timeout_ms: int
    roots: int | None
    answers: int
    unanswered: int
    connection: BoundedSocket
    exchange: Exchange
    def __init__(
        self,
        url: str,
        api_key: str,
        context: _Context | None,
        timeout_ms: int,
        requests: _Requests | None = None,
        headers: dict[str, str] | None = None,
    ) -> None: ...
    @property
    def key(self) -> str: ...
    def request(
        self,
        method: str,
        path: str,
        body: Iterable[_Bytes] | None = None,
        length: int | Callable[[], int] = 0,
    ) -> _Answer: ...
