"""A WebSocket client (RFC 6455) over asyncio streams: messages in frames, and how they end."""

# MicroPython's streams have other attributes than CPython's.
# pyright: reportAttributeAccessIssue=false

import asyncio
import os

from ..port import const, load_native, ticks_ms, unload
from .error import WebSocketError

_frames = load_native(__name__, "frames")

_PIECE = const(1024)  # so much is read, and masked and written, at a time; a multiple of 4
_LINGER_S = const(2)

_TEXT = const(1)
_BINARY = const(2)
_CLOSE = const(8)
_PING = const(9)
_PONG = const(10)


class _Failure(Exception):
    """The server broke the protocol: the argument is the close code that says how."""


async def connect(url, headers=None, ssl=None, max_size=65536, timeout_ms=10000):
    """Open a connection: a WebSocket.

    `url`: ws:// or wss://. `headers`: further ones (dict). `ssl`: the SSLContext for wss; without
    one each call makes one that trusts the shipped roots, so keep a context and give it.
    `max_size`: bytes of the largest message to receive. `timeout_ms` limits all of this, and later
    close(). WebSocketError, or another OSError: no connection. ValueError names an argument that is
    wrong.
    """
    from .handshake import open_websocket

    ws = WebSocket(max_size, timeout_ms)
    try:
        await open_websocket(ws, url, headers, ssl, timeout_ms)
    finally:
        unload(__name__, "handshake")
        unload("plexus", "url")  # and what a failure has left open is closed
    return ws


def _may_close_with(code):
    # Section 7.4, and the codes that were registered since.
    return 3000 <= code < 5000 or 1000 <= code < 1015 and not 1004 <= code < 1007


class WebSocket:
    """A connection that connect() has opened.

    Any number of tasks may send, and one receive. `close_code`: None while it is open, then why it
    ended: the server's code (1005: it gave none), that of its fault (1002, 1007, 1009), or 1006 if
    the TCP connection ended first. `heard_at`: ticks_ms() when recv() last got bytes from the
    server, of whatever kind.
    """

    def __init__(self, max_size, timeout_ms):
        self.close_code = None
        self.heard_at = ticks_ms()
        self._max_size = max_size
        self._timeout_s = timeout_ms / 1000
        self._reader = self._writer = None
        self._sending = asyncio.Lock()
        self._receiving = asyncio.Lock()
        self._said_close = False
        self._more = False  # a message was sent of which there is more
        self._in = b""  # what was read; from _at on it is still to be taken
        self._at = 0
        # The message that is coming in, and its frame. At every await all of this is in order: a
        # recv() that is cancelled can be called again.
        self._data = bytearray()
        self._opcode = 0
        self._final = False
        self._left = 0
        self._utf8 = 0

    async def send(self, message, text=False, final=True):
        """Send a text (str) or binary (bytes) message. An OSError: it cannot be sent.

        `text`: bytes, too, are sent as text; they are UTF-8, which is not checked. `final`: False
        if the next call sends more of the same message, and no other task sends in between.
        It waits while the network takes no more. Who cancels it then ends the connection, as half
        a frame is out.
        """
        opcode = _TEXT if text else _BINARY
        if isinstance(message, str):
            opcode = _TEXT
            message = message.encode()
        elif not isinstance(message, (bytes, bytearray, memoryview)):
            raise TypeError("message: str or bytes, not %s" % type(message).__name__)
        if self._more:
            opcode = 0
        self._more = not final
        await self._send_or_fail(opcode, message, final)
        await asyncio.sleep(0)  # who sends in a loop lets others run

    async def ping(self, payload=b""):
        """Send a ping with at most 125 bytes. `heard_at` tells when the server has answered."""
        if len(payload) > 125:
            raise ValueError("payload: %d bytes; a ping holds at most 125" % len(payload))
        await self._send_or_fail(_PING, payload)

    async def recv(self):
        """The next message (str or bytes); None once the connection is closed."""
        async with self._receiving:
            try:
                while True:
                    await asyncio.sleep(0)  # a flood of small frames lets others run
                    if not self._writer:
                        return None
                    if await self._take():
                        return self._message()
            except _Failure as exc:
                await self._end(exc.args[0])
            except MemoryError:
                await self._end(1009)
            except (OSError, EOFError):
                await self._shut()

    async def close(self, code=1000):
        """Say close, wait until the server has as well (but not long), and end the connection."""
        if not _may_close_with(code):
            raise ValueError("code: %r may not be sent" % (code,))
        await self._end_with(self._close(code), self._timeout_s)

    async def _send_or_fail(self, opcode, data, final=True):
        if not await self._send(opcode, data, final):
            raise WebSocketError("the connection is closed (%s)" % self.close_code)

    async def _close(self, code):
        await self._send(_CLOSE, code.to_bytes(2, "big"))
        while await self.recv() is not None:
            pass

    async def _read(self, size):
        # Have `size` bytes at hand.
        while len(self._in) - self._at < size:
            data = await self._reader.read(_PIECE)
            if not data:
                raise EOFError
            self.heard_at = ticks_ms()
            self._in = self._in[self._at :] + data
            self._at = 0

    async def _take(self):
        # Take a frame's head, or a piece of its payload: True if that completes a message.
        if not self._left:
            await self._read(2)
            first = self._in[self._at]
            size = self._in[self._at + 1]
            opcode = first & 15
            if first & 0x70 or size > 127:  # reserved bits, or a mask
                raise _Failure(1002)
            if opcode >= _CLOSE:
                if first < 128 or size > 125 or opcode > _PONG:
                    raise _Failure(1002)
                await self._read(2 + size)
                await self._control(opcode, self._in[self._at + 2 : self._at + 2 + size])
                self._at += 2 + size
                return False
            if opcode > _BINARY or (opcode > 0) == (self._opcode > 0):
                raise _Failure(1002)
            head = 2
            if size > 125:
                head = 4 if size == 126 else 10
                await self._read(head)
                size = int.from_bytes(self._in[self._at + 2 : self._at + head], "big")
                if size < (126 if head == 4 else 65536) or size >> 63:
                    raise _Failure(1002)
            if size > self._max_size - len(self._data):
                raise _Failure(1009)
            self._at += head
            self._left = size
            self._final = first > 127
            self._opcode = self._opcode or opcode
        if self._left:
            await self._read(1)
            piece = self._in
            if self._at or len(piece) > self._left:
                piece = piece[self._at : self._at + self._left]
            if self._opcode == _TEXT:
                self._utf8 = _frames.utf8(piece, self._utf8)
                if self._utf8 < 0:
                    raise _Failure(1007)
            self._data.extend(piece)
            self._at += len(piece)
            self._left -= len(piece)
        return self._final and not self._left

    def _message(self):
        if self._utf8:
            raise _Failure(1007)  # its last character is not complete
        data = self._data
        data = str(data, "utf-8") if self._opcode == _TEXT else bytes(data)
        self._data = bytearray()
        self._opcode = 0
        return data

    async def _control(self, opcode, payload):
        if opcode == _PING:
            await self._send(_PONG, payload)
        elif opcode == _CLOSE:
            code = int.from_bytes(payload[:2], "big")
            if len(payload) == 1 or payload and not _may_close_with(code):
                raise _Failure(1002)
            if _frames.utf8(payload[2:], 0):
                raise _Failure(1007)
            await self._end(code or 1005)

    async def _send(self, opcode, data, final=True):
        # Send one frame, masked; False if nothing may be sent any more.
        size = len(data)
        head = bytes((0x80 * final | opcode, 0x80 | min(size, 126 if size < 65536 else 127)))
        if size > 125:
            head += size.to_bytes(2 if size < 65536 else 8, "big")
        key = os.urandom(4)
        data = memoryview(data)
        async with self._sending:
            if self._said_close or not self._writer:
                return False
            self._said_close = opcode == _CLOSE
            whole = False
            try:
                piece = bytearray(head + key + data[:_PIECE])
                _frames.mask(piece, len(head) + 4, key)
                await self._write(piece)
                for at in range(_PIECE, size, _PIECE):
                    if not self._writer:
                        break  # another task has ended the connection
                    piece = bytearray(data[at : at + _PIECE])
                    _frames.mask(piece, 0, key)
                    await self._write(piece)
                whole = True
            finally:
                if not whole:
                    await self._shut()
            return self._writer is not None

    async def _write(self, piece):
        writer = self._writer
        writer.write(piece)
        if not hasattr(writer, "out_buf"):
            await writer.drain()
            return
        # In MicroPython a task that is cancelled while it waits for a socket takes the one with it
        # that waits for the socket's other direction. So this does not wait there: it looks again.
        while writer.out_buf:
            await asyncio.sleep(0.01)
            if not self._writer:
                break  # another task has closed the socket
            sent = writer.s.write(writer.out_buf)
            if sent:
                writer.out_buf = writer.out_buf[sent:]

    async def _end(self, code):
        self.close_code = code
        self._data = bytearray()
        await self._end_with(self._linger(code), _LINGER_S)

    async def _linger(self, code):
        # Say close, and let the server end the TCP connection (section 7.1.1): input that nobody
        # reads would make it a reset, which overtakes what was sent. If close was said before, the
        # server has read all of that; and MicroPython may have read TLS's end with its answer.
        if await self._send(_CLOSE, b"" if code == 1005 else code.to_bytes(2, "big")):
            while await self._reader.read(_PIECE):
                pass

    async def _end_with(self, last, timeout_s):
        try:
            await asyncio.wait_for(last, timeout_s)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            await self._shut()

    async def _shut(self):
        writer = self._writer
        if self.close_code is None:
            self.close_code = 1006
        if writer:
            self._writer = None
            self._in = b""
            self._data = bytearray()
            self._left = self._at = 0
            if hasattr(writer, "out_buf"):  # MicroPython's closes only here, and does not wait
                await writer.wait_closed()  # pyright: ignore[reportGeneralTypeIssues]
            else:
                writer.transport.abort()
