from typing import Any

from .interface import Interface

class Ethernet(Interface):
    name: str
    def __init__(
        self, pins: dict[str, Any], config: dict[str, Any], *arguments: Any, **options: Any
    ) -> None: ...
