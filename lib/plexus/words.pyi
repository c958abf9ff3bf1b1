from typing import TypeAlias

from .client import Plexus
from .delivery import Delivery

# (0, step, errno or text) if no answer came, else (HTTP status, the server's message)
_Problem: TypeAlias = tuple[int, str, int | str] | tuple[int, str | None]

def explain(reason: object) -> str | None: ...
def problem(what: _Problem, host: str) -> str: ...
def status(
    px: Plexus,
    delivery: Delivery,
    wait_ms: int,
    clock_problem: str,
    verified: bool,
    host: str,
) -> str: ...
