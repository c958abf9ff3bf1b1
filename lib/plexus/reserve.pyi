from typing import Final

NONE: Final = 0
CONNECTED: Final = 14336
IDLE: Final = 43008
START: Final = 51200
RING: Final = 62464
BEFORE_WIFI: Final = 92160

HEAP_DATA: int | None

def free() -> tuple[int, int] | None: ...
def left() -> int | None: ...
def keep(size: int) -> int: ...
def hold(size: int) -> None: ...
