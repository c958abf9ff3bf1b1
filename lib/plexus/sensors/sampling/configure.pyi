from typing import Any

from .channel import Channel

def configure(channel: Channel, config: dict[str, Any]) -> dict[str, Any]: ...
