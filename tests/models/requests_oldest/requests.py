"""What `requests` of MicroPython 1.22 and 1.23 does at its sockets, modelled.

It writes HTTP/1.0, and ends the headers with a `Connection: close` of its own, in one piece.
"""

import socket as usocket


class Response:
    def __init__(self, raw):
        self.raw = raw

    @property
    def content(self):
        return self.raw.read()

    def close(self):
        self.raw.close()


def request(method, url, headers={}):  # noqa: B006 -- as it has it
    _, _, host, path = url.split("/", 3)
    address = usocket.getaddrinfo(host, 80, 0, usocket.SOCK_STREAM)[0]
    raw = usocket.socket(address[0], usocket.SOCK_STREAM, address[2])
    try:
        raw.connect(address[-1])
        raw.write(b"%s /%s HTTP/1.0\r\n" % (method, path))
        for name in headers:
            for piece in (name, b": ", headers[name], b"\r\n"):
                raw.write(piece)
        raw.write(b"Connection: close\r\n\r\n")
        status = int(raw.readline().split(None, 2)[1])
        while True:
            line = raw.readline()
            if not line or line == b"\r\n":
                break
            if line.startswith(b"Transfer-Encoding:") and b"chunked" in line:
                raise ValueError("Unsupported " + str(line, "utf-8"))
    except OSError:
        raw.close()
        raise
    response = Response(raw)
    response.status_code = status
    return response
