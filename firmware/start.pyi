from typing import Any

from .device import Device

PROFILE: str

def main(crashes: Any) -> Device | None: ...
def load_profile(path: str = ...) -> dict[str, Any]: ...
