from typing import Any

from .i2c import I2CDriver

class MCP9808(I2CDriver):
    def __init__(
        self, bus: Any, address: int | None = None, resolution: float = 0.0625, any_id: bool = False
    ) -> None: ...
    def chip(self) -> str | None: ...
