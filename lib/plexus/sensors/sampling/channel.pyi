from collections.abc import Iterable
from typing import Any, Protocol

from ..driver import SensorError
from .filters import Filters

# Anything that can be read; a driver of ours as well.
class _Sensor(Protocol):
    def read(self) -> Iterable[Any] | dict[str, Any] | None: ...

class _Client(Protocol):
    def ticks_ms(self) -> int: ...
    def send(self, metric: str, value: Any, *, tags: dict[str, str] | None = None) -> None: ...
    def send_batch(
        self, points: Iterable[tuple[str, Any]], *, tags: dict[str, str] | None = None
    ) -> None: ...

# Makes the sensor again, with options changed.
class _Factory(Protocol):
    def __call__(self, **changed: Any) -> _Sensor: ...

class Channel:
    sensor: _Sensor
    interval_ms: int
    min_interval_ms: int
    name: str
    prefix: str
    tags: dict[str, str] | None
    filters: Filters | None
    on_demand: bool
    factory: _Factory | None
    options: dict[str, Any] | None
    client: _Client | None
    status: str
    failures: int
    problem: SensorError | None
    max_lateness_ms: int
    due: int
    slot: int
    def __init__(
        self,
        sensor: _Sensor,
        interval_ms: int,
        name: str,
        prefix: str,
        tags: dict[str, str] | None,
        filters: Filters | None,
        on_demand: bool,
        factory: _Factory | None,
    ) -> None: ...
    @property
    def metrics(self) -> list[str]: ...
    @property
    def description(self) -> str: ...
    def wake(self, client: _Client | None) -> None: ...
    def restart(self, sensor: _Sensor | None = None) -> None: ...
    def tick(self, px: _Client) -> int: ...
