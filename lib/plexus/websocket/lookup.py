"""Looks up a host's address in a thread, as a socket's own look-up stops all tasks for seconds."""

# The Unix port's module socket has functions of its own.
# pyright: reportAttributeAccessIssue=false

import asyncio
import socket
import sys

from ..port import const, unload

try:
    import _thread
except ImportError:
    _thread = None

_INTERVAL_MS = const(20)
# An ESP32 looks names up in another task; on a computer glibc does it here, with large buffers.
_STACK_BYTES = 6144 if sys.maxsize < 1 << 32 else 131072

_searches = {}  # by host, those whose thread may still run


class _Search:
    def __init__(self, host, port):
        self.done = False
        self.found = self.error = None
        _thread.stack_size(_STACK_BYTES)
        try:
            _thread.start_new_thread(self._run, (host, port))
        finally:
            _thread.stack_size(0)

    def _run(self, host, port):
        try:
            self.found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
        except (OSError, MemoryError) as exc:
            self.error = exc
        finally:
            self.done = True

    def address(self):
        if not self.found:
            raise self.error or OSError("the look-up failed")
        if hasattr(socket, "sockaddr"):  # the Unix port's addresses are bytes
            family, packed = socket.sockaddr(self.found)[:2]
            return socket.inet_ntop(family, packed)
        return self.found[0]


def _is_address(host):
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)


async def address_of(host, port):
    """The IP address (str) of `host`; an OSError if there is none.

    Where there are no threads it is the host itself, for others to look up. No thread can be
    stopped: if who waits here is cancelled, the next call for the same host waits for the same one.
    """
    search = None
    if _thread and not _is_address(host):
        search = _searches.get(host)
        if not search or search.done:  # what ended while nobody waited may be no longer true
            search = _searches[host] = _Search(host, port)
        while not search.done:
            await asyncio.sleep(_INTERVAL_MS / 1000)
        _searches.pop(host, None)
    if not _searches:
        unload(__name__, "lookup")  # which leaves its memory to the TLS handshake
    return search.address() if search else host
