from collections.abc import Callable
from typing import Any, Protocol

INGEST: str
PLATFORM_INGEST: str
PLATFORM_APP: str

# A module (or what looks like one) that has the function `request` of MicroPython's `requests`.
class _Requests(Protocol):
    @property
    def request(self) -> Callable[..., Any]: ...

def split_url(url: str, name: str = "endpoint") -> tuple[bool, str, int, str]: ...
def requests(given: _Requests | None = None) -> tuple[_Requests, str | None]: ...
