"""The transport: connections with an id, and delivery of raw bytes with scripted trouble."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tools.mock_server.faults import Action

_POLL_S = 0.02
_SLICE_BYTES = 64 * 1024

# Called with the connection's id, the status and the words for a request that is not HTTP.
BadRequestHook = Callable[[int, str], web.StreamResponse]


class Connection(web.RequestHandler):
    """aiohttp's connection, with an id, the listener it came by, and a limit for the headers."""

    def __init__(
        self,
        server: Any,
        connection_id: int,
        listener: str,
        header_timeout_ms: int | None,
        on_bad_request: BadRequestHook,
        **options: Any,
    ) -> None:
        super().__init__(server, **options)
        self.connection_id = connection_id
        self.listener = listener
        self._header_timeout_ms = header_timeout_ms
        self._header_timer: asyncio.TimerHandle | None = None
        self._on_bad_request = on_bad_request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages or self._current_request is not None:
            self.headers_complete()
        elif data:
            # Between requests there is no limit; from a request's first byte there is.
            self._await_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.headers_complete()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == 400:
            return self._on_bad_request(self.connection_id, message or "bad request")
        return super().handle_error(request, status, exc, message)

    def headers_complete(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _await_headers(self) -> None:
        if self._header_timeout_ms is not None and self._header_timer is None:
            self._header_timer = self._loop.call_later(
                self._header_timeout_ms / 1000, self.force_close
            )


class Delivered(web.StreamResponse):
    """Tells aiohttp that the answer was already written to the transport."""

    def __init__(self, status: int, reusable: bool) -> None:
        super().__init__(status=status)
        self._reusable = reusable

    @property
    def keep_alive(self) -> bool:
        return self._reusable

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


def reset(transport: asyncio.Transport | None) -> None:
    """Close with a TCP RST: no linger (RFC 9293 section 3.10.7, SO_LINGER of zero)."""
    if transport is None:
        return
    # One of TLS whose connection is lost has nothing left to be asked for.
    raw = None if transport.is_closing() else transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def gone(transport: asyncio.Transport) -> None:
    """Return when the client has left."""
    while not transport.is_closing():
        await asyncio.sleep(_POLL_S)


async def hold(transport: asyncio.Transport, hold_ms: int) -> None:
    """Keep the connection open and silent until the client leaves, or that long."""
    await _within(gone(transport), hold_ms)


async def deliver(transport: asyncio.Transport, head: bytes, body: bytes, action: Action) -> bool:
    """Write the answer as the action wants it; returns whether it arrived whole."""
    if action.stall == "before_headers":
        await hold(transport, action.hold_ms)
        return False
    if action.endless_header:
        await _send_endless_header(transport, head, action.endless_header)
        return False
    if action.trickle_ms:
        await _within(_trickle(transport, head, action.trickle_ms), action.hold_ms)
        return False
    if action.stall == "in_body":
        await write(transport, head + body[: len(body) // 2])
        await hold(transport, action.hold_ms)
        return False
    raw = head + body
    if action.cut_after is not None and action.cut_after < len(raw):
        await write(transport, raw[: action.cut_after])
        return False
    if action.drip_ms:
        await _drip(transport, raw, action.drip_ms)
        return not transport.is_closing()
    await write(transport, raw + raw if action.twice else raw)
    return True


async def write(transport: asyncio.Transport, data: bytes) -> None:
    """Write all of it unless the client leaves, without buffering more than a few slices."""
    for at in range(0, len(data), _SLICE_BYTES):
        if transport.is_closing():
            return
        transport.write(data[at : at + _SLICE_BYTES])
        while transport.get_write_buffer_size() > 4 * _SLICE_BYTES and not transport.is_closing():
            await asyncio.sleep(_POLL_S)


async def _send_endless_header(transport: asyncio.Transport, head: bytes, size: int) -> None:
    status_line, _, _ = head.partition(b"\r\n")
    await write(transport, status_line + b"\r\nX-Endless: ")
    filler = b"a" * _SLICE_BYTES
    for at in range(0, size, _SLICE_BYTES):
        await write(transport, filler[: min(_SLICE_BYTES, size - at)])


async def _trickle(transport: asyncio.Transport, head: bytes, trickle_ms: int) -> None:
    status_line, _, _ = head.partition(b"\r\n")
    line, number = status_line, 0
    while not transport.is_closing():
        transport.write(line + b"\r\n")
        number += 1
        line = b"X-Trickle: %d" % number
        await asyncio.sleep(trickle_ms / 1000)


async def _drip(transport: asyncio.Transport, raw: bytes, drip_ms: int) -> None:
    for at in range(len(raw)):
        if transport.is_closing():
            return
        transport.write(raw[at : at + 1])
        await asyncio.sleep(drip_ms / 1000)


async def _within(work: Awaitable[None], limit_ms: int) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, limit_ms / 1000)
