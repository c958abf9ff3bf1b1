from collections.abc import Iterator, Sequence
from typing import Any

from plexus import Plexus
from plexus.sensors import Sampler
from plexus.sensors.find import Found

from .courier import Courier
from .crash import Crashes
from .lights import Lights
from .link import Link
from .watchdog import Watchdog

PROFILE: str

def main(crashes: Crashes) -> None: ...
def load_profile(path: str = ...) -> dict[str, Any]: ...
def ask_for_portal() -> None: ...
def asked_for_portal() -> bool: ...
def make_client(config: dict[str, Any]) -> Plexus: ...
def spared(
    config: dict[str, Any], profile: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]: ...
def make_network(config: dict[str, Any], profile: dict[str, Any], reset: Any) -> Link: ...

class Device:
    px: Plexus
    crashes: Crashes
    watchdog: Watchdog
    lights: Lights
    network: Link
    sampler: Sampler
    found: Sequence[Found]
    problems: Sequence[str]
    courier: Courier
    def __init__(
        self, config: dict[str, Any], profile: dict[str, Any], crashes: Crashes
    ) -> None: ...
    async def run(self) -> None: ...
    def close(self) -> None: ...
    @property
    def delivers(self) -> bool: ...
    def status(self) -> Iterator[tuple[str, str]]: ...
