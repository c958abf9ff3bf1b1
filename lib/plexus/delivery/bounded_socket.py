"""One connection, TCP or TLS over it, whose every operation ends by a common deadline."""

import errno
import gc
import select
import socket
from io import IOBase

from ..port import const, reserve, ticks_diff, ticks_ms

# How far a connection has come, for whoever explains a failure.
LOOK_UP = const(0)
CONNECT = const(1)
SECURE = const(2)
SEND = const(3)
RECEIVE = const(4)

_TCP = const(6)
_NODELAY = const(1)  # the end of a request does not wait for the other side's delayed ACK

_BROKEN = select.POLLERR | select.POLLHUP

# Older ESP32 firmware knows the level and not the option, and prints a warning each time.
_MAY_SET_NODELAY = hasattr(socket, "TCP_NODELAY") or not hasattr(socket, "IPPROTO_TCP")


class BoundedSocket(IOBase):
    """A connection to `host`, and the stream on which its TLS rests.

    MicroPython's TLS reads and writes by readinto(), write() and ioctl() of this object, which
    never wait longer than the deadline: the socket itself does not block. `context`: an
    SSLContext, or None for plain TCP. `step`: how far it has come, one of the numbers above.
    `idle`: None, or what is called over and over while it waits, but for a handshake; it returns
    the ms until it wants to be called again, and raises nothing.
    """

    def __init__(self, host, port, context):
        self.host = host
        self.port = port
        self.context = context
        self.step = LOOK_UP
        self.idle = None
        self.sock = self._io = self._poll = None
        self._waits = False  # readinto() waits for the other side, as TLS's handshake wants
        self._errno = 0  # why it has failed below TLS, which has other numbers
        self.begin(0)

    def begin(self, timeout_ms):
        """Whatever comes now ends within so many ms."""
        self.start = ticks_ms()
        self._timeout_ms = timeout_ms
        self.step = LOOK_UP

    def left_ms(self):
        return self._timeout_ms - ticks_diff(ticks_ms(), self.start)

    def connect(self):
        """Open the connection, unless it is open."""
        if self.sock:
            return
        self.step = LOOK_UP
        reserve.spare()
        addresses = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        self.step = CONNECT
        reserve.hold(reserve.REACHING if self.context else reserve.NONE)
        try:
            self._open(addresses)
        finally:
            if not self.sock:
                reserve.hold(reserve.IDLE)
        self._io = self
        self._errno = 0
        if self.context:
            self._secure()
        self.step = SEND

    def _open(self, addresses):
        problem = OSError(errno.EHOSTUNREACH)
        for address in addresses:
            sock = socket.socket(address[0], socket.SOCK_STREAM)
            try:
                self._poll = self._reach(sock, address[-1])
                self.sock = sock
                return
            except OSError as error:
                problem = error
            finally:
                if not self.sock:
                    sock.close()
        raise problem

    def _secure(self):
        self.step = SECURE
        gc.collect()  # so that Python does not take what is let go of here
        reserve.hold(reserve.NONE)
        self._waits = True
        try:
            self._io = self.context.wrap_socket(self, server_hostname=self.host)
        except (OSError, ValueError, MemoryError):
            self.shut()
            self._raise()
            raise
        finally:
            self._waits = False
            reserve.hold(reserve.CONNECTED if self.sock else reserve.IDLE)

    def _reach(self, sock, address):
        # Connects a socket; returns a poll object that has it.
        sock.setblocking(False)
        try:
            sock.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        found = self._ready(poll)
        if not found:
            raise OSError(errno.ETIMEDOUT)
        if found[0][1] & _BROKEN:
            sock.connect(address)  # which says why
        try:
            if _MAY_SET_NODELAY:
                sock.setsockopt(_TCP, _NODELAY, 1)
        except OSError:
            # lwIP says that a refused socket is ready, and has forgotten why it is not.
            raise OSError(errno.ECONNREFUSED)
        return poll

    def send(self, data):
        """Send all of `data`."""
        self.step = SEND
        try:
            while True:
                n = self._io.write(data)
                if n == len(data):
                    return
                if not n or n < 0:
                    self._raise()
                    raise OSError(errno.ETIMEDOUT)
                data = memoryview(data)[n:]
        except OSError:
            self._raise()
            raise

    def receive(self, buffer):
        """Fill the front of `buffer` with what has come: how many bytes, 0 at the end."""
        self.step = RECEIVE
        try:
            while True:
                n = self._io.readinto(buffer)
                if n is None:
                    if not self._wait(select.POLLIN):
                        raise OSError(errno.ETIMEDOUT)
                elif n >= 0:
                    return n
                else:
                    self._raise()
        except OSError:
            self._raise()
            raise

    def any(self, buffer):
        """Whether something has come by itself, or the end; `buffer` may be written to."""
        try:
            return bool(self.sock) and self._io.readinto(buffer) is not None
        except OSError:
            return True

    def shut(self):
        """Close the connection, if it is open."""
        sock, self.sock = self.sock, None
        if sock:
            secure = self._io
            self._io = self._poll = None
            try:
                if secure is not self:
                    secure.close()  # gives back its buffers
                sock.close()
            except OSError:
                pass  # the other side was quicker
            reserve.hold(reserve.IDLE)

    # What lies below TLS. It raises nothing: an exception would pass through C code that has to
    # clean up.

    def readinto(self, buffer):
        try:
            while True:
                n = self.sock.readinto(buffer)
                if n is not None or not self._waits:
                    return n
                if not self._wait(select.POLLIN):
                    self._errno = errno.ETIMEDOUT
                    return -errno.ETIMEDOUT
        except OSError as error:
            return self._failed(error)

    def write(self, data):
        try:
            while True:
                n = self.sock.write(data)
                if n:
                    return n
                if not self._wait(select.POLLOUT):
                    self._errno = errno.ETIMEDOUT
                    return -errno.ETIMEDOUT
        except OSError as error:
            return self._failed(error)

    def ioctl(self, request, argument):
        return 0  # what ends the TLS closes the socket itself

    def _failed(self, error):
        self._errno = error.errno or errno.ECONNRESET
        return -self._errno

    def _raise(self):
        # Whatever TLS makes of it, the socket's own error is the reason.
        if self._errno:
            raise OSError(self._errno)

    def _wait(self, event):
        self._poll.modify(self.sock, event)
        return self._ready(self._poll)

    def _ready(self, poll):
        # What it finds before the deadline; nothing if that is over.
        while True:
            left_ms = self.left_ms()
            if left_ms <= 0:
                return ()
            if self.idle and not self._waits:  # in a handshake the RAM is for TLS alone
                left_ms = min(left_ms, self.idle())
            found = poll.poll(left_ms)
            if found:
                return found
