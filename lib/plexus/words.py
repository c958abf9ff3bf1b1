"""Failures and status in plain words. Loaded when a person asks, so that a board need not hold it.

A problem is a tuple: (0, step, reason) if no answer came, `step` and `reason` as Http.request()
raises them; (HTTP status, the server's message) else.
"""

import errno

from . import reserve, wire
from ._port import const

# What a connection was about to do at each step of stream.py, and then in a WebSocket (link.py).
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

_NEEDED_BYTES = const(46080)  # TLS's buffers, its handshake, TCP
_SHORT = (errno.ENOMEM, errno.ETIMEDOUT)  # what too little RAM looks like

_REASONS = {
    errno.ECONNREFUSED: "it refused the connection",
    errno.ETIMEDOUT: "timed out",
    errno.EAGAIN: "timed out",
    errno.ECONNRESET: "the connection was reset",
    32: "the connection was reset",  # EPIPE, for which MicroPython's errno has no name
    errno.EHOSTUNREACH: "no way to it: is the network up?",
    errno.ENOMEM: "out of memory",
    wire.CUT_OFF: "its answer was cut off",
    wire.NO_HTTP: "it speaks no HTTP",
    wire.BROKEN_CHUNK: "its answer has a broken chunk",
    wire.ENDLESS_HEADERS: "its headers do not end",
    wire.HUNG_UP: "it hung up",
    -2: "no such name: is the network up?",
    -3: "no name server: is the network up?",
    -202: "no such name: is the network up?",
}


# A part of the TLS library's message -> what it means to who reads `status`. The first that fits
# counts: a wrong clock comes before what it may bring about.
_MEANINGS = (
    (
        ("starts in the future", "not yet valid"),
        "the server's certificate is not valid yet: is the clock of this device right?",
    ),
    (
        ("validity has expired", "has expired"),
        "the server's certificate has expired, or the clock of this device is ahead",
    ),
    (
        ("match with the expected CN", "certificate is not valid for"),
        "the server's certificate is for another host name than the endpoint's",
    ),
    (
        ("correctly signed by the trusted CA", "self-signed", "self signed", "issuer certificate"),
        "no trusted authority signed the server's certificate: give its root as `ca`",
    ),
    (
        ("CA_CHAIN_REQUIRED",),
        "there is no root certificate to verify the server by: give one as `ca`",
    ),
    (
        ("ALLOC_FAILED",),
        "too little memory for TLS: make the ring smaller, or give a single root as `ca`",
    ),
    (
        ("CERT_VERIFY_FAILED", "CERTIFICATE_VERIFY_FAILED", "ertificate"),
        "the server's certificate was refused",
    ),
    (
        ("MBEDTLS_ERR", "[SSL", "_ssl.c"),
        "the TLS handshake failed: is the endpoint's port one for https?",
    ),
)


def explain(reason):
    """What a failure to connect means, in plain words; None if it does not come from TLS.

    MicroPython raises ValueError for a refused certificate and OSError for the rest, CPython
    subclasses of OSError, `requests` wraps those: what they share is Mbed TLS's or OpenSSL's text.
    """
    text = str(reason)
    for parts, meaning in _MEANINGS:
        for part in parts:
            if part in text:
                return meaning
    return None


def flush_problem(px):
    """What a PlexusError says of the flush that it ends: (words, the server's status)."""
    delivery = px.delivery
    if not px.may_send:
        return "the time is not known: " + px.clock_problem, 0
    return problem(delivery.problem, px.http.host), delivery.status


def problem(what, host):
    """A problem (see above) in words."""
    status = what[0]
    if status == 0:
        reason = what[2]
        if "addrinfo" in str(reason):
            reason = -2
        reason = _REASONS.get(reason) or explain(reason) or reason
        left = reserve.left()
        if left is not None and left < _NEEDED_BYTES and what[2] in _SHORT:
            reason = (
                "%d kB of RAM are left for a connection, TLS needs %d: a smaller ring_bytes, "
                "fewer sensors, or a board with PSRAM" % (left >> 10, _NEEDED_BYTES >> 10)
            )
        if isinstance(reason, int):
            reason = "error %d" % reason
        return "could not %s %s: %s" % (_STEPS[what[1]], host, reason)
    message = what[1]
    if 200 <= status < 300:
        if message is None:
            return "an answer that is not the server's: a login page on the way?"
        words = "the server did not keep all readings (%d)" % status
    elif 300 <= status < 400:
        words = "a redirect (%d), which is not followed: check endpoint" % status
    elif status >= 500:
        words = "the server failed (%d)" % status
    else:
        words = _STATUS.get(status) or "an answer of status %d" % status
    return words + (": " + message if message else "")


def status(px):
    """All that `Plexus.status` says."""
    # Taken once: another thread may be delivering.
    delivery = px.delivery
    trouble = delivery.problem
    rejection = delivery.rejection
    host = px.http.host
    if not px.may_send:
        words = "waiting for the time"
        if px.clock_problem:
            words += ": " + px.clock_problem
    elif trouble:
        wait_ms = delivery.retry.wait_ms(px.ticks_ms())
        words = "%s; next try in %d s" % (problem(trouble, host), (wait_ms + 999) // 1000)
    else:
        words = "ok"
    words += "; %d pending, %d confirmed, %d dropped, %d rejected" % (
        px.pending,
        px.confirmed,
        px.dropped,
        px.rejected,
    )
    if px.ring_is_chosen and reserve.free() is not None:
        words += "; ring_bytes %d" % len(px.ring.data)
    if rejection:
        words += "; last rejected: %s: %s" % rejection
    if px.calls:
        words += px.calls.status(host)
    return words if px.verified else words + "; certificate verification is OFF"


def answers(px):
    """How often something on the network replied: HTTP of any status, a refusal, or NTP."""
    return px.http.answers


def unanswered(px):
    """How many requests nothing on the network replied to. Blocked NTP does not count."""
    return px.http.unanswered
