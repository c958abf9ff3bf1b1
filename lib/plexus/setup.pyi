from typing import Any

from .client import Plexus

def make(px: Plexus, api_key: str, source_id: str, options: dict[str, Any]) -> None: ...
