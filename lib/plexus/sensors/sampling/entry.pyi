from collections.abc import Mapping
from typing import Any

WHAT: tuple[str, ...]
HOW: tuple[str, ...]
WORDS: tuple[str, ...]

def check_keys(entry: Mapping[str, Any]) -> None: ...
