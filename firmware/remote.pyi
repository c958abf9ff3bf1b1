from plexus.agent import Agent

from .device import Device

class Remote:
    agent: Agent
    def __init__(self, device: Device, url: str, secrets: list[str]) -> None: ...
    def tick(self) -> None: ...
    @property
    def status(self) -> str: ...
