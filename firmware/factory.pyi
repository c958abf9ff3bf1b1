from collections.abc import Sequence
from typing import Any

from plexus import Plexus
from plexus.board import Board
from plexus.sensors import Sampler
from plexus.sensors.sampling.find import Found

from .interface import Interface

def make_board(profile: dict[str, Any]) -> Board: ...
def make_client(config: dict[str, Any]) -> Plexus: ...
def make_sampler(
    config: dict[str, Any], profile: dict[str, Any], px: Plexus, safe: bool
) -> tuple[Sampler, Sequence[Found], Sequence[str]]: ...
def safe_mode(
    config: dict[str, Any], profile: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]: ...
def make_network(config: dict[str, Any], profile: dict[str, Any], reset: Any) -> Interface: ...
def unload_board() -> None: ...
