from typing import TypeAlias

# (0, step, errno or text) if no answer came, else (HTTP status, the server's message)
_Problem: TypeAlias = tuple[int, int, int | str] | tuple[int, str | None]

def problem(what: _Problem, host: str) -> str: ...
