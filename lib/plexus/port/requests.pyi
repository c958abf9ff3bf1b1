from collections.abc import Iterable, Mapping
from typing import Any

class Response:
    status_code: int
    raw: Any
    def __init__(self, status_code: int, raw: Any) -> None: ...
    @property
    def content(self) -> bytes | bytearray: ...
    def close(self) -> None: ...

def request(
    method: str,
    url: str,
    data: Iterable[bytes | bytearray | memoryview] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Response: ...
