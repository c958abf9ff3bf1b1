from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")

async def aside(
    function: Callable[[], _T],
    sleep: Callable[[float], Awaitable[object]],
    stack_bytes: int,
    in_thread: Callable[[Callable[[], None], int], object] | None = None,
) -> _T: ...
