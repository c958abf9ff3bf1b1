from collections.abc import Callable
from typing import Any

from plexus import Plexus

class Report:
    def __init__(self, px: Plexus, crashes: Any, say: Callable[[str, str], object]) -> None: ...
    def tick(self) -> None: ...
