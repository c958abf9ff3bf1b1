from collections.abc import Iterator, Sequence
from typing import Any

from plexus import Plexus
from plexus.sensors import Sampler
from plexus.sensors.sampling.find import Found

from .device_commands import DeviceCommands
from .interface import Interface
from .lights import Lights
from .uploader import Uploader
from .watchdog import Watchdog

class _Dark:
    name: str
    lamp: bool
    def set(self, name: str) -> None: ...

class Device:
    px: Plexus
    crashes: Any
    watchdog: Watchdog
    lights: Lights | _Dark
    network: Interface
    sampler: Sampler
    device_commands: DeviceCommands | None
    found: Sequence[Found]
    problems: Sequence[str]
    uploader: Uploader
    def __init__(
        self,
        config: dict[str, Any],
        profile: dict[str, Any],
        crashes: Any,
        px: Plexus,
        sampler: Sampler,
        found: Sequence[Found] = (),
        problems: Sequence[str] = (),
    ) -> None: ...
    async def run(self) -> None: ...
    def close(self) -> None: ...
    def discard(self) -> None: ...
    def is_up(self) -> bool: ...
    def reset(self) -> None: ...
    def say(self, what: str, message: str, brief: str | None = None) -> None: ...
    def show(self, light: str | None) -> None: ...
    @property
    def delivers(self) -> bool: ...
    def status(self) -> Iterator[tuple[str, str]]: ...
    def server(self) -> str: ...
