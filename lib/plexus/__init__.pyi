from .agent.agent import Agent as Agent
from .client import Plexus as Plexus
from .client import PlexusError as PlexusError
from .clock import Clock as Clock
from .readings.buffer import BufferFull as BufferFull

__version__: str
