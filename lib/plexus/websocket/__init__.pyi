from asyncio import StreamReader, StreamWriter
from typing import TypeAlias

from ..tls import _Context
from .error import WebSocketError as WebSocketError

_Bytes: TypeAlias = bytes | bytearray | memoryview

class WebSocket:
    close_code: int | None
    heard_at: int
    _reader: StreamReader | None  # what follows is for the handshake
    _writer: StreamWriter | None
    _in: bytes
    _max_size: int
    async def _read(self, size: int) -> None: ...
    async def _shut(self) -> None: ...
    def __init__(self, max_size: int, timeout_ms: int) -> None: ...
    async def send(self, message: str | _Bytes, text: bool = False, final: bool = True) -> None: ...
    async def ping(self, payload: _Bytes = b"") -> None: ...
    async def recv(self) -> str | bytes | None: ...
    async def close(self, code: int = 1000) -> None: ...

async def connect(
    url: str,
    headers: dict[str, str] | None = None,
    ssl: _Context | None = None,
    max_size: int = 65536,
    timeout_ms: int = 10000,
) -> WebSocket: ...
