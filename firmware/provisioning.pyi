from typing import Any

from .crash import Crashes

def main(
    config: dict[str, Any] | None,
    profile: dict[str, Any],
    crashes: Crashes,
    portal: bool = True,
) -> None: ...
