from collections.abc import Sequence

from .channel import Channel, _Recipe, _Sensor
from .shape import _Calibration, _Deadband

def made(
    channels: Sequence[Channel],
    sensor: _Sensor,
    interval_ms: int | None = None,
    name: str | None = None,
    prefix: str = "",
    tags: dict[str, str] | None = None,
    calibration: _Calibration | None = None,
    deadband: _Deadband | None = None,
    average: int = 1,
    heartbeat_ms: int = 0,
    keep: bool = True,
    recipe: _Recipe | None = None,
) -> Channel: ...
