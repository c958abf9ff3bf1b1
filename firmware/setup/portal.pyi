from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .draft import Draft

class Portal:
    draft: Draft
    ready: bool
    name: str
    title: str
    wired: bool
    sensors: Sequence[tuple[str, str]]
    token: str
    networks: list[tuple[str, int, bool]]
    stage: str
    ssid: str
    error: tuple[str, str] | None
    failed: bool
    values: dict[str, str]
    def __init__(
        self,
        draft: Draft,
        sensors: Sequence[tuple[str, str]] = (),
        network: Any = None,
        name: str | None = None,
        password: str | None = None,
        timeout_s: int = 600,
        port: int = 80,
        dns_port: int = 53,
        trial: Any = None,
    ) -> None: ...
    @property
    def keeps_key(self) -> bool: ...
    def boards(self) -> list[str]: ...
    def left_ms(self) -> int: ...
    async def run(self) -> bool: ...
    def scan(self) -> None: ...
    def page(self) -> Iterator[str | bytes]: ...
    def take(self, values: Mapping[str, str]) -> None: ...

def access_point_name() -> str: ...
