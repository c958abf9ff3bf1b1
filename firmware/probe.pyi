from collections.abc import Awaitable, Callable

async def answers(
    host: str,
    port: int = ...,
    ticks: Callable[[], int] = ...,
    sleep: Callable[[float], Awaitable[object]] = ...,
) -> bool: ...
