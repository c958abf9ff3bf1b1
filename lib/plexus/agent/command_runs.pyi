from collections.abc import Callable
from typing import Any

from ..client import Plexus
from .command_table import Commands

class _Run:
    ident: str
    limit_s: int
    stopped: str | None
    event: str | None
    message: str
    result: str | None
    waiting: str
    lost: int
    def end(self, event: str, message: str = "") -> None: ...
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
    def admit(
        self,
        ident: str,
        name: str,
        typed: str | None,
        limit_s: int,
        teller: Any = None,
    ) -> _Run: ...
    def begin(self, run: _Run, function: Callable[..., Any], values: dict[str, Any]) -> None: ...
    def cancel(self, ident: str | None = None) -> int: ...
    def collect(self, tells: bool) -> None: ...
