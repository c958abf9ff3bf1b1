from collections.abc import Iterator

from .client import Plexus
from .commands import Commands
from .sensors.sampler import Sampler

def hello(px: Plexus, sampler: Sampler | None, commands: Commands) -> Iterator[str]: ...
