from collections.abc import Callable
from typing import Any

from .draft import Draft

class Console:
    def __init__(
        self,
        draft: Draft,
        state: Callable[[], str],
        restart: Callable[[], object],
        read: Callable[[int], bytes] | None = None,
        write: Callable[[str], object] = ...,
    ) -> None: ...
    async def run(self) -> None: ...
    def feed(self, data: bytes) -> None: ...

class Stdin:
    def __init__(self, stream: Any = None) -> None: ...
    def read(self, maximum: int) -> bytes: ...
