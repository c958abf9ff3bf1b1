from collections.abc import Sequence
from typing import Any

from plexus import Plexus
from plexus.sensors import Sampler
from plexus.sensors.find import Found

from .link import Link

def make_client(config: dict[str, Any]) -> Plexus: ...
def make_sampler(
    config: dict[str, Any], profile: dict[str, Any], px: Plexus, safe: bool
) -> tuple[Sampler, Sequence[Found], Sequence[str]]: ...
def spared(
    config: dict[str, Any], profile: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]: ...
def make_network(config: dict[str, Any], profile: dict[str, Any], reset: Any) -> Link: ...
