"""How a WebSocket connection opens (RFC 6455 section 4): the request, and what must answer it."""

import asyncio
import binascii
import hashlib
import os
import socket

from ..port import const
from ..url import split_url
from .error import WebSocketError

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_HEAD = const(4096)
_TCP = const(6)
_NODELAY = const(1)

# As in bounded_socket.py. Where it says no, or over TLS, a frame of several pieces takes longer.
_MAY_SET_NODELAY = hasattr(socket, "TCP_NODELAY") or not hasattr(socket, "IPPROTO_TCP")


async def open_websocket(ws, url, headers, ssl, timeout_ms):
    """Connect `ws`, a WebSocket that is not open yet; the rest as in websocket.connect()."""
    handshake = _Handshake(url, headers)
    if not (ws._max_size > 0 and timeout_ms > 0):
        raise ValueError("max_size, timeout_ms: both are numbers above 0")
    if handshake.secure and ssl is None:
        from ..tls import verifying_context

        ssl = verifying_context()
    try:
        await asyncio.wait_for(_open(ws, handshake, ssl), timeout_ms / 1000)
    except asyncio.TimeoutError:
        raise WebSocketError("no WebSocket handshake within %d ms" % timeout_ms)
    except EOFError:
        raise WebSocketError("the server ended the connection in the handshake")
    except ValueError as exc:  # which MicroPython raises for a certificate
        raise WebSocketError(str(exc))


async def _open(ws, handshake, ssl):
    ready = False
    try:
        place = handshake.host
        if not hasattr(asyncio.get_event_loop(), "getaddrinfo"):
            # MicroPython's open_connection() looks the name up itself, and all tasks wait for it.
            from .lookup import address_of

            place = await address_of(place, handshake.port)
        ws._reader, ws._writer = await asyncio.open_connection(
            place,
            handshake.port,
            ssl=ssl if handshake.secure else None,
            server_hostname=handshake.host if handshake.secure else None,
        )
        raw = getattr(ws._writer, "s", None)  # CPython does that by itself
        if _MAY_SET_NODELAY and hasattr(raw, "setsockopt"):
            raw.setsockopt(_TCP, _NODELAY, 1)
        ws._writer.write(handshake.request)
        await ws._writer.drain()
        end = -1
        while end < 0:
            size = len(ws._in)
            if size > _MAX_HEAD:
                raise WebSocketError("the server's headers are too long")
            await ws._read(size + 1)
            end = ws._in.find(b"\r\n\r\n")
        handshake.check(ws._in[:end])
        ws._in = ws._in[end + 4 :]
        ready = True
    finally:
        if not ready:
            await ws._shut()


class _Handshake:
    """The request for `url` (bytes), where it goes (`secure`, `host`, `port`), and its check."""

    def __init__(self, url, headers):
        if not isinstance(url, str) or url[:5] != "ws://" and url[:6] != "wss://":
            raise ValueError("url: %r is no ws:// or wss:// URL" % (url,))
        self.secure, self.host, self.port, path = split_url("http" + url[2:], "url")
        self._key = binascii.b2a_base64(os.urandom(16))[:-1]
        self._asked = False
        lines = [
            "GET %s HTTP/1.1" % path,
            "Host: " + url.split("/", 3)[2],
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: " + self._key.decode(),
        ]
        for name, value in (headers or {}).items():
            line = "%s: %s" % (name, value)
            if "\r" in line or "\n" in line:
                raise ValueError("headers: there is a line break in %r" % name)
            self._asked |= name.lower() == "sec-websocket-protocol"
            lines.append(line)
        self.request = "\r\n".join(lines + ["", ""]).encode()

    def check(self, head):
        """WebSocketError unless `head` (bytes) is of a server that takes up the connection."""
        lines = head.split(b"\r\n")
        message = lines[0].split(b" ")
        if message[0] != b"HTTP/1.1" or len(message) < 2 or not message[1].isdigit():
            raise WebSocketError("the server speaks no HTTP/1.1")
        if message[1] != b"101":
            status = int(message[1])
            raise WebSocketError("the server refused the handshake: HTTP %d" % status, status)
        found = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            name = name.lower()
            value = value.strip()
            found[name] = found[name] + b"," + value if name in found else value
        accept = binascii.b2a_base64(hashlib.sha1(self._key + _GUID).digest())[:-1]
        tokens = found.get(b"connection", b"").lower().replace(b" ", b"").split(b",")
        if found.get(b"upgrade", b"").lower() != b"websocket" or b"upgrade" not in tokens:
            raise WebSocketError("the server does not upgrade to WebSocket")
        if found.get(b"sec-websocket-accept") != accept:
            raise WebSocketError("the server's Sec-WebSocket-Accept is wrong")
        if found.get(b"sec-websocket-extensions"):
            raise WebSocketError("the server uses an extension that was not offered")
        if found.get(b"sec-websocket-protocol") and not self._asked:
            raise WebSocketError("the server chose a subprotocol that was not offered")
