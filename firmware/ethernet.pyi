from typing import Any

from .link import Link

class Ethernet(Link):
    name: str
    def __init__(
        self, pins: dict[str, Any], config: dict[str, Any], *arguments: Any, **options: Any
    ) -> None: ...
