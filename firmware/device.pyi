from collections.abc import Iterator, Sequence
from typing import Any

from plexus import Plexus
from plexus.sensors import Sampler
from plexus.sensors.find import Found

from .courier import Courier
from .crash import Crashes
from .lights import Lights
from .link import Link
from .remote import Remote
from .watchdog import Watchdog

class _Dark:
    name: str
    lamp: bool
    def set(self, name: str) -> None: ...

class Device:
    px: Plexus
    crashes: Crashes
    watchdog: Watchdog
    lights: Lights | _Dark
    network: Link
    sampler: Sampler
    remote: Remote | None
    found: Sequence[Found]
    problems: Sequence[str]
    courier: Courier
    def __init__(
        self,
        config: dict[str, Any],
        profile: dict[str, Any],
        crashes: Crashes,
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
    def say(self, what: str, words: str, brief: str | None = None) -> None: ...
    def show(self, light: str | None) -> None: ...
    @property
    def delivers(self) -> bool: ...
    def status(self) -> Iterator[tuple[str, str]]: ...
    def server(self) -> str: ...
