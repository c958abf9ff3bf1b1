from collections.abc import Sequence

from .channel import Channel, _Factory, _Sensor
from .filters import _Calibration, _Deadband

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
    on_demand: bool = False,
    factory: _Factory | None = None,
) -> Channel: ...
