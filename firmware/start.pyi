from typing import Any

from .device import Device

def main(crashes: Any) -> Device | None: ...
