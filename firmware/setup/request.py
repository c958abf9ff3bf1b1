"""One HTTP request from a client that may be slow, hostile or broken: bounded, then Microdot's."""

from microdot import Request  # pyright: ignore[reportMissingImports] -- by deploy

_MOST_HEAD = 4096
_MOST_BODY = 4096
_MOST_UNREAD = 65536
_PIECE = 512


class Refused(Exception):
    """A request that is none: args are the status and why."""


class Connection:
    """asyncio's streams of a connection as Microdot's Response writes to them."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    async def request(self, app):
        """The Request, or None if the client went without one. Raises Refused, OSError.

        The names of its headers are in small letters.
        """
        head, rest = await self._head()
        if head is None:
            return None
        lines = head.split(b"\r\n")
        start = lines[0].split(b" ")
        if len(start) != 3 or start[2][:7] != b"HTTP/1." or start[1][:1] != b"/":
            raise Refused(400, "no HTTP request")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            name = _ascii(name).lower()
            if not colon or not name or name != name.strip() or name in headers:
                raise Refused(400, "a header that is none, or there twice")
            headers[name] = _ascii(value.strip())
        body = await self._body(headers, rest)
        return Request(
            app, None, _ascii(start[0]), _ascii(start[1]), "1.0", headers, body=body, stream=None
        )

    async def awrite(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def aclose(self):
        self._writer.close()
        await self._writer.wait_closed()

    async def _head(self):
        head = b""
        while True:
            end = head.find(b"\r\n\r\n")
            if end >= 0:
                return head[:end], head[end + 4 :]
            if len(head) > _MOST_HEAD:
                raise Refused(431, "more headers than this device takes")
            piece = await self._reader.read(_PIECE)
            if not piece:
                return None, b""
            head += piece

    async def _body(self, headers, body):
        if "transfer-encoding" in headers:
            raise Refused(400, "a body without a length")
        digits = headers.get("content-length", "0")
        if not 0 < len(digits) < 10 or not digits.isdigit():
            raise Refused(400, "a length that is none")
        length = int(digits)
        if length > _MOST_BODY:
            await self._skip(min(length - len(body), _MOST_UNREAD))
            raise Refused(413, "more than this form can hold")
        while len(body) < length:
            piece = await self._reader.read(min(_PIECE, length - len(body)))
            if not piece:
                raise Refused(400, "half a body")
            body += piece
        return body[:length]

    async def _skip(self, count):
        # A client reads no answer before it has sent all.
        while count > 0:
            piece = await self._reader.read(_PIECE)
            if not piece:
                return
            count -= len(piece)


def _ascii(data):
    for byte in data:
        if not 32 <= byte < 127:
            raise Refused(400, "characters that no header has")
    return data.decode()
