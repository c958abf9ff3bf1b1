"""A connection by itself: whatever the other side does, each operation ends at the deadline."""

import binascii
import errno

from clients import RawServer, answer
from plexus.delivery.bounded_socket import CONNECT, RECEIVE, SECURE, SEND, BoundedSocket
from plexus.tls import verifying_context
from plexus.url import split_url
from support import Proxy, equal, only, open_files, raises, wait_until

TIMEOUT_S = 30  # what does not end by itself fails by this

_SHORT_MS = 500
_HANDSHAKE_BYTES = 500  # the server's part is longer
_LARGE_REQUEST = (
    b"POST /ingest HTTP/1.1\r\nHost: x\r\nx-api-key: plx_x\r\nContent-Length: 1000000\r\n\r\n"
)
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def _stream(place):
    secure, host, port, _ = split_url(getattr(place, "ingest", place))
    context = verifying_context(binascii.unhexlify(place.ca)) if secure else None
    return BoundedSocket(host, port, context)


def _times_out(stream, work, step):
    # work() raises the socket's own error, by the deadline and not before.
    with raises(OSError) as caught:
        work()
    equal(caught.value.args[0], errno.ETIMEDOUT)
    equal(stream.step, step)
    left_ms = stream.left_ms()
    assert left_ms <= 0, left_ms


def _send_for_ever(stream):
    # More than the buffers of the system and of the proxy take.
    piece = bytes(16384)
    while True:
        stream.send(piece)


def _stalls_when_it_writes(proxy):
    Proxy(proxy.control_url).set(mode="stall", direction="up", after_bytes=20000)
    stream = _stream(proxy)
    stream.begin(10000)
    stream.connect()
    stream.send(_LARGE_REQUEST)  # else the server refuses what comes, and resets the connection
    stream.begin(_SHORT_MS)
    _times_out(stream, lambda: _send_for_ever(stream), SEND)
    stream.shut()


@only("micropython")
def test_write_that_the_other_side_stalls_ends_at_the_deadline(proxy):
    _stalls_when_it_writes(proxy)


@only("micropython")
def test_write_over_tls_that_the_other_side_stalls_ends_at_the_deadline(tls_proxy):
    _stalls_when_it_writes(tls_proxy)


@only("micropython")
def test_handshake_that_the_other_side_stalls_ends_at_the_deadline(tls_proxy):
    control = Proxy(tls_proxy.control_url)
    for direction, after_bytes in (
        ("down", 0),
        ("down", 100),
        ("down", _HANDSHAKE_BYTES),
        ("up", 0),
        ("up", 50),
    ):
        control.set(mode="stall", direction=direction, after_bytes=after_bytes)
        stream = _stream(tls_proxy)
        stream.begin(_SHORT_MS)
        _times_out(stream, stream.connect, SECURE)
        equal(stream.sock, None)


@only("micropython")
def test_what_is_due_is_done_while_it_waits_for_an_answer(tls_proxy):
    calls = []
    stream = _stream(tls_proxy)
    stream.idle = lambda: calls.append(stream.step) or 1
    stream.begin(20000)
    stream.connect()
    stream.begin(_SHORT_MS)
    _times_out(stream, lambda: stream.receive(bytearray(1)), RECEIVE)
    assert calls.count(RECEIVE) > 1, calls
    equal(calls.count(SECURE), 0)  # there the RAM is for TLS alone
    stream.shut()


@only("micropython")
def test_handshake_that_trickles_ends_at_the_deadline(tls_proxy):
    # Each byte comes in time for a socket's time-out; all of them would take a minute.
    Proxy(tls_proxy.control_url).set(chunk_bytes=1, delay_ms=20)
    stream = _stream(tls_proxy)
    stream.begin(_SHORT_MS)
    _times_out(stream, stream.connect, SECURE)
    equal(stream.sock, None)


@only("micropython")
def test_handshake_that_is_slow_and_in_time_succeeds(tls_proxy):
    Proxy(tls_proxy.control_url).set(chunk_bytes=500, delay_ms=10)
    stream = _stream(tls_proxy)
    stream.begin(20000)
    stream.connect()
    equal(stream.step, SEND)
    stream.shut()


@only("micropython")
def test_handshake_that_is_reset_has_the_sockets_reason(tls_proxy):
    Proxy(tls_proxy.control_url).set(mode="reset", direction="down", after_bytes=100)
    stream = _stream(tls_proxy)
    stream.begin(10000)
    with raises(OSError) as caught:
        stream.connect()
    equal((caught.value.args[0], stream.step), (errno.ECONNRESET, SECURE))


@only("micropython")
def test_handshake_that_fails_leaves_no_open_socket(tls_proxy):
    Proxy(tls_proxy.control_url).set(mode="stall", direction="down", after_bytes=100)

    before = open_files()
    stream = _stream(tls_proxy)
    stream.begin(_SHORT_MS)
    with raises(OSError):
        stream.connect()
    wait_until(lambda: open_files() <= before)


def _stalls_when_it_reads(proxy):
    Proxy(proxy.control_url).set(mode="stall", direction="down", after_bytes=20000)
    stream = _stream(proxy)
    stream.begin(10000)
    stream.connect()
    stream.begin(_SHORT_MS)
    _times_out(stream, lambda: stream.receive(bytearray(100)), RECEIVE)
    stream.shut()


@only("micropython")
def test_silence_ends_at_the_deadline(proxy):
    _stalls_when_it_reads(proxy)


@only("micropython")
def test_silence_over_tls_ends_at_the_deadline(tls_proxy):
    _stalls_when_it_reads(tls_proxy)


@only("micropython")
def test_end_of_what_comes_is_no_error():
    raw = RawServer(answer(b"body"))
    stream = _stream(raw)
    stream.begin(5000)
    stream.connect()
    stream.send(_REQUEST)
    got = b""
    buffer = bytearray(100)
    size = 1
    while size:
        size = stream.receive(buffer)
        got += buffer[:size]
    assert got.endswith(b"body"), got
    stream.shut()


@only("micropython")
def test_deadline_that_is_over_connects_to_nothing(server):
    stream = _stream(server)
    stream.begin(0)
    _times_out(stream, stream.connect, CONNECT)
    equal(stream.sock, None)
