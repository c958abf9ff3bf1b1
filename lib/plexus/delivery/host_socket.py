"""BoundedSocket for CPython, whose TLS needs a real socket; a board never loads it."""

import errno
import socket
import ssl

from . import bounded_socket
from .bounded_socket import RECEIVE, SECURE, SEND


class BoundedSocket(bounded_socket.BoundedSocket):
    """The same of a socket that blocks, for as long as is left; `idle` is not called."""

    def _reach(self, sock, address):
        self._arm(sock)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _secure(self):
        self.step = SECURE
        try:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)
        except (OSError, ValueError, MemoryError) as error:
            self.shut()
            raise _plain(error)

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
            return self.sock.recv_into(buffer)
        except OSError as error:
            raise _plain(error)

    def any(self, buffer):
        try:
            if not self.sock:
                return False
            self.sock.settimeout(0)
            self.sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            pass
        return True

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
