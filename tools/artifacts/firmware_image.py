"""A MicroPython firmware file: is it whole, and is it for this board?"""

import re
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.boards.firmware import IMAGES

# Where the chip looks for its second-stage bootloader (esptool, BOOTLOADER_FLASH_OFFSET).
BOOTLOADER = {"esp32": 0x1000, "esp32s2": 0x1000, "esp32s3": 0, "esp32c3": 0, "esp32c6": 0}
PARTITION_TABLE = 0x8000
_TABLE_BYTES = 0xC00
_IMAGE_MAGIC = 0xE9
_ENTRY = struct.Struct("<HBBII16sI")  # ESP-IDF, "Partition Tables": one entry
_ENTRY_MAGIC = 0x50AA
_OLDEST = (1, 22)


class ImageError(Exception):
    """Why a file is not to be written to this board; the message has the remedy."""


@dataclass(frozen=True)
class Partition:
    """One entry of the partition table; offset and size in bytes of flash."""

    label: str
    kind: int
    subtype: int
    offset: int
    size: int


@dataclass(frozen=True)
class FirmwareImage:
    """A file that fits a board. offset: where in the flash it begins; version: as it says."""

    chip: str
    offset: int
    size: int
    version: str | None
    partitions: list[Partition]
    notes: list[str] = field(default_factory=list)


def chip_name(mcu: str) -> str:
    """The chip family as esptool writes it: ESP32-C3 for esp32c3."""
    return "ESP32" + (f"-{mcu[5:].upper()}" if mcu[5:] else "")


def inspect(
    path: Path, profile: dict[str, Any], image_info: Callable[[Path], str]
) -> FirmwareImage:
    """Look into a file. ImageError if it is not a whole firmware for a board's chip and flash.

    image_info: gives what `esptool image-info` says of a file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from None
    mcu = profile["mcu"]
    offset = _offset(path, data, mcu)
    start = BOOTLOADER[mcu] - offset
    chip = _chip(_info(path, data[start : PARTITION_TABLE - offset], image_info))
    if chip != chip_name(mcu):
        raise ImageError(
            f"{path.name} is for {chip}, and {profile['name']} has an {chip_name(mcu)}; take "
            f"{profile['firmware']} from https://micropython.org/download/{profile['firmware']}/"
        )
    partitions = partition_table(data[PARTITION_TABLE - offset :][:_TABLE_BYTES])
    if not partitions:
        raise ImageError(
            f"{path.name} has no partition table at {PARTITION_TABLE:#x}: it is not a whole "
            "firmware; take the .bin from MicroPython's page, not the .app-bin"
        )
    end = max(part.offset + part.size for part in partitions)
    if end > profile["flash_mb"] << 20 or offset + len(data) > profile["flash_mb"] << 20:
        raise ImageError(
            f"{path.name} is laid out for {-(-end >> 20)} MiB of flash, and {profile['name']} has "
            f"{profile['flash_mb']}; take an image for less"
        )
    version = _version(path, data, offset, partitions, image_info)
    return FirmwareImage(chip, offset, len(data), version, partitions, _notes(path, profile))


def partition_table(data: bytes) -> list[Partition]:
    """The entries of a partition table; none if this is not one."""
    found = []
    for at in range(0, len(data) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, subtype, offset, size, label, _ = _ENTRY.unpack_from(data, at)
        if magic != _ENTRY_MAGIC:
            break
        name = label.split(b"\0")[0].decode("ascii", "replace")
        found.append(Partition(name, kind, subtype, offset, size))
    return found


def _offset(path: Path, data: bytes, mcu: str) -> int:
    """Where a file begins in flash: at the bootloader, or, an image of all the flash, at 0."""
    bootloader = BOOTLOADER[mcu]
    if data[:1] == bytes([_IMAGE_MAGIC]):
        return bootloader
    erased = not data[:bootloader].strip(b"\xff")
    if bootloader and erased and data[bootloader : bootloader + 1] == bytes([_IMAGE_MAGIC]):
        return 0
    raise ImageError(
        f"{path.name} is no firmware for an {chip_name(mcu)}: no bootloader at its beginning; "
        "take a .bin from MicroPython's page"
    )


def _info(path: Path, part: bytes, image_info: Callable[[Path], str]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / path.name
        file.write_bytes(part)
        return image_info(file)


def _chip(said: str) -> str:
    # Of an unknown chip ID esptool makes an ESP8266, without an ID.
    found = re.search(r"^Chip ID: \d+ \((.+)\)$", said, re.MULTILINE)
    return found[1] if found else "another chip"


def _version(
    path: Path,
    data: bytes,
    offset: int,
    partitions: list[Partition],
    image_info: Callable[[Path], str],
) -> str | None:
    """The version that the application in a firmware gives. ImageError if it is cut off or old."""
    app = next((part for part in partitions if part.kind == 0), None)
    if app is None or data[app.offset - offset :][:1] != bytes([_IMAGE_MAGIC]):
        raise ImageError(f"{path.name} has no application in it: it is cut off; get it again")
    said = _info(path, data[app.offset - offset :][: app.size], image_info)
    if re.search(r"(Checksum|hash): \S+ \(invalid", said):
        raise ImageError(f"{path.name} is damaged or cut off: its checksum is wrong; get it again")
    found = re.search(r"^App version: (\S+)$", said, re.MULTILINE)
    if found is None:
        return None
    release = re.match(r"v?(\d+)\.(\d+)", found[1])
    if release and (int(release[1]), int(release[2])) < _OLDEST:
        raise ImageError(
            f"{path.name} is MicroPython {found[1]}; {_OLDEST[0]}.{_OLDEST[1]} is needed at least, "
            "take the newest"
        )
    return found[1]


def _notes(path: Path, profile: dict[str, Any]) -> list[str]:
    """What may be wrong, by the name that MicroPython gives its files."""
    name, variant = profile["firmware"], profile.get("firmware_variant")
    wanted = f"{name}-{variant}" if variant else name
    given = re.match(r"(.+?)-\d{8}-", path.name)
    if given is None or given[1] == wanted or given[1].split("-")[0] not in IMAGES:
        return []
    return [f"the file is {given[1]}; the image made for {profile['name']} is {wanted}"]
