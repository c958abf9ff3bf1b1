from typing import Any, Final

from ..readings.buffer import Buffer
from ..readings.render import Body
from .limits import Limits
from .narrowing import Narrowing
from .problem import _Problem
from .request import Http
from .verdict import Retry, _Verdict

MAX_BYTES: Final = 5000000

def parse(content: bytes | bytearray) -> Any: ...

class Delivery:
    problem: _Problem | None
    status: int
    rejection: tuple[str | None, str | None] | None
    retry: Retry
    http: Http
    buffer: Buffer[Any]
    body: Body
    maximum: int
    batch: int
    narrowing: Narrowing | None
    limits: Limits | None
    limited: tuple[bytes | None, int] | None
    stored: int | None
    message: str | None
    def __init__(
        self, http: Http, buffer: Buffer[Any], body: Body, retry: Retry, batch_points: int
    ) -> None: ...
    def step(self, dated: bool) -> int: ...
    def confirm(self, discarded: int) -> None: ...
    def post(self, count: int, dated: bool, skip: int, body: Body | None = None) -> _Verdict: ...
