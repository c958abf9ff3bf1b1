from collections.abc import Iterator

from ..client import Plexus
from ..sensors.sampling.sampler import Sampler
from .command_table import Commands

def hello(
    px: Plexus, sampler: Sampler | None, commands: Commands | None, documented: bool = True
) -> Iterator[str]: ...
