"""A request of a portal's client: read in bounded memory, in any pieces; refused if it is none."""

import asyncio

from firmware.setup.request import Refused, read
from support import equal, raises


class Client:
    """A reader of what a client sends, in pieces of so many bytes; then it is gone."""

    def __init__(self, data, size=512):
        self.data = data
        self.size = size

    async def read(self, most):
        count = min(most, self.size)
        piece, self.data = self.data[:count], self.data[count:]
        return piece


def got(data, size=512):
    return asyncio.run(read(Client(data, size)))


def refused(status, data, size=512):
    """What is left of the data, which is refused with this status."""
    client = Client(data, size)
    try:
        asyncio.run(read(client))
    except Refused as error:
        equal((data[:40], error.args[0]), (data[:40], status))
        return client.data
    raise AssertionError(data[:40])


FORM = b"POST /?x=1 HTTP/1.1\r\nHost: a:80\r\nX-Y: z\r\ncontent-LENGTH:  3 \r\n\r\na=b"
SEEN = ("POST", "/", {"host": "a:80", "content-length": "3"}, b"a=b")


def test_a_request_is_read_whatever_pieces_it_comes_in():
    for size in (1, 2, 3, 7, 512):
        equal(got(FORM, size), SEEN)


def test_what_follows_a_request_is_not_of_it():
    equal(got(FORM + b"GET / HTTP/1.1\r\n\r\n"), SEEN)
    equal(got(b"GET / HTTP/1.0\r\n\r\nx"), ("GET", "/", {}, b""))


def test_a_client_that_goes_without_a_word_is_none():
    equal(got(b""), None)


def test_half_a_request_is_refused_wherever_it_ends():
    for end in range(1, len(FORM)):
        refused(400, FORM[:end])


def test_a_line_that_is_no_request_is_refused():
    for line in (b"", b"GET", b"GET /", b"GET  HTTP/1.1", b"GET / HTTP/1.1 x", b"GET / HTTP/2",
                 b"GET x HTTP/1.1", b"GET http://a/ HTTP/1.1", b"G\xffT / HTTP/1.1",
                 b"GET /\x01 HTTP/1.1", b"\x16\x03\x01\x02"):  # fmt: skip
        refused(400, line + b"\r\nHost: a\r\n\r\n")


def test_a_header_that_is_none_is_refused():
    for line in (b"Host", b": a", b" Host: a", b"Host : a", b"Host: \xff", b"Host: a\nb: c",
                 b"Host: a\r\nHOST: a", b"Transfer-Encoding: chunked", b"Content-Length: -1",
                 b"Content-Length: 1e3", b"Content-Length: ", b"Content-Length: 9999999999",
                 b"Content-Length: 3\r\nContent-Length: 3"):  # fmt: skip
        refused(400, b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\nabc")


def test_a_head_without_an_end_is_read_no_further():
    for start in (b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"):
        left = refused(431, start + b"x" * 100000)
        assert 100000 - len(left) < 5000, len(left)


def test_a_body_that_is_too_large_is_not_read():
    head = b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n"
    equal(len(got(head % b"4096" + b"x" * 4096)[3]), 4096)
    left = refused(413, head % b"4097" + b"x" * 4097)
    assert len(left) > 3500, len(left)


def test_of_a_thousand_headers_those_that_serve_are_kept():
    head = b"GET / HTTP/1.1\r\nHost: a\r\n"
    head += b"".join([b"%x:\r\n" % number for number in range(16, 700)])
    equal(got(head + b"\r\n")[2], {"host": "a"})


def test_it_reads_no_more_of_a_body_than_there_is_to_be():
    with raises(Refused):
        got(FORM[:-1])
    equal(got(FORM[:-3] + b"\r\n\r")[3], b"\r\n\r")
