"""A server that confirms every reading and counts every byte it was sent."""

import re
import socketserver
import threading
from typing import Self

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Sink:
    """A context manager; `received` is all bytes so far, request lines and headers included."""

    def __enter__(self) -> Self:
        self.received = 0
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return
                    head += line
                length = _LENGTH.search(head)
                body = self.rfile.read(int(length[1])) if length else b""
                sink.received += len(head) + len(body)
                answer = b'{"success":true,"count":%d}' % body.count(b'"metric":')
                # MicroPython's json.dumps writes a space behind the colon, which counts as well.
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                self.wfile.write(b"Content-Length: %d\r\n" % len(answer))
                self.wfile.write(b"Connection: close\r\n\r\n" + answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}/api/ingest"
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
