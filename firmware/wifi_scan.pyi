from collections.abc import Awaitable, Callable, Sequence
from typing import Any

async def best_first(
    networks: Sequence[dict[str, Any]],
    nic: Any,
    alone: bool,
    in_thread: Callable[[Callable[[], None]], object],
    pause: Callable[[int], Awaitable[None]],
) -> list[tuple[dict[str, Any], bytes | None]]: ...
