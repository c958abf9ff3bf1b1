from ..tls import _Context
from . import WebSocket

async def open_websocket(
    ws: WebSocket,
    url: str,
    headers: dict[str, str] | None,
    ssl: _Context | None,
    timeout_ms: int,
) -> None: ...
