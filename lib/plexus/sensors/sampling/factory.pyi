from typing import Any

class DriverFactory:
    def __init__(
        self,
        driver: Any,
        arguments: tuple[Any, ...] = (),
        options: dict[str, Any] | None = None,
        wired: tuple[str, ...] = (),
    ) -> None: ...
    def __call__(self, **changed: Any) -> Any: ...
