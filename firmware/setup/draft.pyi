from collections.abc import Mapping
from typing import Any

from ..config import Config

FIELDS: dict[str, int]

class Draft:
    base: Mapping[str, Any]
    profile: Mapping[str, Any]
    values: dict[str, str]
    def __init__(
        self,
        base: Mapping[str, Any] | None = None,
        profile: Mapping[str, Any] | None = None,
        path: str = ...,
        boards: str = "boards",
        profile_path: str = "board.json",
    ) -> None: ...
    def clear(self) -> None: ...
    def set(self, field: str, value: str) -> None: ...
    def boards(self) -> list[str]: ...
    def complete(self) -> Config: ...
    def save(self) -> None: ...
