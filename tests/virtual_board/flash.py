"""The flash of a board: where its file system lies, and what is in it (LittleFS 2)."""

from pathlib import Path

import littlefs

BLOCK_SIZE = 4096
FILE_SYSTEM_OFFSET = 0x200000  # MicroPython's partition table for ESP32, from there to the end


def block_count(flash_mb: int) -> int:
    return (flash_mb * 0x100000 - FILE_SYSTEM_OFFSET) // BLOCK_SIZE


def erased(flash_mb: int) -> bytes:
    return b"\xff" * (block_count(flash_mb) * BLOCK_SIZE)


def files(image: bytes) -> dict[str, bytes]:
    """The files of a file system's image by their path, "/lib/a.py"."""
    system = _mounted(image)
    found = {}
    for directory, _, names in system.walk("/"):
        for name in names:
            path = f"{directory.rstrip('/')}/{name}"
            with system.open(path, "rb") as file:
                found[path] = file.read()
    return found


def with_files(image: bytes, contents: dict[str, bytes]) -> bytes:
    """The image with these files written or replaced; an erased one is formatted first."""
    system = _mounted(image)
    for path, content in contents.items():
        system.makedirs(str(Path(path).parent), exist_ok=True)
        with system.open(path, "wb") as file:
            file.write(content)
    return bytes(system.context.buffer)


def _mounted(image: bytes) -> littlefs.LittleFS:
    system = littlefs.LittleFS(
        block_size=BLOCK_SIZE, block_count=len(image) // BLOCK_SIZE, mount=False
    )
    system.context.buffer = bytearray(image)
    if not image.strip(b"\xff"):
        system.format()
    system.mount()
    return system
