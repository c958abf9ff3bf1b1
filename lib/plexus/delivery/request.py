"""One bounded request over the firmware's `requests`, whose sockets an `Exchange` stands in for.

`requests` as frozen in firmware verifies no certificate, follows redirects with the key, reads
lines and bodies of any length, has no deadline for the whole, and leaks its socket on some
errors. All of that happens at its socket. So an Exchange takes the place of the socket module in a
copy of `requests` of our own (the user's stays as it is).
"""

import errno
import gc
import socket

from .. import __version__
from ..port import COMPILED, load, load_once, unload
from .bounded_socket import SECURE, BoundedSocket
from .exchange import Exchange

# A reset says as much as a refusal; lwIP's numbers, whatever the port calls its own.
_REPLIES = (errno.ECONNREFUSED, errno.ECONNRESET, 104, 111)

if hasattr(socket.socket, "recv_into"):  # CPython's
    from .host_socket import BoundedSocket


def reason_of(exc):
    """An errno, one of exchange's numbers, or a text, of whatever was raised by a connection."""
    if isinstance(exc, MemoryError):
        return errno.ENOMEM
    reason = exc.args[0] if exc.args else 0
    # TLS's own numbers are below those of the system; its text says more.
    if isinstance(reason, int) and (reason > -300 or -1010 < reason < -1000):
        return reason
    return str(exc)


class Http:
    """Requests to one origin with one key: status and body, or OSError(step, reason).

    A connection stays open for the next request if the server lets it; `connection.shut()` ends it.
    """

    def __init__(self, url, api_key, context, timeout_ms, requests=None, headers=None):
        """`context`: SSLContext for https. `requests`: a module in place of the firmware's.

        `headers`: further ones (a dict) of each request that has the key.
        """
        server = load_once("plexus", "url")
        _, self.host, port, self.path = server.split_url(url)
        self.timeout_ms = timeout_ms
        self.roots = None  # which group of the shipped roots `context` has, if it is one
        self.answers = self.unanswered = 0  # requests that something, or nothing, replied to
        self.connection = BoundedSocket(self.host, port, context)
        self.exchange = Exchange(self.connection)
        choice = server.requests(requests)
        self._requests, self._socket_name = choice
        self._headers = {
            "Host": url.split("/", 3)[2],
            "User-Agent": "plexus-micropython/" + __version__,
            "Connection": "keep-alive",
            "Content-Type": "application/json",
            "Content-Length": "0",
            "x-api-key": api_key,
        }
        if headers:
            self._headers.update(headers)
        # The exchange knows where to connect to, and makes the TLS connection: requests, which has
        # nothing to do with that, needs no more than a short name.
        self._origin = "http://h" if self._socket_name else "/".join(url.split("/", 3)[:3])

    @property
    def key(self):
        return self._headers["x-api-key"]

    def request(self, method, path, body=None, length=0):
        """One request and its answer: (status, first bytes of its body). Without a body, no key.

        `body`: an iterable of pieces, `length` bytes in all; a function for `length` is called
        when the connection stands, which may take a second. OSError(step, reason): no complete
        answer came; how far it got and why (errno, one of exchange's numbers, or text).
        """
        headers = self._headers
        if body is None:
            host, agent = headers["Host"], headers["User-Agent"]
            headers = {"Host": host, "User-Agent": agent, "Connection": "close"}
        exchange, connection = self.exchange, self.connection
        timeout_ms = self.timeout_ms
        roots = self.roots
        done = False
        try:
            while True:
                exchange.begin(method, body, timeout_ms)
                fresh = connection.sock is None
                try:
                    if self._socket_name:
                        connection.connect()
                    if body is not None:
                        size = length() if callable(length) else length
                        headers["Content-Length"] = str(size)
                    answer = self._request(method, self._origin + path, headers, body)
                    self.answers += 1
                    done = True
                    return answer
                except (OSError, ValueError, MemoryError, IndexError) as exc:
                    # A kept connection may have died of age: that is no answer, and a new one
                    # shows what is the matter.
                    timeout_ms = connection.left_ms()
                    if fresh or exchange.status or timeout_ms <= 0:
                        reason = reason_of(exc)
                        if roots is not None and connection.step == SECURE:
                            again = load("plexus", "tls").changed_roots(self, reason, roots)
                            if COMPILED:
                                unload("plexus", "tls")
                            if again:
                                timeout_ms = self.timeout_ms
                                continue
                        # A connection that was made or refused is a reply of the network,
                        # whatever came of it.
                        if (
                            exchange.status
                            or (fresh and connection.step >= SECURE)
                            or reason in _REPLIES
                        ):
                            self.answers += 1
                        elif reason != errno.ENOMEM:
                            self.unanswered += 1
                        raise OSError(connection.step, reason)
                connection.shut()
        finally:
            if not done:
                connection.shut()
                gc.collect()

    def _request(self, method, url, headers, body):
        module = self._requests
        if not self._socket_name:
            answer = module.request(
                method, url, data=body, headers=headers, timeout=self.timeout_ms / 1000
            )
        else:
            # Only for the call: an injected module, and ours on CPython, serves others as well.
            theirs = getattr(module, self._socket_name)
            setattr(module, self._socket_name, self.exchange)
            try:
                answer = module.request(method, url, headers=headers)
            finally:
                setattr(module, self._socket_name, theirs)
        try:
            content = answer.content
        finally:
            answer.close()
        return self.exchange.status if self._socket_name else answer.status_code, content
