from collections.abc import Iterator, Sequence
from typing import Protocol

from .draft import Draft

# The Portal, as far as its pages go.
class _View(Protocol):
    draft: Draft
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
    @property
    def keeps_key(self) -> bool: ...
    def boards(self) -> list[str]: ...
    def left_ms(self) -> int: ...

LABELS: dict[str, str]

def escape(text: str) -> str: ...
def form(view: _View) -> Iterator[str | bytes]: ...
def progress(view: _View) -> Iterator[str | bytes]: ...
def note(title: str, message: str) -> Iterator[str | bytes]: ...
