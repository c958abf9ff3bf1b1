from collections.abc import Callable, Sequence
from typing import Any

def deliver(
    px: Any,
    network: Any,
    ends: int,
    feed: Callable[[], Any],
    secrets: Sequence[str] = (),
    events: list[tuple[str, str]] | None = None,
) -> bool: ...
