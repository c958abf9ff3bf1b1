from typing import Any

from .agent import Agent as Agent
from .buffer import BufferFull as BufferFull
from .client import Plexus as Plexus
from .client import PlexusError as PlexusError
from .clock import Clock as Clock

__version__: str

# Any: a module; which one depends on its name.
def load(name: str) -> Any: ...
def borrow(name: str) -> Any: ...
def forget(*names: str) -> None: ...
