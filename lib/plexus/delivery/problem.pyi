from typing import Any, TypeAlias

from .exchange import _Bytes

# (0, step, errno or text) if no answer came, else (HTTP status, the server's message)
_Problem: TypeAlias = tuple[int, int, int | str] | tuple[int, str | bytes | None]

def problem(what: _Problem, host: str) -> str: ...
def clean(text: str, key: str) -> str: ...
def message_of(status: int, value: Any, content: _Bytes, key: str) -> str | bytes: ...
