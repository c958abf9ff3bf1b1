from typing import Any

def main(
    config: dict[str, Any] | None,
    profile: dict[str, Any],
    crashes: Any,
    portal: bool = True,
) -> None: ...
