"""What `requests` 1.1.1 of micropython-lib (August 2026) does at its sockets, modelled.

It writes HTTP/1.1 and headers from a copy, and reads a body by its length or its chunks.
"""

import socket


class Response:
    def __init__(self, raw, length):
        self.raw = raw
        self._length = length

    @property
    def content(self):
        if self._length is None:
            return self.raw.read()
        body = bytearray(self._length)
        return body[: self.raw.readinto(body)]

    def close(self):
        self.raw.close()


def request(method, url, headers=None):
    headers = dict(headers or {})
    _, _, host, path = url.split("/", 3)
    address = socket.getaddrinfo(host, 80, 0, socket.SOCK_STREAM)[0]
    raw = socket.socket(address[0], socket.SOCK_STREAM, address[2])
    try:
        raw.connect(address[-1])
        raw.write(b"%s /%s HTTP/1.1\r\n" % (method, path))
        headers.setdefault("Host", host)
        headers.setdefault("Connection", "close")
        for name in headers:
            for piece in (name, b": ", headers[name], b"\r\n"):
                raw.write(piece)
        raw.write(b"\r\n")
        line = raw.readline().split(None, 2)
        if len(line) < 2:
            raise ValueError("HTTP error: BadStatusLine")
        length = None
        while True:
            header = raw.readline().lower()
            if header in (b"", b"\r\n"):
                break
            if header.startswith(b"content-length:"):
                length = int(header[15:])
    except OSError:
        raw.close()
        raise
    response = Response(raw, length)
    response.status_code = int(line[1])
    return response
