"""The HTTP layer by itself: dates, addresses, bounded requests that leave nothing open."""

import plexus.delivery.bounded_socket as stream
import plexus.delivery.exchange as wire
from clients import KEY, RawServer, answer, client
from plexus import __version__
from plexus.delivery.http_date import ask
from plexus.delivery.http_date import epoch_s as http_date
from plexus.delivery.request import Http
from plexus.url import split_url
from support import Admin, equal, raises

REQUESTS = True

# --- dates ------------------------------------------------------------------------------------


def test_http_dates_become_epoch_seconds():
    for text, seconds in (
        (b"Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        (b"Tue, 29 Feb 2000 12:00:00 GMT", 951825600),
        (b"Wed, 01 Mar 2000 00:00:00 GMT", 951868800),
        (b"Tue, 14 Nov 2023 22:13:20 GMT", 1700000000),
        (b"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199),
        (b"Tue, 31 Dec 2024 23:59:60 GMT", 1735689600),
        (b"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400),
    ):
        equal((text, http_date(text)), (text, seconds))


def test_every_month_is_known():
    months = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    before = http_date(b"Mon, 01 Dec 2025 00:00:00 GMT")
    for month, days in zip(months, (31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30)):
        now = http_date(b"Mon, 01 " + month + b" 2026 00:00:00 GMT")
        equal((month, now - before), (month, days * 86400))
        before = now


def test_what_is_no_date_is_none():
    for text in (
        b"",
        b"now",
        b"Sun, 06 Nov 1994",
        b"Sun, 06 Nov 1994 08:49",
        b"Sun, 06 Xyz 1994 08:49:37 GMT",
        b"Sun, 06 anF 1994 08:49:37 GMT",
        b"Sun, xx Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"Sun, 06 Nov 99999 08:49:37 GMT",
        b"Sun, 06 Nov -999 08:49:37 GMT",
        b"Sun, 99 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 99:49:37 GMT",
        b"Sun, 06 Nov 1994 08:99:37 GMT",
        b"\xff\xfe \xff \xff \xff \xff",
    ):
        equal((text, http_date(text)), (text, None))


# --- addresses --------------------------------------------------------------------------------


def test_urls_are_taken_apart():
    for url, parts in (
        ("http://h/x", (False, "h", 80, "/x")),
        ("https://h/x/y?z=1", (True, "h", 443, "/x/y?z=1")),
        ("https://app.plexus.company:8443/a", (True, "app.plexus.company", 8443, "/a")),
        ("http://10.0.0.1:8080/ingest", (False, "10.0.0.1", 8080, "/ingest")),
        ("http://h", (False, "h", 80, "/")),
        ("http://h/", (False, "h", 80, "/")),
    ):
        equal((url, split_url(url)), (url, parts))


def test_what_is_no_url_is_refused():
    broken = ("", "h/x", "ftp://h/x", "http://", "http:///x", "http://h:x/", 5)
    for url in broken + ("http://u@h/x", "http://h?x=1", "http://h#x", "http://h:80?x"):
        with raises(ValueError, "endpoint"):
            split_url(url)


# --- requests ---------------------------------------------------------------------------------


def _http(place, timeout_ms=5000, key=KEY):
    return Http(getattr(place, "ingest", place), key, None, timeout_ms)


def test_request_is_http_with_its_headers_and_body():
    raw = RawServer(answer())
    status, body = _http(raw).request("POST", "/a/b?c=d", (b"12", b"", b"345"), 5)
    equal((status, body), (200, b'{"success":true,"count":1}'))
    head, _, body = raw.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    equal(body, b"12345")
    equal(lines[0], b"POST /a/b?c=d HTTP/1.1")
    names = sorted(line.split(b":")[0].lower() for line in lines[1:])
    ours = [b"connection", b"content-length", b"content-type", b"host", b"user-agent", b"x-api-key"]
    equal(names, ours)
    assert b"User-Agent: plexus-micropython/" + __version__.encode() in lines, lines
    assert b"Content-Length: 5" in lines and b"Host: " + raw.ingest.split("/")[2].encode() in lines


def test_request_without_a_body_has_no_length_and_no_key_and_is_the_connections_last():
    raw = RawServer(answer())
    _http(raw).request("GET", "/")
    head = raw.requests[0]
    assert head.startswith(b"GET / HTTP/1.1\r\n") and b"\r\nHost: " in head, head
    assert b"content-" not in head.lower() and KEY.encode() not in head, head
    assert b"\r\nConnection: close\r\n" in head and b"\r\nUser-Agent: " in head, head


def test_headers_of_ones_own_go_with_each_request():
    raw = RawServer(answer())
    px = client(raw, headers={"X-Team": "lab", "User-Agent": "rover/2"})
    px.send("n", 1)
    px.flush()
    lines = raw.requests[0].split(b"\r\n")
    assert b"X-Team: lab" in lines and b"User-Agent: rover/2" in lines, lines
    equal(raw.requests[0].lower().count(b"user-agent"), 1)


def test_headers_that_cannot_be_are_refused_by_name():
    broken = ("X-Team: lab", ["a"], {"": "a"}, {"a": ""}, {"a b": "c"}, {"a:": "c"}, {5: "a"})
    for headers in broken + (
        {"a": 5},
        {"a": "b\r\nc: d"},
        {"a\n": "b"},
        {"X-API-Key": "x"},
        {"host": "h"},
        {"user-agent": "x"},
    ):
        with raises(ValueError, "headers"):
            client("http://127.0.0.1:1/x", headers=headers)


def test_large_pieces_go_whole():
    raw = RawServer(answer())
    piece = bytes(range(256)) * 40
    _http(raw).request("POST", "/", (piece, b"x", piece), 2 * len(piece) + 1)
    equal(raw.requests[0].partition(b"\r\n\r\n")[2], piece + b"x" + piece)


def test_date_is_asked_for_without_the_key():
    date = b"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
    raw = RawServer(answer(b"", headers=date))
    asking = _http(raw)
    ask(asking)
    assert KEY.encode() not in raw.requests[0] and raw.requests[0].startswith(b"HEAD / "), (
        raw.requests
    )
    equal(http_date(asking.exchange.date), 1700000000)


def test_answer_to_head_has_no_body_whatever_its_length_says():
    raw = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nConnection: keep-alive\r\n\r\n")
    equal(_http(raw).request("HEAD", "/"), (200, b""))


def test_body_is_bounded():
    raw = RawServer(answer(b"x" * 100000))
    status, body = _http(raw).request("GET", "/")
    equal(status, 200)
    assert 0 < len(body) <= 4096, len(body)


def test_long_header_lines_are_passed_over():
    long = b"X-Long: " + b"a" * 3000 + b"\r\nDate: " + b"d" * 400 + b"\r\n"
    raw = RawServer(answer(headers=long))
    equal(_http(raw).request("GET", "/")[0], 200)


def test_headers_that_end_in_the_middle_are_an_error():
    raw = RawServer(b"HTTP/1.1 200 OK\r\nContent-Le")
    with raises(OSError) as caught:
        _http(raw).request("GET", "/")
    equal(caught.value.args, (stream.RECEIVE, wire.CUT_OFF))


def test_failure_says_what_could_not_be_done():
    with raises(OSError) as caught:
        _http("http://127.0.0.1:1/x").request("GET", "/")
    equal(caught.value.args, (stream.CONNECT, 111))


def test_second_address_is_tried_when_the_first_refuses(server):
    real = stream.socket
    port = int(server.url.rsplit(":", 1)[1])

    class TwoAddresses:
        SOCK_STREAM = real.SOCK_STREAM
        IPPROTO_TCP = TCP_NODELAY = 1

        def getaddrinfo(self, host, port_, *more):
            bad = real.getaddrinfo("127.0.0.1", 1, *more)[:1]
            return list(bad) + list(real.getaddrinfo("127.0.0.1", port, *more))

        def socket(self, *more):
            return real.socket(*more)

    stream.socket = TwoAddresses()
    try:
        equal(_http("http://somewhere/x").request("GET", "/api/ingest")[0], 405)
    finally:
        stream.socket = real
    equal(len(Admin(server.admin_url).requests()), 1)


def test_memory_that_runs_out_is_an_error_like_others():
    raw = RawServer(answer())

    def pieces():
        yield b"x"
        raise MemoryError

    with raises(OSError) as caught:
        _http(raw).request("POST", "/", pieces(), 1)
    equal(caught.value.args[1], 12)


def test_exception_that_is_no_networks_closes_the_connection():
    raw = RawServer(answer())
    asking = _http(raw)

    def pieces():
        yield b"x"
        raise KeyError("a bug")

    with raises(KeyError):
        asking.request("POST", "/", pieces(), 1)
    assert asking.connection.sock is None
