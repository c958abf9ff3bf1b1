"""BoundedSocket for CPython, whose TLS needs a real socket; a board never loads it."""

import errno
import socket
import ssl

from ..port import ticks_diff, ticks_ms
from .bounded_socket import CONNECT, LOOK_UP, RECEIVE, SECURE, SEND


class BoundedSocket:
    def __init__(self, host, port, context):
        self.host = host
        self.port = port
        self.context = context
        self.step = LOOK_UP
        self.sock = self.idle = None
        self.begin(0)

    def begin(self, timeout_ms):
        self.start = ticks_ms()
        self._timeout_ms = timeout_ms
        self.step = LOOK_UP

    def left_ms(self):
        return self._timeout_ms - ticks_diff(ticks_ms(), self.start)

    def connect(self):
        if self.sock:
            return
        self.step = LOOK_UP
        addresses = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        self.step = CONNECT
        for i, address in enumerate(addresses):
            sock = socket.socket(address[0], socket.SOCK_STREAM)
            try:
                self._arm(sock)
                sock.connect(address[-1])
                break
            except OSError:
                sock.close()
                if i + 1 == len(addresses):
                    raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            self.step = SECURE
            try:
                sock = self.context.wrap_socket(sock, server_hostname=self.host)
            except (OSError, ValueError, MemoryError) as error:
                sock.close()
                raise _plain(error)
        self.sock = sock
        self.step = SEND

    def send(self, data):
        self.step = SEND
        try:
            self._arm(self.sock)
            self.sock.sendall(data)
        except OSError as error:
            raise _plain(error)

    def receive(self, buffer):
        self.step = RECEIVE
        try:
            self._arm(self.sock)
            return self.sock.recv_into(buffer)  # pyright: ignore[reportAttributeAccessIssue] -- CPython's
        except OSError as error:
            raise _plain(error)

    def shut(self):
        sock, self.sock = self.sock, None
        if sock:
            try:
                sock.close()
            except OSError:
                pass  # the other side was quicker

    def _arm(self, sock):
        left_ms = self.left_ms()
        if left_ms <= 0:
            raise OSError(errno.ETIMEDOUT)
        sock.settimeout(left_ms / 1000)


def _plain(error):
    # The number of TLS's own errors means something else; those of a time-out are texts alone.
    if isinstance(error, TimeoutError):
        return OSError(errno.ETIMEDOUT)
    return OSError(str(error)) if isinstance(error, ssl.SSLError) else error
