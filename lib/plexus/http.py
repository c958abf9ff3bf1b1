"""One bounded request over the firmware's `requests`, whose sockets a `Wire` stands in for.

`requests` as frozen in firmware verifies no certificate, follows redirects with the key, reads
lines and bodies of any length, has no deadline for the whole, and leaks its socket on some
errors. All of that happens at its socket. So a Wire takes the place of the socket module in a
copy of `requests` of our own (the user's stays as it is).
"""

import errno
import gc

from ._port import micropython
from .tls import unverified_context
from .wire import Wire


def reason_of(exc):
    """An errno or a text, of whatever was raised by a connection."""
    if isinstance(exc, MemoryError):
        return errno.ENOMEM
    text = str(exc)
    if "MBEDTLS_ERR" in text or "_ssl.c" in text or "addrinfo error" in text:
        return text  # the number alone means something else, or nothing
    reason = exc.args[0] if exc.args else 0
    return reason if isinstance(reason, (int, str)) else str(exc)


class Http:
    """Requests to one origin with one key: status and body, or OSError(step, reason).

    A connection stays open for the next request if the server lets it; `wire.shut()` ends it.
    """

    def __init__(self, url, api_key, context, timeout_ms, requests=None):
        """`context`: SSLContext for https. `requests`: a module in place of the firmware's."""
        from .origin import load_requests, split_url

        secure, self.host, port, self.path = split_url(url)
        self.timeout_ms = timeout_ms
        self.answers = self.unanswered = 0  # requests that something, or nothing, replied to
        self.wire = Wire(self.host, port, context)
        self._requests = requests or load_requests()
        if hasattr(self._requests, "Session"):
            raise ValueError("requests: PyPI's cannot be bounded here; use MicroPython's, or none")
        self._headers = {
            "Host": url.split("/", 3)[2],
            "Connection": "keep-alive",
            "Content-Type": "application/json",
            "Content-Length": "0",
            "x-api-key": api_key,
        }
        self._wired = "socket" if hasattr(self._requests, "socket") else "usocket"
        if hasattr(self._requests, self._wired):
            # The wire knows where to connect to, and makes the TLS connection: requests, which has
            # nothing to do with that, needs no more than a short name.
            self._origin = "http://h"
        else:
            self._wired = None
            self._origin = "/".join(url.split("/", 3)[:3])

    @property
    def key(self):
        return self._headers["x-api-key"]

    def date(self):
        """(status, body) of a request for nothing but its Date header, to an unverified server.

        While a board's clock is unknown it can verify none. So the key stays here.
        """
        wire = self.wire
        wire.shut()
        trusted = wire.context
        try:
            wire.context = trusted and unverified_context()
            wire.dates = True
            return self.request("HEAD", "/", with_key=False)
        finally:
            wire.context = trusted
            wire.dates = False
            wire.shut()

    @micropython.native
    def request(self, method, path, body=None, length=0, with_key=True):
        """One request and its answer: (status, first bytes of its body).

        `body`: an iterable of pieces, `length` bytes in all; a function for `length` is called
        when the connection stands, which may take a second. OSError(step, reason): no complete
        answer came; what could not be done and why (errno or text).
        """
        headers = self._headers
        if body is None:
            headers = {"Host": headers["Host"]}
            if with_key:
                headers["x-api-key"] = self._headers["x-api-key"]
        wire = self.wire
        timeout_ms = self.timeout_ms
        try:
            while True:
                wire.begin(method, body, timeout_ms)
                try:
                    if self._wired:
                        wire.getaddrinfo()
                        wire.connect(None)
                    if body is not None:
                        size = length() if callable(length) else length
                        headers["Content-Length"] = str(size)
                    answer = self._request(method, self._origin + path, headers, body)
                    self.answers += 1
                    return answer
                except (OSError, ValueError, MemoryError, IndexError) as exc:
                    # A kept connection may have died of age: that is no answer, and a new one
                    # shows what is the matter.
                    timeout_ms = wire.left_ms()
                    if wire.fresh or wire.status or timeout_ms <= 0:
                        reason = reason_of(exc)
                        self._count(reason)
                        raise OSError(wire.step, reason)
                wire.shut()
        finally:
            if wire.step:
                wire.shut()
                gc.collect()

    def _count(self, reason):
        # A connection that was made or refused is a reply of the network, whatever came of it.
        wire = self.wire
        connected = wire.fresh and wire.step not in ("look up", "connect to")
        if wire.status or connected or reason == errno.ECONNREFUSED:
            self.answers += 1
        elif reason != errno.ENOMEM:
            self.unanswered += 1

    @micropython.native
    def _request(self, method, url, headers, body):
        module = self._requests
        if not self._wired:
            answer = module.request(
                method, url, data=body, headers=headers, timeout=self.timeout_ms / 1000
            )
        else:
            # Only for the call: an injected module, and ours on CPython, serves others as well.
            theirs = getattr(module, self._wired)
            setattr(module, self._wired, self.wire)
            try:
                answer = module.request(method, url, headers=headers)
            finally:
                setattr(module, self._wired, theirs)
        try:
            content = answer.content
        finally:
            answer.close()
        self.wire.step = ""
        return self.wire.status if self._wired else answer.status_code, content
