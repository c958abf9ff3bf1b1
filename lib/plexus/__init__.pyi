from .agent import Agent as Agent
from .buffer import BufferFull as BufferFull
from .client import Plexus as Plexus
from .client import PlexusError as PlexusError
from .clock import Clock as Clock

__version__: str

def forget(*names: str) -> None: ...
