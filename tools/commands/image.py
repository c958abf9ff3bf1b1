"""The command `python -m tools image`: one file with all that a board's flash is to hold."""

import argparse
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from tools.artifacts.firmware_image import FirmwareImage
from tools.board_link.output import Console
from tools.board_link.ports import LinkError
from tools.boards import ram
from tools.commands import settings
from tools.commands.settings import Given, Settings, SettingsError

BLOCK_BYTES = 4096
# As MicroPython configures LittleFS: the cache bounds how much of a file lies in its directory.
_LITTLEFS: dict[str, Any] = {
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
}
_DISK_VERSION = 0x00020000  # what every LittleFS 2 mounts
_FILE_SYSTEMS = ("vfs", "ffat")  # the partition's label
_DATA = 1
_ROM_CLASS = b"VfsRom"  # the name of what mounts a ROMFS, if the firmware can
_ARCHITECTURES = {
    "esp32": "xtensawin",
    "esp32s2": "xtensawin",
    "esp32s3": "xtensawin",
    "esp32c3": "rv32imc",
    "esp32c6": "rv32imc",
}
_FIRST_WITH_SUB_VERSION_3 = (1, 23)  # of .mpy files with machine code
_BAUD = 460800


class FactoryError(Exception):
    """Why there is no image; the message has the remedy."""


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "image",
        help="make one file of firmware, program and configuration",
        description="Put a MicroPython firmware file, the library, the program, the board's "
        "profile and its configuration into one file, which a single esptool command writes. "
        "With a CSV file, one for each device.",
    )
    parser.add_argument("firmware", type=Path, metavar="FIRMWARE.bin")
    settings.add_arguments(parser)
    parser.add_argument(
        "--out", type=Path, metavar="PATH", help="the file to write; with --csv a directory"
    )
    parser.add_argument(
        "--no-config", action="store_true", help="no configuration: the boards ask for it"
    )
    parser.add_argument("--bytecode", action="store_true", help="without machine code; slower")
    ram.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from tools.artifacts.firmware_image import ImageError
    from tools.artifacts.payload import PayloadError
    from tools.build import BuildError
    from tools.commands.flash import FlashError

    console = Console(options.json)
    if options.no_config and (options.csv or options.config):
        return console.failed("--no-config leaves out what --csv and --config give", 2)
    try:
        return _run(options, console)
    except (
        *(SettingsError, FactoryError, ImageError, FlashError),
        *(PayloadError, BuildError, LinkError, ram.RamError),
    ) as error:
        return console.failed(error)
    except KeyboardInterrupt:
        return console.failed("interrupted")
    except OSError as error:
        return console.failed(f"{error.filename or 'the image'}: {error.strerror or error}")


def _run(options: argparse.Namespace, console: Console) -> int:
    from tools.artifacts import payload
    from tools.artifacts.firmware_image import inspect
    from tools.commands.flash import image_info

    given = settings.given(options)
    devices = _devices(options, given)
    name = _board(given, devices)
    profile, content = payload.board(name)
    if profile["firmware"] is None:
        return console.failed(f"{name} is no board that can be written to", 2)
    if not options.no_config and not options.csv:
        if not options.json and settings.can_ask():
            given = settings.ask_missing(given, profile, None, f"{profile['mcu']}-001")
        devices = [given.complete(profile)]
    warnings = _check_ram(profile, devices, options.anyway)
    firmware = inspect(options.firmware, profile, image_info)
    start, end = file_system_place(firmware.partitions, profile["flash_mb"] << 20)
    arch = "none" if options.bytecode else _architecture(profile["mcu"], firmware.version)
    if not options.no_check:
        settings.check_keys(devices)
    # Line numbers, by which a traceback says where, are for boards with room for them.
    lines = bool(profile["psram_mb"])
    program = payload.library(arch, lines) | payload.program(arch, lines)
    rom, program = _romfs(options.firmware, firmware, program)
    files = program | {payload.BOARD: content, **_deployed(program)}
    below = _flash(options.firmware, firmware.offset, start)
    made = []
    with console.progress("writing images", len(devices) or 1) as advance:
        for device in devices or [None]:
            own = _settings(device) if device else {}
            path = _path(options, name, device)
            flash = below + file_system(files | own, (end - start) // BLOCK_BYTES)
            _store(path, _overlaid(flash, rom))
            made.append({"source_id": device and device.source_id, "file": str(path)})
            advance(1)
    # Each writes all of the flash, so nothing has to be erased before.
    command = f"esptool --chip {profile['mcu']} --baud {_BAUD} write-flash 0x0"
    for note in [*firmware.notes, *warnings]:
        console.say(note)
    for one in made:
        console.say(f"{command} {one['file']}")
    if devices:
        console.say("the files hold keys and passwords: keep them as you keep those")
    return console.done(
        board=name,
        chip=firmware.chip,
        micropython=firmware.version,
        arch=arch,
        file_system={"offset": start, "blocks": (end - start) // BLOCK_BYTES},
        romfs={"offset": rom[0], "bytes": len(rom[1])} if rom else None,
        command=command,
        images=made,
        warnings=warnings,
    )


def _check_ram(profile: dict[str, Any], devices: list[Settings], anyway: bool) -> list[str]:
    """What to tell of the board's RAM, each thing once. RamError: one does not go in there."""
    warnings = []
    for device in devices:
        where = f"line {device.line}: " if device.line else ""
        try:
            warned = ram.warning(profile, device.config, anyway)
        except ram.RamError as error:
            raise ram.RamError(f"{where}{error}") from None
        if warned and warned not in warnings:
            warnings.append(warned)
    return warnings


def _devices(options: argparse.Namespace, given: Given) -> list[Settings]:
    return settings.fleet(options.csv, given, options.start) if options.csv else []


def _board(given: Given, devices: list[Settings]) -> str:
    """What board it is: one for all, as one firmware file is for one kind."""
    boards = {device.board for device in devices} or {given.fields.get("board")}
    if len(boards) > 1 or None in boards:
        raise SettingsError("board: give one for all devices, as the firmware file is for one kind")
    (name,) = boards
    assert name
    return name


def _architecture(mcu: str, version: str | None) -> str:
    """What to compile for. FactoryError if that MicroPython would not load it."""
    from tools.board_link.device import compiler

    release = re.match(r"v?(\d+)\.(\d+)", version or "")
    if release is None:
        return _ARCHITECTURES[mcu]
    loads = 3 if (int(release[1]), int(release[2])) >= _FIRST_WITH_SUB_VERSION_3 else 2
    if compiler() != (6, loads):
        written = "{}.{}".format(*compiler())
        raise FactoryError(
            f"MicroPython {version} loads machine code of .mpy version 6.{loads}, mpy-cross writes "
            f"{written}; take a newer firmware file, or add --bytecode, which does without machine "
            "code and is about 20 times slower"
        )
    return _ARCHITECTURES[mcu]


# --- the file system --------------------------------------------------------------------------


def file_system_place(partitions: list[Any], flash_bytes: int) -> tuple[int, int]:
    """Where in the flash MicroPython has its file system: its first byte, and that after its last.

    Without a partition of its own it takes all that is behind the last one, up to the flash's end.
    """
    for part in partitions:
        if part.kind == _DATA and part.label in _FILE_SYSTEMS:
            if part.label != "vfs":
                raise FactoryError("this firmware's file system is FAT; take MicroPython's own")
            return part.offset, part.offset + part.size
    return max(part.offset + part.size for part in partitions), flash_bytes


def file_system(files: dict[str, bytes], blocks: int) -> bytes:
    """A LittleFS of exactly so many blocks, as its partition has, with these files.

    With another number MicroPython takes it for damaged. FactoryError if they do not fit.
    """
    from littlefs import LittleFS, LittleFSError

    system = LittleFS(
        block_size=BLOCK_BYTES, block_count=blocks, disk_version=_DISK_VERSION, **_LITTLEFS
    )
    try:
        for path, content in files.items():
            system.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            with system.open(path, "wb") as file:
                file.write(content)
    except LittleFSError as error:
        if error.code != LittleFSError.Error.LFS_ERR_NOSPC:
            raise
        size = sum(map(len, files.values()))
        raise FactoryError(
            f"{size // 1024} KiB of files do not fit the {blocks * BLOCK_BYTES // 1024} KiB that "
            "this board's flash has for them; take a board with more flash"
        ) from None
    system.unmount()
    return bytes(system.context.buffer)


def _deployed(program: dict[str, bytes]) -> dict[str, bytes]:
    """What deploy would have noted, so that it can bring the board up to date later."""
    from tools.board_link.target import MANIFEST

    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in program.items()}
    content = {"files": hashes, "pending": {}}
    return {MANIFEST: json.dumps(content, separators=(",", ":")).encode()}


def _settings(device: Settings) -> dict[str, bytes]:
    """The files of one device, as the board itself would write them."""
    from firmware.config import save
    from tools.artifacts.payload import CONFIG

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "plexus.json"
        save(device.config, str(path))
        # Characters as they are: of those beyond 16 bits MicroPython makes two halves of an escape.
        text = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
        files = {CONFIG: text.encode()}
    if device.ca:
        files["/" + device.config["ca_file"]] = device.ca.read_bytes()
    return files


# --- the image --------------------------------------------------------------------------------


def _flash(path: Path, offset: int, end: int) -> bytes:
    """The flash from 0 up to `end` with a firmware file at `offset`, erased around it."""
    data = path.read_bytes()
    beyond = data[end - offset :] if len(data) > end - offset else b""
    if beyond.strip(b"\xff"):
        raise FactoryError(
            f"{path.name} has something where the file system belongs: it is an image of a whole "
            "flash; take the .bin from MicroPython's page"
        )
    return b"\xff" * offset + data[: end - offset] + b"\xff" * (end - offset - len(data))


def _romfs(
    path: Path, firmware: FirmwareImage, program: dict[str, bytes]
) -> tuple[tuple[int, bytes] | None, dict[str, bytes]]:
    """The ROMFS's place in the flash with its content, and what remains for the file system.

    None if the firmware has no ROMFS, or one with something in it.
    """
    from tools.board_link import romfs

    data = path.read_bytes()
    for part in firmware.partitions:
        at = part.offset - firmware.offset
        erased = not data[at : at + part.size].strip(b"\xff")
        if part.kind == _DATA and part.label == romfs.LABEL and erased and _ROM_CLASS in data:
            inside, outside = romfs.split(program, part.size)
            if inside:
                return (part.offset, romfs.image(inside)), outside
    return None, program


def _overlaid(flash: bytes, part: tuple[int, bytes] | None) -> bytes:
    """The flash with this at its place."""
    if part is None:
        return flash
    offset, data = part
    end = offset + len(data)
    return flash[:offset].ljust(offset, b"\xff") + data + flash[end:]


def _path(options: argparse.Namespace, board: str, device: Settings | None) -> Path:
    name = f"{board}-{device.source_id}.bin" if device else f"{board}.bin"
    if options.csv:
        return (options.out or Path()) / name
    return options.out or Path(name)


def _store(path: Path, data: bytes) -> None:
    """Write a file that is nobody else's to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
