from collections.abc import Iterable
from typing import Any

from .buffer import Buffer, _Add
from .record import _Value

def send_at(
    buffer: Buffer[Any],
    ticks: int,
    metric: str,
    value: _Value,
    tags: dict[str, str] | None = None,
    source_id: str | None = None,
    add: _Add | None = None,
) -> None: ...
def send_batch(
    buffer: Buffer[Any],
    points: Iterable[tuple[str, _Value]],
    timestamp: float | None = None,
    tags: dict[str, str] | None = None,
    source_id: str | None = None,
    add: _Add | None = None,
) -> None: ...
def event(
    buffer: Buffer[Any],
    name: str,
    data: _Value = True,
    timestamp: float | None = None,
    tags: dict[str, str] | None = None,
    source_id: str | None = None,
) -> None: ...
