from typing import Any

from .buffer import Buffer
from .http import Http
from .render import Body
from .retry import Retry
from .words import _Problem

def parse(content: bytes | bytearray) -> Any: ...

class Delivery:
    confirmed: int
    rejected: int
    problem: _Problem | None
    status: int
    rejection: tuple[str | None, str | None] | None
    retry: Retry
    def __init__(
        self, http: Http, buffer: Buffer[Any], body: Body, retry: Retry, batch_points: int
    ) -> None: ...
    def step(self, dated: bool) -> int: ...
