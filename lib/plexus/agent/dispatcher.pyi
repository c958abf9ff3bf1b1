from collections.abc import Callable
from typing import Any

from ..client import Plexus
from ..sensors.sampling.sampler import Sampler
from .command_table import Commands
from .live import Live
from .message import _Fields

class Dispatcher:
    errors: int
    alias: str | None
    tells: bool
    protocol: int
    def __init__(
        self,
        px: Plexus,
        sampler: Sampler | None,
        live: Live,
        commands: Commands,
        say: Callable[[Any], object],
    ) -> None: ...
    @property
    def session_id(self) -> str | None: ...
    def handle(self, message: _Fields) -> None: ...
    def complain(self, problem: str) -> None: ...
    def connected(self) -> None: ...
    def disconnected(self) -> None: ...
    def stopped(self) -> None: ...
    def check(self) -> None: ...
    def collect(self) -> None: ...
