from .channel import Channel, _Client, _Factory, _Sensor
from .filters import _Calibration, _Deadband

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
        on_demand: bool = False,
        factory: _Factory | None = None,
    ) -> Channel: ...
    def remove(self, channel: Channel) -> None: ...
    def find(self, name: str) -> Channel | None: ...
    def tick(self) -> int: ...
    async def run(self) -> None: ...
    @property
    def status(self) -> dict[str, str]: ...
