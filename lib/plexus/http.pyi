from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from .tls import _Context

_Bytes: TypeAlias = bytes | bytearray | memoryview
_Answer: TypeAlias = tuple[int, bytes | bytearray]

# A module (or what looks like one) that has the function `request` of MicroPython's `requests`.
class _Requests(Protocol):
    @property
    def request(self) -> Callable[..., Any]: ...

def http_date(text: bytes) -> int | None: ...

class Wire:
    AF_INET: int
    SOCK_STREAM: int
    host: str
    port: int
    fresh: bool
    context: _Context | None
    dates: bool
    step: str
    status: int
    retry_after: bytes | None
    date: bytes | None
    date_ticks: int
    took_ms: int
    def __init__(self, host: str, port: int, context: _Context | None) -> None: ...
    def begin(self, method: str, body: Iterable[_Bytes] | None, timeout_ms: int) -> None: ...
    def getaddrinfo(self, *_: object) -> Any: ...
    def socket(self, *_: object) -> Wire: ...
    def settimeout(self, _: object) -> None: ...
    def connect(self, _: object) -> None: ...
    def write(self, data: str | _Bytes) -> int: ...
    def sendall(self, data: str | _Bytes) -> int: ...
    def readline(self, *_: object) -> bytes: ...
    def read(self, size: int = -1) -> bytearray: ...
    def close(self) -> None: ...
    def shut(self) -> None: ...
    def left_ms(self) -> int: ...
    def retry_after_ms(self) -> int | None: ...

class Http:
    host: str
    path: str
    timeout_ms: int
    wire: Wire
    def __init__(
        self,
        url: str,
        api_key: str,
        context: _Context | None,
        timeout_ms: int,
        requests: _Requests | None = None,
    ) -> None: ...
    def date(self) -> _Answer: ...
    def request(
        self,
        method: str,
        path: str,
        body: Iterable[_Bytes] | None = None,
        length: int | Callable[[], int] = 0,
        with_key: bool = True,
    ) -> _Answer: ...
