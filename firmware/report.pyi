from collections.abc import Callable

from plexus import Plexus

from .crash import Crashes

class Report:
    def __init__(self, px: Plexus, crashes: Crashes, say: Callable[[str, str], object]) -> None: ...
    def tick(self) -> None: ...
