from typing import Any

from plexus.readings.buffer import Buffer

from .rtc_memory import RtcMemory

def main(
    config: dict[str, Any],
    profile: dict[str, Any],
    crashes: Any,
    kept: RtcMemory,
) -> None: ...
def longest_ms(config: dict[str, Any]) -> int: ...
def restore(px: Any, kept: RtcMemory, interval_ms: int) -> None: ...
def packed(
    buffer: Buffer, kept: RtcMemory, drop: bool = True
) -> tuple[bytes | bytearray | memoryview, int]: ...
def read_once(sampler: Any, px: Any, limit_ms: int) -> None: ...
