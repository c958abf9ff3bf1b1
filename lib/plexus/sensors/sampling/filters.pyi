from collections.abc import Collection
from typing import Any

from ..driver import _Reading

_Calibration = dict[str, tuple[float, float]] | dict[str, dict[str, float]]
_Deadband = float | dict[str, float]

class Filters:
    def __init__(
        self,
        calibration: _Calibration | None = None,
        deadband: _Deadband | None = None,
        average: int = 1,
        heartbeat_ms: int = 0,
        no_mean: Collection[str] = (),
    ) -> None: ...
    def reset(self) -> None: ...
    def shaped(self, readings: list[_Reading], ticks: int) -> list[Any]: ...
