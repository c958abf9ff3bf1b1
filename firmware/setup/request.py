"""Reads one HTTP request, of a client that may be slow, hostile or broken: all of it is bounded."""

from plexus.port import const

_MOST_HEAD = const(4096)
_MOST_BODY = const(4096)
_PIECE = const(512)
# A client may send a thousand: these are kept.
_KEPT = ("host", "origin", "content-type", "content-length", "transfer-encoding")


class Refused(Exception):
    """A request that is none: args are the status and why."""


async def read(reader):
    """(method, path, headers, body); None if the client went without a request.

    reader: asyncio's stream. headers: what it says of _KEPT, by their names in small letters.
    Raises Refused, OSError.
    """
    head = b""
    end = -1
    while end < 0:
        if len(head) > _MOST_HEAD:
            raise Refused(431, "more headers than this device takes")
        piece = await reader.read(_PIECE)
        if not piece:
            if head:
                raise Refused(400, "half a request")
            return None
        head += piece
        end = head.find(b"\r\n\r\n")
    line = head[: head.find(b"\r\n")]
    start = line.split(b" ")
    if len(start) != 3 or start[2][:7] != b"HTTP/1." or start[1][:1] != b"/":
        raise Refused(400, "no HTTP request")
    headers = _headers(head, len(line) + 2, end)
    body = await _body(reader, headers, head[end + 4 :])
    return _ascii(start[0]), _ascii(start[1].partition(b"?")[0]), headers, body


def _headers(head, at, end):
    found = {}
    while at < end:
        line = head[at : head.find(b"\r\n", at)]
        at += len(line) + 2
        name, colon, value = line.partition(b":")
        name = _ascii(name).lower()
        value = _ascii(value.strip())
        if not colon or not name or name != name.strip() or name in found:
            raise Refused(400, "a header that is none, or there twice")
        if name in _KEPT:
            found[name] = value
    return found


async def _body(reader, headers, body):
    if "transfer-encoding" in headers:
        raise Refused(400, "a body without a length")
    digits = headers.get("content-length", "0")
    if not 0 < len(digits) < 10 or not digits.isdigit():
        raise Refused(400, "a length that is none")
    length = int(digits)
    if length > _MOST_BODY:
        raise Refused(413, "more than this form can hold")
    while len(body) < length:
        piece = await reader.read(min(_PIECE, length - len(body)))
        if not piece:
            raise Refused(400, "half a body")
        body += piece
    return body[:length]


def _ascii(data):
    for byte in data:
        if not 32 <= byte < 127:
            raise Refused(400, "characters that no header has")
    return data.decode()
