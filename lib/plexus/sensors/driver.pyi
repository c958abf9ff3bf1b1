from collections.abc import Generator, Iterable, Iterator
from typing import Any, ClassVar, Protocol

_Reading = (
    tuple[str, Any] | tuple[str, Any, dict[str, str]] | tuple[str, Any, dict[str, str] | None, int]
)

class SensorError(OSError): ...

# What notes the problem: a driver, or the channel of a sensor of one's own.
class _Holder(Protocol):
    problem: SensorError | None

class Driver:
    BUS: ClassVar[str | None]
    METRICS: dict[str, str]
    RANGES: tuple[Any, ...]
    NO_MEAN: tuple[str, ...]
    INTERVAL_MS: int
    ready: bool
    problem: SensorError | None
    def verify(self) -> None: ...
    def setup(self) -> Iterable[int] | None: ...
    def measure(self) -> Iterator[int | _Reading]: ...
    def sample(self) -> Iterator[int | _Reading]: ...
    def read(self) -> list[_Reading]: ...
    def close(self) -> None: ...

def sifted(self: _Holder, items: Iterable[Any]) -> Generator[Any, None, bool]: ...
