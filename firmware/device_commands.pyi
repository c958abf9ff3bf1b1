from typing import Any

from plexus.agent.agent import Agent

# A firmware.device.Device, which is above this.

class DeviceCommands:
    agent: Agent
    def __init__(self, device: Any, url: str, secrets: list[str]) -> None: ...
    def tick(self) -> None: ...
    @property
    def status(self) -> str: ...
