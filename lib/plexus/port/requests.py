"""The firmware's `requests` in small, for an interpreter that has none of its kind: CPython.

The `requests` of PyPI has another signature and no socket to bound. A board whose firmware has its
own never loads this.
"""

import socket


class Response:
    def __init__(self, status_code, raw):
        self.status_code = status_code
        self.raw = raw

    @property
    def content(self):
        return self.raw.read()

    def close(self):
        self.raw.close()


def request(method, url, data=None, headers=None, timeout=None):
    """HTTP/1.0, as MicroPython's: headers as given, `data` in pieces, no redirect followed."""
    _, _, place, path = url.split("/", 3)
    host, _, port = place.partition(":")
    address = socket.getaddrinfo(host, int(port or 80), 0, socket.SOCK_STREAM)[0]
    sock = socket.socket(address[0], socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect(address[-1])
        sock.write(("%s /%s HTTP/1.0\r\n" % (method, path)).encode())
        for name in headers or ():
            sock.write(("%s: %s\r\n" % (name, headers[name])).encode())
        sock.write(b"\r\n")
        for piece in data or ():
            sock.write(piece)
        status = int(sock.readline().split(None, 2)[1])
        while sock.readline() not in (b"", b"\r\n"):
            pass
    except OSError:
        sock.close()
        raise
    return Response(status, sock)
