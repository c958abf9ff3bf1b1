from collections.abc import Callable
from typing import Any

from ..client import Plexus
from .command_runs import CommandRuns, _Run
from .command_table import Commands
from .message import _Fields

class _Status:
    sent: bool
    def text(self) -> str: ...

class RunStatuses:
    def __init__(
        self, px: Plexus, commands: Commands, runs: CommandRuns, say: Callable[[Any], object]
    ) -> None: ...
    def connected(self) -> None: ...
    def acknowledged(self, message: _Fields) -> None: ...
    def start(self, message: _Fields) -> None: ...
    def collect(self, run: _Run) -> None: ...
