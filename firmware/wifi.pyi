from collections.abc import Callable
from typing import Any

from .interface import Interface

class WiFi(Interface):
    name: str
    def __init__(
        self,
        config: dict[str, Any],
        *arguments: Any,
        in_thread: Callable[[Callable[[], None], int], object] | None = None,
        **options: Any,
    ) -> None: ...
