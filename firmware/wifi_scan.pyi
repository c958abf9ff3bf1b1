from collections.abc import Awaitable, Callable, Sequence
from typing import Any

async def best_first(
    networks: Sequence[dict[str, Any]],
    nic: Any,
    sleep: Callable[[float], Awaitable[object]],
    in_thread: Callable[[Callable[[], None], int], object] | None = None,
) -> list[tuple[dict[str, Any], bytes | None, int | None]]: ...
