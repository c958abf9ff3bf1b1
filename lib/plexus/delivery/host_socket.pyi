from typing import Any

from . import bounded_socket

class BoundedSocket(bounded_socket.BoundedSocket):
    step: int
    sock: Any
    def send(self, data: bytes | bytearray | memoryview) -> None: ...
    def receive(self, buffer: bytearray | memoryview) -> int: ...
    def any(self, buffer: bytearray) -> bool: ...
