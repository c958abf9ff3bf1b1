from typing import Any

# `px` is the Plexus, which is above this.

def make(px: Any, api_key: str, source_id: str, options: dict[str, Any]) -> None: ...
