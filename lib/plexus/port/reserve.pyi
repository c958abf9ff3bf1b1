from typing import Final

NONE: Final = 0
CONNECTED: Final = 14336
REACHING: Final = 30720
IDLE: Final = 43008
START: Final = 51200
RING: Final = 62464
BEFORE_WIFI: Final = 92160
PLAIN: Final = 12288

HEAP_DATA: int | None

def free() -> tuple[int, int] | None: ...
def shortage() -> tuple[int, int] | None: ...
def without_tls(is_so: bool) -> None: ...
def keep(size: int) -> int: ...
def hold(size: int) -> None: ...
