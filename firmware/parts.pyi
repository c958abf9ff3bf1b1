from typing import Any

from plexus import Plexus

from .link import Link

def make_client(config: dict[str, Any]) -> Plexus: ...
def spared(
    config: dict[str, Any], profile: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]: ...
def make_network(config: dict[str, Any], profile: dict[str, Any], reset: Any) -> Link: ...
