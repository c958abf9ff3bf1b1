"""Helpers for device tests, the same on both interpreters (nothing here imports pytest)."""

import gc
import json
import os
import socket
import sys
import time

INTERPRETERS = ("cpython", "micropython")
IS_MICROPYTHON = hasattr(sys.implementation, "_mpy")


class Skip(Exception):
    """Raised by a test that cannot run here; its message says why."""


def only(interpreter):
    """Decorator: the test concerns just this interpreter ("cpython" or "micropython")."""

    def mark(function):
        if not IS_MICROPYTHON:  # which cannot hold attributes of functions, nor needs them
            function.interpreters = (interpreter,)
        return function

    return mark


class raises:
    """`with raises(ValueError, "part of the message") as caught:`; the exception is caught.value.

    A bare class name goes as well. Any of several parts may be given; all must be there.
    """

    def __init__(self, exception_type, *parts):
        self.exception_type = exception_type
        self.parts = parts
        self.value = None

    def __enter__(self):
        return self

    def __exit__(self, exception_type, exception, traceback):
        if exception_type is None:
            raise AssertionError("nothing was raised, expected " + self.exception_type.__name__)
        if not issubclass(exception_type, self.exception_type):
            return False
        for part in self.parts:
            if part not in str(exception):
                raise AssertionError("{!r} is not in {!r}".format(part, str(exception)))
        self.value = exception
        return True


def equal(got, expected):
    """Assert got == expected; the failure shows both, on MicroPython too."""
    __tracebackhide__ = True  # pytest shows the caller's line
    if got != expected:
        raise AssertionError("got {!r}\nexpected {!r}".format(got, expected))


def wait_until(predicate, timeout_ms=10000, interval_ms=10):
    """Call the predicate until it returns something true; return that, or fail after so long."""
    deadline_ns = time.time_ns() + timeout_ms * 1000000
    while True:
        result = predicate()
        if result:
            return result
        if time.time_ns() > deadline_ns:
            raise AssertionError("condition not met within {} ms".format(timeout_ms))
        time.sleep(interval_ms / 1000)


def open_files():
    """How many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))


def used_heap():
    """Bytes of the heap in use, without garbage; 0 on CPython, which does not count them."""
    for _ in range(3):  # what one collection finalises, the next can free
        gc.collect()
    return gc.mem_alloc() if IS_MICROPYTHON else 0


class FakeTicks:
    """A `ticks_ms` that the test owns: call it for the time, `advance()` to let time pass."""

    _PERIOD = 1 << 30  # as MicroPython's ticks_ms

    def __init__(self, start_ms=0):
        self._now_ms = start_ms % self._PERIOD

    def __call__(self):
        return self._now_ms

    def advance(self, milliseconds):
        self._now_ms = (self._now_ms + milliseconds) % self._PERIOD


class HttpError(Exception):
    """An answer that is not 2xx: args are the status and the body."""


def http(method, url, body=None, timeout_s=10):
    """One HTTP/1.0 request over a plain socket, with any object as its JSON body.

    Returns the answer's JSON value (None for an empty body); raises HttpError if not 2xx. It uses
    nothing of the code under test, and neither interpreter's HTTP module.
    """
    scheme, rest = url.split("://", 1)
    if scheme != "http":
        raise ValueError("only http:// is served here: " + url)
    authority, _, path = rest.partition("/")
    host, _, port = authority.partition(":")
    data = b"" if body is None else json.dumps(body).encode()
    head = "{} /{} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n"
    head += "Content-Type: application/json\r\n\r\n"
    address = socket.getaddrinfo(host, int(port or 80), 0, socket.SOCK_STREAM)[0][-1]
    connection = socket.socket()
    try:
        connection.settimeout(timeout_s)
        connection.connect(address)
        connection.sendall(head.format(method, path, authority, len(data)).encode() + data)
        pieces = []
        while True:
            piece = connection.recv(4096)
            if not piece:
                break
            pieces.append(piece)
    finally:
        connection.close()
    answer_head, _, answer = b"".join(pieces).partition(b"\r\n\r\n")
    status = int(answer_head.split(b" ", 2)[1])
    if not 200 <= status < 300:
        raise HttpError(status, answer.decode())
    return json.loads(answer) if answer else None


class Admin:
    """The mock server's admin paths: Admin(server.admin_url). Query values are any of theirs."""

    def __init__(self, admin_url):
        self._url = admin_url + "/admin"

    def points(self, **query):
        """The points that it accepted, in the order of their arrival: dicts."""
        return self._get("/points", query)["points"]

    def requests(self, **query):
        """The requests that it got, with their verdicts: dicts (bodies=1: and their bodies)."""
        return self._get("/requests", query)["requests"]

    def sessions(self):
        return self._get("/sessions", {})["sessions"]

    def runs(self):
        return self._get("/runs", {})["runs"]

    def counts(self):
        return self._get("/counts", {})

    def decide(self, user_code, decision):
        """Let a claim be "approved", "denied" or "expired"."""
        http("POST", self._url + "/claims/" + user_code, {"decision": decision})

    def limit(self, **changes):
        """Change the limits of tools/mock_server/limits.py, such as restricted=["dev-1"]."""
        http("POST", self._url + "/limits", changes)

    def script(self, *actions):
        """What to do with the next requests, in order: dicts of tools/mock_server/faults.py."""
        http("POST", self._url + "/faults", list(actions))

    def clear_faults(self):
        http("DELETE", self._url + "/faults")

    def reset(self):
        """Forget the points, requests, sessions and faults."""
        http("POST", self._url + "/reset")

    def outage(self, for_ms=0):
        """Be unreachable for so long; 0: until restore()."""
        http("POST", self._url + "/outage", {"for_ms": for_ms})

    def restore(self):
        http("DELETE", self._url + "/outage")

    def _get(self, path, query):
        query = dict(limit=1000000, **query) if "limit" not in query else query
        pairs = ["{}={}".format(name, value) for name, value in query.items()]
        return http("GET", self._url + path + "?" + "&".join(pairs))


class Proxy:
    """The fault proxy of the fixtures `proxy` and `tls_proxy`: Proxy(proxy.control_url)."""

    def __init__(self, control_url):
        self._url = control_url

    def set(self, **plan):
        """Make this the plan for new connections; tests/fixtures/proxy.py says what it may hold."""
        http("POST", self._url + "/set", plan)

    def clear(self):
        """Let connections pass, reset the open ones, forget the counts."""
        http("POST", self._url + "/clear")

    def drop(self):
        """Reset the open connections."""
        http("POST", self._url + "/drop")

    def stats(self):
        """{"connections": n, "up_bytes": n, "down_bytes": n} since the last clear()."""
        return http("GET", self._url + "/stats")
