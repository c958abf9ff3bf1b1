from collections.abc import Mapping
from typing import Any

async def held(profile: Mapping[str, Any], within_ms: int = 5000, hold_ms: int = 1000) -> bool: ...
