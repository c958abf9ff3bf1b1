from collections.abc import Callable
from typing import Any

from ..client import Plexus
from .command_table import Commands

class _Run:
    ident: str
    event: str | None
    waiting: str
    def out(self, text: object) -> None: ...

class CommandRuns:
    running: list[_Run]
    def __init__(self, px: Plexus, commands: Commands, say: Callable[[str], object]) -> None: ...
    def start(
        self,
        ident: str,
        text: str,
        params: dict[str, Any] | None,
        limit_s: int,
        typed: str | None,
        tells: bool,
    ) -> None: ...
    def cancel(self, ident: str | None = None) -> int: ...
    def collect(self, tells: bool) -> None: ...
