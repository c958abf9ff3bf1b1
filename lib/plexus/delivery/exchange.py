"""An HTTP exchange, in the place of the sockets that `requests` uses: bounded, and judged here.

`requests` writes a request to it and reads an answer from it. It gets a status line and the body:
the answer's headers are read here, and only a few of them matter.
"""

import socket

from ..port import const, ticks_diff, ticks_ms

_MAX_LINE = const(128)  # of a header line so much is looked at
_MAX_HEADERS = const(8192)
_MAX_BODY = const(1024)
_BUFFER = const(256)

# Why there is no answer; problem.py explains them.
CUT_OFF = const(-1001)
NO_HTTP = const(-1002)
BROKEN_CHUNK = const(-1003)
ENDLESS_HEADERS = const(-1004)
HUNG_UP = const(-1005)


class Exchange:
    """One exchange after the other over a `connection`, in the place of the socket module too."""

    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self, connection):
        self.connection = connection
        self.dates = False  # whether a Date is worth its heap when the request succeeded
        self._data = bytearray(_BUFFER)  # what goes out, then what has come in
        self._view = memoryview(self._data)
        # All names at once: a dict that grows while a ring fills the heap finds no room to.
        self.date_ticks = self.took_ms = self._at = self._end = 0
        self.begin(None, None, 0)

    def begin(self, method, body, timeout_ms):
        """Forget the last answer. `body`: the bytes to send, in pieces; all within `timeout_ms`."""
        connection = self.connection
        connection.begin(timeout_ms)
        # An answer that nobody asked for must not be the next one's.
        if self._at < self._end or connection.any(self._data):
            connection.shut()
        self._body = body
        self._is_head = method == "HEAD"
        self._begins = True
        self._at = self._end = 0
        self._length = -1
        self._chunked = self._keep = False
        self._body_left = _MAX_BODY
        self._headers_left = _MAX_HEADERS
        self.status = 0
        self.retry_after = self.date = None

    # What requests calls: the module's functions, then the socket's methods. Where to connect to,
    # and for how long, is settled before.

    def getaddrinfo(self, *_):
        return ("any",)  # what requests takes from an address comes back to socket() and connect()

    def socket(self, *_):
        return self

    def connect(self, _):
        pass

    settimeout = connect

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        if self._begins:
            self._begins = False
            data = data.replace(b" HTTP/1.0\r", b" HTTP/1.1\r")  # some servers refuse 1.0
        if data == b"Connection: close\r\n\r\n":
            data = b"\r\n"  # MicroPython before 1.24 adds it, whatever the headers say
        size = len(data)
        # requests writes a header in four small pieces: they leave together.
        if self._end + size > _BUFFER:
            self._flush()
        if size > _BUFFER:
            self.connection.send(data)
        else:
            self._data[self._end : self._end + size] = data
            self._end += size
        return size

    def readline(self, *_):
        if self.status:
            line = self._read_line()
            while line:
                self._header(line)
                line = self._read_line()
            if self._is_head or self.status == 204 or self.status == 304:
                self._length = 0
                self._chunked = False
            return b"\r\n"
        # The first line that requests wants is the status: all its headers are written.
        if self._body is not None:
            for piece in self._body:
                self.write(piece)
        self._flush()
        while True:
            line = self._read_line()
            try:
                status = int(line[9:12])
            except ValueError:
                status = 0
            if line[:7].upper() != b"HTTP/1." or status < 100 or line[12:13] not in b" ":
                raise OSError(NO_HTTP)
            if status >= 200:
                break
            while self._read_line():  # an interim answer
                pass
        self.status = status
        self._keep = line[7] != 48
        return b"HTTP/1.0 200 \r\n"  # requests shall read on; Http.request knows the true one

    def read(self, size=-1):
        """What is left of the body, at most 1 kB of it, whatever `size` is (a bytearray)."""
        out = bytearray()
        while self._body_left and self._length:
            if self._chunked and self._length < 0:
                try:
                    self._length = int(self._read_line().split(b";")[0], 16)
                except ValueError:
                    raise OSError(BROKEN_CHUNK)
                if not self._length:
                    while self._read_line():  # its trailer
                        pass
                    break
            if self._at == self._end and not self._receive():
                if self._length > 0 or self._chunked:
                    raise OSError(CUT_OFF)
                break
            size = min(self._end - self._at, self._body_left)
            if self._length > 0:
                size = min(size, self._length)
                self._length -= size
            out.extend(self._view[self._at : self._at + size])
            self._at += size
            self._body_left -= size
            if self._chunked and not self._length:
                self._read_line()
                self._length = -1
        return out

    def close(self):
        """Close, unless the answer was read to its end: then a next request may go the same way."""
        if not (self._keep and not self._length):
            self.connection.shut()

    def _flush(self):
        size, self._end = self._end, 0
        if size:
            self.connection.send(self._view[:size])

    def _receive(self):
        self._at = 0
        self._end = self.connection.receive(self._data)
        return self._end

    def _read_line(self):
        # The next line without its end, cut if it is longer than what is looked at.
        line = b""
        while True:
            if self._at == self._end and not self._receive():
                raise OSError(CUT_OFF if self.status else HUNG_UP)
            data, at, end = self._data, self._at, self._end
            while at < end and data[at] != 10:
                at += 1
            if len(line) < _MAX_LINE:
                line += bytes(self._view[self._at : min(at, self._at + _MAX_LINE)])
            self._headers_left -= at - self._at + 1
            if self._headers_left < 0:
                raise OSError(ENDLESS_HEADERS)
            self._at = min(at + 1, end)
            if at < end:
                return line[:_MAX_LINE].rstrip(b"\r")

    def _header(self, line):
        if line[0] | 32 not in b"cdrt":
            return
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        value = value.strip()
        if name == b"content-length":
            if not self._chunked and value.isdigit():
                self._length = min(int(value), 1000000)
        elif name == b"connection":
            value = value.lower()
            self._keep = b"close" not in value and (self._keep or b"keep-alive" in value)
        elif name == b"transfer-encoding":
            value = value.lower()
            if value != b"identity":
                self._length = -1
                self._chunked = value[-7:] == b"chunked"
        elif name == b"retry-after":
            self.retry_after = value
        elif name == b"date" and (self.dates or self.status >= 400):
            self.date = value
            self.date_ticks = ticks_ms()
            self.took_ms = ticks_diff(self.date_ticks, self.connection.start)
