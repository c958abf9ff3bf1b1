from collections.abc import Container
from typing import Any, NamedTuple

class Found(NamedTuple):
    address: int
    driver: str | None
    chip: str | None
    candidates: tuple[str, ...]

def scan(bus: Any, occupied: Container[int] = ()) -> list[Found]: ...
def driver_names() -> list[str]: ...
