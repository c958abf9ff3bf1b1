"""One connection, in the place of the sockets that `requests` makes: bounded, verified, timed.

It opens and verifies the connection, holds every operation to one deadline, sends the body, reads
the answer's headers itself, and passes on to `requests` only a status line and the body.
"""

import errno
import socket

from ._port import const, micropython, ticks_diff, ticks_ms

_MAX_LINE = const(128)  # of a header line so much is looked at
_OUT = const(256)
_MAX_HEADERS = const(8192)
_MAX_BODY = const(1024)
_TCP = const(6)
_NODELAY = const(1)  # the end of a request does not wait for the other side's delayed ACK
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

# Older ESP32 firmware knows the level and not the option, and prints a warning each time.
_MAY_SET_NODELAY = hasattr(socket, "TCP_NODELAY") or not hasattr(socket, "IPPROTO_TCP")


def http_date(text):
    """Epoch seconds of an IMF-fixdate (bytes; RFC 9110 section 5.6.7), or None if it is none."""
    try:
        _, day, month, year, clock = text.decode().split()[:5]
        hour, minute, second = clock.split(":")
        at = _MONTHS.index(month)
        month = at // 3 + 1
        year = int(year)
        if at % 3 or not (1970 <= year <= 9999 and 1 <= int(day) <= 31):
            return None
        if not (0 <= int(hour) < 24 and 0 <= int(minute) < 60 and 0 <= int(second) < 61):
            return None
        # Days from the civil calendar: years start in March, so the leap day is their last.
        years = year - (month < 3)
        days = 365 * years + years // 4 - years // 100 + years // 400
        days += (153 * ((month + 9) % 12) + 2) // 5 + int(day) - 719469
        return days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    except ValueError:
        return None


class Wire:
    """A connection to one origin, in the place of the socket module and of its sockets."""

    AF_INET = socket.AF_INET
    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self, host, port, context):
        """`context`: an SSLContext, or None for plain http."""
        self.host = host
        self.port = port
        self.fresh = True
        self.context = context
        # All names at once: a dict that grows while a ring fills the heap finds no room to.
        self._streams = False
        self._sock = self._timed = self._write = self._readinto = self._addresses = None
        self.dates = False  # whether a Date is worth its heap when the request succeeded
        self._line = bytearray(_MAX_LINE)
        self._part = memoryview(self._line)
        self._one = memoryview(bytearray(1))
        self._out = bytearray(_OUT)
        self.begin("", None, 0)

    def begin(self, method, body, timeout_ms):
        """Forget the last answer. `body`: the bytes to send, in pieces; all within `timeout_ms`."""
        self.fresh = self._sock is None
        self._body = body
        self._bare = method == "HEAD"
        self._start = ticks_ms()
        self._timeout_ms = timeout_ms
        self._armed_ms = 0
        self._out_len = 0
        self._length = -1
        self._chunked = False
        self._keep = False
        self._body_left = _MAX_BODY
        self._headers_left = _MAX_HEADERS
        self.step = "look up"
        self.status = 0
        self.retry_after = None
        self.date = None
        self.date_ticks = 0
        self.took_ms = 0

    # What requests calls: the module's functions, then the socket's methods.

    def getaddrinfo(self, *_):
        if self._sock:
            return ((0, 0, 0, "", None),)
        self.fresh = True
        self._addresses = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        return self._addresses

    def socket(self, *_):
        return self

    def settimeout(self, _):
        pass  # the deadline rules

    def connect(self, _):
        if self._sock:
            return
        self.step = "connect to"
        for i, address in enumerate(self._addresses):
            sock = socket.socket(address[0], socket.SOCK_STREAM)
            try:
                self._armed_ms = 0
                self._arm(sock)
                sock.connect(address[-1])
                if _MAY_SET_NODELAY:
                    sock.setsockopt(_TCP, _NODELAY, 1)
                break
            except OSError:
                sock.close()
                if i + 1 == len(self._addresses):
                    raise
        self._addresses = None
        if self.context:
            self.step = "make a TLS connection to"
            raw = sock
            try:
                sock = self.context.wrap_socket(sock, server_hostname=self.host)
            except (OSError, ValueError, MemoryError):
                sock.close()
                raise
        self._sock = sock
        # MicroPython's TLS sockets have no settimeout: that of the socket below them counts.
        self._timed = sock if hasattr(sock, "settimeout") else raw
        self._armed_ms = 0
        self._streams = not hasattr(sock, "recv_into")
        if not self._streams:  # CPython's sockets are no streams
            self._readinto = sock.recv_into  # pyright: ignore[reportAttributeAccessIssue] -- CPython's
            self._write = sock.sendall
        else:
            self._readinto = sock.readinto
            self._write = sock.write

    @micropython.native
    def write(self, data):
        size = len(data)
        out = self._out
        used = self._out_len
        if size > len(out):
            if used:
                self._flush()
            self._send(data.encode() if isinstance(data, str) else data)
            return size
        # requests writes a header in four small pieces: they leave together.
        if isinstance(data, str):
            data = data.encode()
            size = len(data)
        if used + size > len(out):
            self._flush()
            used = 0
        out[used : used + size] = data
        self._out_len = used + size
        return size

    sendall = write

    def readline(self, *_):
        if self.status:
            size = self._read_line()
            while size:
                self._header(size)
                size = self._read_line()
            if self._bare or self.status == 204 or self.status == 304:
                self._length = 0
                self._chunked = False
            return b"\r\n"
        # The first line that requests wants is the status: all its headers are written.
        if self._body is not None:
            for piece in self._body:
                self.write(piece)
        self._flush()
        self.step = "get an answer from"
        while True:
            size = self._read_line()
            line = self._line
            status = self._number(9, 12, 1000) if self._starts(b"http/1.", size) else -1
            if size < 12 or status < 100 or (size > 12 and line[12] != 32):
                raise OSError("it speaks no HTTP")
            if line[9] != 49:
                break
            while self._read_line():  # 1xx is an interim answer
                pass
        self.status = status
        self._keep = line[7] != 48
        return b"HTTP/1.0 200 \r\n"  # requests shall read on; Http.request knows the true one

    def read(self, size=-1):
        """What is left of the body, at most 1 kB of it, whatever `size` is (a bytearray)."""
        out = bytearray(max(0, min(self._length, self._body_left)))
        size = 0
        while self._body_left and self._length:
            if self._chunked and self._length < 0:
                try:
                    self._length = int(bytes(self._part[: self._read_line()]).split(b";")[0], 16)
                except ValueError:
                    raise OSError("its answer has a broken chunk")
                if self._length == 0:
                    while self._read_line():
                        pass
                    break
            if not self._receive():
                if self._length > 0 or self._chunked:
                    raise OSError("its answer was cut off")
                break
            if size < len(out):
                out[size] = self._one[0]
            else:
                out.append(self._one[0])
            size += 1
            self._body_left -= 1
            if self._length > 0:
                self._length -= 1
                if self._chunked and self._length == 0:
                    self._read_line()
                    self._length = -1
        return out

    def close(self):
        """Close, unless the answer was read to its end: then a next request may go the same way."""
        if not (self._keep and self._length == 0):
            self.shut()

    def shut(self):
        sock, self._sock = self._sock, None
        if sock:
            self._timed = self._write = self._readinto = None
            try:
                sock.close()
            except OSError:
                pass  # the other side was quicker

    # Bounded output and input.

    def left_ms(self):
        return self._timeout_ms - ticks_diff(ticks_ms(), self._start)

    def _arm(self, sock):
        # A float for settimeout is an allocation: not one for each byte of an answer.
        left = self.left_ms()
        if left <= 0:
            raise OSError(errno.ETIMEDOUT)
        if not 0 <= self._armed_ms - left < 250:
            sock.settimeout(left / 1000)
            self._armed_ms = left

    def _flush(self):
        size, self._out_len = self._out_len, 0
        if size:
            self._send(memoryview(self._out)[:size])

    @micropython.native
    def _send(self, data):
        self.step = "send to"
        while True:
            left_ms = self._timeout_ms - ticks_diff(ticks_ms(), self._start)
            if left_ms <= 0 or not 0 <= self._armed_ms - left_ms < 250:
                self._arm(self._timed)
            n = self._write(data)
            if not self._streams or n == len(data):
                return
            # A TLS stream that timed out within a record says None, or how far it came.
            if not n:
                raise OSError(errno.ETIMEDOUT)
            data = memoryview(data)[n:]

    def _receive(self):
        # One byte into _one: True, or False at the end of the stream. One, because MicroPython's
        # readinto() fills what it is given, and each of its reads would have the whole timeout.
        self._arm(self._timed)
        n = self._readinto(self._one)
        if n is None:
            raise OSError(errno.ETIMEDOUT)
        return n > 0

    @micropython.native
    def _read_line(self):
        # Length of the next line without its end; it stands in _line, cut if it is longer.
        # _receive() as well, and without its calls: this is most of what a small answer costs.
        readinto, one, line, start = self._readinto, self._one, self._line, self._start
        timeout_ms, left_bytes = self._timeout_ms, self._headers_left
        armed_ms = -1
        size = 0
        while True:
            left_ms = timeout_ms - ticks_diff(ticks_ms(), start)
            if left_ms <= 0 or not 0 <= armed_ms - left_ms < 250:
                self._arm(self._timed)
                armed_ms = self._armed_ms
            n = readinto(one)
            if not n:
                if n is None:
                    raise OSError(errno.ETIMEDOUT)
                raise OSError("its answer was cut off" if self.status else "it hung up")
            left_bytes -= 1
            if left_bytes < 0:
                raise OSError("its headers do not end")
            byte = one[0]
            if byte == 10:
                self._headers_left = left_bytes
                return size
            if byte != 13 and size < _MAX_LINE:
                line[size] = byte
                size += 1

    def _header(self, size):
        # In place: a header is no string before it is known to matter.
        first = self._line[0] | 32
        if first == 99:  # c
            if self._starts(b"content-length:", size):
                if not self._chunked:
                    self._length = self._number(15, size, 1000000)
            elif self._starts(b"connection:", size):
                value = bytes(self._part[11:size]).lower()
                self._keep = b"close" not in value and (self._keep or b"keep-alive" in value)
        elif first == 116 and self._starts(b"transfer-encoding:", size):
            self._chunked = True  # there is no other in use
            self._length = -1
        elif first == 114 and self._starts(b"retry-after:", size):
            self.retry_after = bytes(self._part[12:size]).strip()
        elif first == 100 and (self.dates or self.status >= 400) and self._starts(b"date:", size):
            self.date = bytes(self._part[5:size]).strip()
            self.date_ticks = ticks_ms()
            self.took_ms = ticks_diff(self.date_ticks, self._start)

    def _starts(self, name, size):
        # Whether the line starts with `name` (lower case), whatever its own case.
        if size < len(name):
            return False
        line = self._line
        i = 0
        for byte in name:
            got = line[i]
            if got != byte and (got | 32 != byte or not 97 <= byte <= 122):
                return False
            i += 1
        return True

    def _number(self, at, end, most):
        # The decimal number in _line[at:end]: -1 if there is none, or `most` if it is larger.
        number = -1
        for i in range(at, end):
            digit = self._line[i] - 48
            if 0 <= digit <= 9:
                number = min(most, max(number, 0) * 10 + digit)
            elif digit != -16 or number >= 0:  # only blanks before it
                return -1
        return number

    def retry_after_ms(self):
        """How long the server asks to wait: its Retry-After in ms, at most an hour, or None."""
        wait = self.retry_after
        if wait is None:
            return None
        if wait.isdigit():
            return min(int(wait[:5]), 3600) * 1000
        # A date counts from the server's own: no clock of ours is in it.
        then, now = http_date(wait), http_date(self.date or b"")
        if then is None or now is None:
            return None
        return max(0, min(then - now, 3600)) * 1000
