"""What tests of the delivery share: clients whose clock is right, own ticks, a raw server."""

import _thread
import os
import socket
import sys
import time

from plexus import Plexus, PlexusError
from plexus.clock import Clock
from plexus.port import ticks_ms
from support import FakeTicks

REAL_TIME = (
    "plexus.delivery.exchange",
    "plexus.delivery.bounded_socket",
    "plexus.delivery.host_socket",
    "plexus.delivery.http_date",
    "plexus.port",
)
KEY = "plx_secret0123456789"
SECRET = "secret0123456789"


def host_ms():
    return time.time_ns() // 1000000


def right_clock(ticks=ticks_ms):
    """A clock that knows the time and never asks for it."""
    clock = Clock((), ticks=ticks, set_rtc=False)
    clock.observe(host_ms(), ticks(), 1, "server")
    return clock


def client(place, **options):
    """A client of a fixture (or URL): in time, and with a shorter patience than the default."""
    if "clock" not in options and "ntp_hosts" not in options:
        options["clock"] = right_clock()
    if "timeout_ms" not in options:
        options["timeout_ms"] = 5000
    return Plexus(KEY, "dev-1", endpoint=getattr(place, "ingest", place), **options)


def fill(px, count, metric="n", first=0, **options):
    """Send `count` readings, each of another value."""
    for value in range(first, first + count):
        px.send(metric, value, **options)


def refused(px):
    """The PlexusError that flush() raises."""
    try:
        px.flush()
    except PlexusError as exc:
        return exc
    raise AssertionError("flush() raised nothing; " + px.status)


def values(admin, metric="n"):
    """The values that arrived, in order."""
    return [point["value"] for point in admin.points(metric=metric)]


def ingests(admin):
    """The requests to the ingest address."""
    return [r for r in admin.requests(bodies=1) if r["path"].endswith("/ingest")]


class Randoms:
    """In place of os.urandom: gives the bytes of these fractions of the largest number."""

    def __init__(self, *fractions):
        self._fractions = list(fractions)

    def __call__(self, size):
        fraction = self._fractions.pop(0) if len(self._fractions) > 1 else self._fractions[0]
        return int(((1 << 8 * size) - 1) * fraction).to_bytes(size, "big")


class OwnTicks:
    """`with OwnTicks() as ticks:` the client's time is the test's; requests keep the real one."""

    def __enter__(self):
        ticks = FakeTicks(1000)
        self._before = []
        for name in list(sys.modules):
            module = sys.modules[name]
            if name.startswith("plexus.") and name not in REAL_TIME:
                if hasattr(module, "ticks_ms"):
                    self._before.append((module, module.ticks_ms))
                    module.ticks_ms = ticks
        return ticks

    def __exit__(self, *_):
        for module, before in self._before:
            module.ticks_ms = before


class Outage:
    """`with Outage(admin):` the server is unreachable, and it is back whatever happens."""

    def __init__(self, admin):
        self._admin = admin

    def __enter__(self):
        self._admin.outage()

    def __exit__(self, *_):
        self._admin.restore()


def listen():
    """(listening socket, port) on a free port of 127.0.0.1 (MicroPython has no getsockname)."""
    while True:
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 12000
        sock = socket.socket()
        try:
            sock.bind(socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)[0][-1])
            sock.listen(5)
            return sock, port
        except OSError:
            sock.close()


class RawServer:
    """Reads one request of each connection, sends the next of `answers` as it is, and closes.

    An answer is bytes, a list of pieces that go out `pause_ms` apart, or a function that gives one
    for a request's body. `requests` has what came. After the last answer nothing listens any more.
    """

    def __init__(self, *answers, pause_ms=0):
        self._listener, port = listen()
        self._answers = answers
        self._pause_s = pause_ms / 1000
        self.requests = []
        self.ingest = "http://127.0.0.1:%d/api/ingest" % port
        self.done = False
        _thread.start_new_thread(self._serve, ())

    def _serve(self):
        for answer in self._answers:
            connection = self._listener.accept()[0]
            try:
                self.requests.append(self._read(connection))
                body = self.requests[-1].partition(b"\r\n\r\n")[2]
                if not isinstance(answer, (bytes, list)):
                    answer = answer(body)
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    connection.sendall(piece)
                    time.sleep(self._pause_s)
            except OSError:
                pass  # the client has left
            connection.close()
        self._listener.close()
        self.done = True

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096) or b"\r\n\r\n"
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    piece = connection.recv(4096)
                    if not piece:
                        break
                    body += piece
        return head + b"\r\n\r\n" + body


def answer(body=b'{"success":true,"count":1}', status=b"200 OK", headers=b""):
    """A plain HTTP answer."""
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), headers)
    return head + body
