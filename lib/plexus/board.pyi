from collections.abc import Sequence
from typing import Any

from .sensors.driver import Driver
from .sensors.sampling.factory import DriverFactory
from .sensors.sampling.find import Found
from .sensors.sampling.sampler import Sampler

class Board:
    profile: dict[str, Any]
    problems: list[str]
    def __init__(self, profile: dict[str, Any]) -> None: ...
    @classmethod
    def load(cls, path: str) -> Board: ...
    def bus(self, kind: str, name: str | None = None) -> Any: ...
    def sensor(self, entry: dict[str, Any]) -> Driver: ...
    def factory(self, entry: dict[str, Any]) -> DriverFactory: ...
    def fill(
        self,
        sampler: Sampler,
        entries: Sequence[dict[str, Any]] | None = None,
        raises: bool = True,
        again: bool = True,
    ) -> list[Found]: ...
