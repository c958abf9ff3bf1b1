from collections.abc import Iterable
from typing import Any, Protocol

from .shape import Shape, _Calibration, _Deadband

# Anything that can be read; a driver of ours as well.
class _Sensor(Protocol):
    def read(self) -> Iterable[Any] | dict[str, Any] | None: ...

class _Client(Protocol):
    def ticks_ms(self) -> int: ...
    def send(self, metric: str, value: Any, *, tags: dict[str, str] | None = None) -> None: ...
    def send_batch(
        self, points: Iterable[tuple[str, Any]], *, tags: dict[str, str] | None = None
    ) -> None: ...

class Sampler:
    channels: list[Channel]
    def __init__(self, px: _Client) -> None: ...
    def add(
        self,
        sensor: _Sensor,
        interval_ms: int | None = None,
        name: str | None = None,
        prefix: str = "",
        tags: dict[str, str] | None = None,
        calibration: _Calibration | None = None,
        deadband: _Deadband | None = None,
        average: int = 1,
        heartbeat_ms: int = 0,
    ) -> Channel: ...
    def remove(self, channel: Channel) -> None: ...
    def tick(self) -> int: ...
    async def run(self) -> None: ...
    @property
    def status(self) -> dict[str, str]: ...

class Channel:
    sensor: _Sensor
    interval_ms: int
    name: str
    prefix: str
    tags: dict[str, str] | None
    shape: Shape | None
    status: str
    failures: int
    latest_ms: int
    due: int
    slot: int
    def __init__(
        self,
        sensor: _Sensor,
        interval_ms: int,
        name: str,
        prefix: str,
        tags: dict[str, str] | None,
        shape: Shape | None,
    ) -> None: ...
    def tick(self, px: _Client) -> int: ...
