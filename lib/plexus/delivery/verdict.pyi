from collections.abc import Callable
from typing import Final, Literal, TypeAlias

CONFIRMED: Final = 0
REFUSED_READING: Final = 1
TOO_LARGE: Final = 2
RATE_LIMITED: Final = 3
FAILED: Final = 4
REFUSED: Final = 5

_Verdict: TypeAlias = Literal[0, 1, 2, 3, 4, 5]

def stored(answer: object, sent: int) -> int | None: ...
def judge(status: int, answer: object, sent: int) -> _Verdict: ...

class Retry:
    def __init__(self, random: Callable[[int], bytes]) -> None: ...
    def succeeded(self) -> None: ...
    def failed(self, verdict: int, ticks_ms: int, asked_ms: int | None = None) -> None: ...
    def wait_ms(self, ticks_ms: int) -> int: ...
