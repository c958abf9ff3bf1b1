"""The page's socket, /admin/live: relays what devices say, and takes commands for them."""

import asyncio
import contextlib
import json
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from tools.mock_server.devices import DeviceError, Devices

# A watcher that leaves more than this unread is dropped: it never slows a device.
MAX_UNREAD_BYTES = 4 * 1024 * 1024
_MAX_COMMAND_BYTES = 1024 * 1024
_PING_S = 30.0
_CLOSE_LIMIT_S = 1.0


class Watchers:
    """Everybody who watches."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()

    def send(self, document: dict[str, Any]) -> None:
        """Queue a document for every watcher."""
        if self._watchers:
            text = _dump(document)
            for watcher in tuple(self._watchers):
                if document["type"] == "devices":
                    watcher.put_devices(text)
                else:
                    watcher.put(text)

    async def handle(self, request: web.Request, devices: Devices) -> web.StreamResponse:
        """One watcher to its end."""
        socket = web.WebSocketResponse(
            compress=False,
            heartbeat=_PING_S,
            timeout=_CLOSE_LIMIT_S,
            max_msg_size=_MAX_COMMAND_BYTES,
        )
        if request.transport is None or not socket.can_prepare(request):
            words = {"error": "open a WebSocket here (RFC 6455)"}
            return web.json_response(words, status=426, headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        watcher = _Watcher(socket, request.transport)
        self._watchers.add(watcher)
        watcher.put_devices(_dump({"type": "devices", "devices": devices.to_json()}))
        writer = asyncio.create_task(watcher.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    watcher.put(_dump(await _obey(message.data, devices)))
        finally:
            self._watchers.discard(watcher)
            writer.cancel()
        return socket


class _Watcher:
    """One watcher, with what it has not yet read."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._socket = socket
        self._transport = transport
        # In their order; None is where the devices come in, of which only the newest list counts.
        self._unread: deque[str | None] = deque()
        self._devices = ""
        self._unread_bytes = 0
        self._bell = asyncio.Event()

    def put(self, text: str) -> None:
        self._unread.append(text)
        self._unread_bytes += len(text)
        self._bell.set()
        if self._unread_bytes > MAX_UNREAD_BYTES:
            self._unread.clear()
            self._transport.abort()

    def put_devices(self, text: str) -> None:
        """Not counted, however large, as there is never more than one."""
        if None not in self._unread:
            self._unread.append(None)
        self._devices = text
        self._bell.set()

    async def write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._bell.wait()
                self._bell.clear()
                while self._unread:
                    text = self._unread.popleft()
                    await self._socket.send_str(self._devices if text is None else text)
                    self._unread_bytes -= len(text or "")


async def _obey(text: str, devices: Devices) -> dict[str, Any]:
    """Do what the page asks; returns the answer."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {"type": "refused", "error": f"not valid JSON: {error}"}
    if not isinstance(asked, dict) or asked.get("type") != "command":
        return {"type": "refused", "error": 'type must be "command"'}
    source_id, command = asked.get("source_id"), asked.get("command")
    about = {"source_id": source_id, "command": command}
    try:
        command_id = await devices.command(str(source_id), command, asked.get("params", {}))
    except DeviceError as error:
        return {"type": "refused", **about, "error": error.message}
    return {"type": "sent", **about, "id": command_id}


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
