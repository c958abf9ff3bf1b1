from typing import Any

CONFIGURATION: tuple[Any, ...]
