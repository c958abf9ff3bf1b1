from collections.abc import Awaitable, Callable, Mapping
from typing import Any

async def join(
    config: Mapping[str, Any],
    network: Any = None,
    ticks: Callable[[], int] = ...,
    sleep: Callable[[float], Awaitable[object]] = ...,
) -> str | None: ...

ENDPOINTS: tuple[str, str]

def check_key(config: dict[str, Any], requests: Any = None) -> str | None: ...
