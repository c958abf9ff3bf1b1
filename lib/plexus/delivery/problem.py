"""A failed request in plain words, and what the server says of it. Loaded for them: a board in
trouble has little RAM.

A problem is a tuple: (0, step, reason) if no answer came, `step` and `reason` as Http.request()
raises them; (HTTP status, the server's message: see message_of()) else.
"""

import errno

from ..port import const, load_once, reserve
from . import exchange

_MAX_MESSAGE = const(120)

# What a connection was about to do at each step of bounded_socket.py, and then as a WebSocket.
_STEPS = (
    "look up",
    "connect to",
    "make a TLS connection to",
    "send to",
    "get an answer from",
    "talk to",
)

_STATUS = {
    400: "the request is refused (400)",
    401: "the API key is refused (401): check api_key",
    402: "the account's limit is reached (402): check its billing",
    403: "the API key may not do this (403): check its permissions",
    404: "there is no such address (404): check endpoint",
    410: "the address is gone (410): check endpoint",
    413: "the request is too large (413)",
    429: "too many requests (429)",
}

_SHORT = (errno.ENOMEM, errno.ETIMEDOUT)  # what too little RAM looks like

_REASONS = {
    errno.ECONNREFUSED: "it refused the connection",
    errno.ETIMEDOUT: "timed out",
    errno.EAGAIN: "timed out",
    errno.ECONNRESET: "the connection was reset",
    32: "the connection was reset",  # EPIPE, for which MicroPython's errno has no name
    errno.EHOSTUNREACH: "no way to it: is the network up?",
    errno.ENOMEM: "out of memory",
    exchange.CUT_OFF: "its answer was cut off",
    exchange.NO_HTTP: "it speaks no HTTP",
    exchange.BROKEN_CHUNK: "its answer has a broken chunk",
    exchange.ENDLESS_HEADERS: "its headers do not end",
    exchange.HUNG_UP: "it hung up",
    -2: "no such name: is the network up?",
    -3: "no name server: is the network up?",
    -202: "no such name: is the network up?",
}


def problem(what, host):
    """A problem (see above) in words."""
    status = what[0]
    if status == 0:
        reason = what[2]
        if "addrinfo" in str(reason):
            reason = -2
        reason = _REASONS.get(reason) or reason
        if isinstance(reason, str):
            reason = load_once("plexus", "tls.failure").explain(reason) or reason
        shortage = reserve.shortage()
        if shortage and what[2] in _SHORT:
            reason = (
                "%d kB of RAM are left for a connection, TLS needs %d: a smaller ring_bytes, "
                "fewer sensors, or a board with PSRAM" % shortage
            )
        if isinstance(reason, int):
            reason = "error %d" % reason
        return "could not %s %s: %s" % (_STEPS[what[1]], host, reason)
    message = what[1]
    foreign = isinstance(message, bytes)
    if 200 <= status < 300 and foreign:
        text = "an answer that is not the server's (%d)" % status
    elif 200 <= status < 300:
        text = "the server did not keep all readings (%d)" % status
    elif 300 <= status < 400:
        text = "a redirect (%d), which is not followed: check endpoint" % status
    elif status >= 500:
        text = "the server failed (%d)" % status
    else:
        text = _STATUS.get(status) or "an answer of status %d" % status
    if status == 404:
        known = load_once("plexus", "url")
        text += "; readings go to %s or %s" % (known.INGEST, known.PLATFORM_INGEST)
    if foreign:
        message = _foreign(message)
    return text + (": " + message if message else "")


def _foreign(start):
    # What the first bytes of an answer that is no JSON object tell, and what to check.
    if start == b"\x1f\x8b":
        return "it is compressed, which nobody asked for: a proxy on the way?"
    if start[:1] == b"<":
        return "a web page: a login page or a firewall on the way?"
    if start[:1] == b"{":
        return "broken JSON, or over 1 kB: check endpoint"
    return "no JSON: check endpoint" if start else "it is empty: check endpoint"


def clean(text, key):
    """A server's text with *** in place of the key, cut to 120 characters, in one line."""
    kept = []
    for char in text.replace(key, "***")[:_MAX_MESSAGE]:
        code = ord(char)
        kept.append(" " if code < 32 or 127 <= code < 160 else char)
    return "".join(kept)


def message_of(status, value, content, key):
    """The server's message (str); of an answer that is no JSON object, its first 2 bytes.

    value: its JSON, None if it is none. content: its first bytes.
    """
    if not isinstance(value, dict):
        return bytes(content[:2])
    if status < 300:
        return "the count is %s" % clean(str(value.get("count")), key)
    message = value.get("error") or value.get("message")
    return clean(message, key) if isinstance(message, str) else ""
