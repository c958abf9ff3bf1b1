from collections.abc import Callable
from typing import Any

def call(what: str, function: Callable[..., Any], *arguments: Any) -> Any: ...
