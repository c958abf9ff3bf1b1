from collections.abc import Callable
from typing import Any, Final, Protocol

from ..readings.render import Body
from ..readings.ring import Ring
from .narrowing import Narrowing
from .problem import _Problem
from .request import Http
from .retry import Retry, _Verdict

MAX_BYTES: Final = 5000000

def parse(content: bytes | bytearray) -> Any: ...

# The client, as far as delivery goes.
class _Client(Protocol):
    ring: Ring
    ticks_ms: Callable[[], int]
    confirmed: int
    rejected: int
    def confirm(self, body: Body) -> int: ...

class Delivery:
    problem: _Problem | None
    status: int
    rejection: tuple[str | None, str | None] | None
    retry: Retry
    http: Http
    buffer: _Client
    body: Body
    maximum: int
    batch: int
    narrowing: Narrowing | None
    message: str | None
    def __init__(
        self, http: Http, buffer: _Client, body: Body, retry: Retry, batch_points: int
    ) -> None: ...
    def step(self, dated: bool) -> int: ...
    def post(self, count: int, dated: bool, skip: int) -> _Verdict: ...
