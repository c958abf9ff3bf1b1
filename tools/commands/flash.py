"""The command `python -m tools flash`: write a MicroPython firmware file to a board."""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.board_link.output import Console
from tools.board_link.ports import LinkError, find_port

ESPTOOL = (sys.executable, "-m", "esptool")
BAUD = 460800
# What esptool ends with, by what a person can do about it.
_REMEDIES = (
    (
        r"Failed to connect|No serial data received|Wrong boot mode",
        "the chip's loader does not answer; hold the board's BOOT button, press and release RESET, "
        "let go of BOOT, and start again",
    ),
    (r"This chip is (\S+), not", "this is another board: its chip is {0}"),
    (r"port is busy or doesn't exist", "see that the board is connected and no program uses it"),
    (r"will not fit", "the board has less flash than its profile says; take a smaller image"),
    (
        r"chip stopped responding|Serial data stream stopped|device disconnected|ClearCommError",
        "the connection broke off; start again, with a shorter or better cable or --baud 115200. "
        "The board does not run until it has been written whole",
    ),
    (
        r"MD5 of file does not match|flash region is empty|Verification failed",
        "what is in the flash is not what was written; start again with --baud 115200, and if that "
        "changes nothing the flash is worn out",
    ),
)


class FlashError(Exception):
    """Why the board was not written; the message has the remedy."""


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "flash",
        help="write a MicroPython firmware file to a board",
        description="Check that a firmware file is for this board, erase all of the board's flash, "
        "write the file, and verify it. Without a file it says which one to get.",
    )
    parser.add_argument("--port", help="serial port (default: the only one there is)")
    parser.add_argument(
        "--board", required=True, metavar="NAME", help="what board it is: a file of boards/"
    )
    parser.add_argument("firmware", nargs="?", type=Path, metavar="FIRMWARE.bin")
    parser.add_argument(
        "--baud", type=int, default=BAUD, help="lower it if writing fails (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from tools.artifacts import payload
    from tools.artifacts.firmware_image import ImageError, inspect

    console = Console(options.json)
    facts: dict[str, Any] = {"board": options.board}
    try:
        profile, _ = payload.board(options.board)
        if profile["firmware"] is None:
            return console.failed(f"{options.board} is no board that can be written to", 2)
        if options.firmware is None:
            return console.failed(f"which file? {which_file(profile)}", 2, **facts)
        image = inspect(options.firmware, profile, image_info)
        port = find_port(options.port)
        facts.update(
            port=port,
            firmware=str(options.firmware),
            chip=image.chip,
            offset=image.offset,
            version=image.version,
            notes=image.notes,
        )
        console.say(
            f"{port}: erasing the flash, then writing {options.firmware.name} "
            f"({image.version or 'of unknown version'}, {image.size / 1e6:.1f} MB) "
            f"at {image.offset:#x}"
        )
        for note in image.notes:
            console.say(note)
        with console.progress("writing", 100) as advance:
            write(port, profile["mcu"], image.offset, options.firmware, options.baud, advance)
    except (LinkError, FlashError, ImageError, payload.PayloadError) as error:
        return console.failed(error, **facts)
    console.say(
        f"written and verified; next: python -m tools deploy --port {port} --board {options.board}"
    )
    return console.done(**facts)


def which_file(profile: dict[str, Any]) -> str:
    """The firmware file for a board, and where MicroPython publishes it."""
    name, variant = profile["firmware"], profile.get("firmware_variant")
    name_part = f"{name}-{variant}" if variant else name
    return (
        f"{profile['title']} takes the newest {name_part}-<date>-v<version>.bin from "
        f"https://micropython.org/download/{name}/ (the one for installing, .bin; not .app-bin)"
    )


def image_info(path: Path) -> str:
    """What esptool says of an image file. FlashError if it is none."""
    try:
        return _esptool(["image-info", str(path)])
    except FlashError as error:
        raise FlashError(f"{path.name} is no ESP32 image: {error}") from None


def write(
    port: str,
    mcu: str,
    offset: int,
    path: Path,
    baud: int,
    advance: Callable[[float], None] = lambda percent: None,
) -> None:
    """Erase a chip's flash, write a file at `offset`, and have the chip verify it.

    One run of esptool, as a chip with USB of its own may not come back to its loader for a second
    one; it refuses another chip than `mcu` before it erases anything.
    """
    said = _esptool(
        [
            *("--chip", mcu, "--port", port, "--baud", str(baud)),
            *("write-flash", "--erase-all", f"{offset:#x}", str(path)),
        ],
        _Percents(advance),
    )
    if "Hash of data verified." not in said:
        raise FlashError(
            "esptool did not verify what it wrote; is the chip in its secure download mode?"
        )


class _Percents:
    """Gives the progress in esptool's lines on."""

    def __init__(self, advance: Callable[[float], None]):
        self._advance = advance
        self._at = 0.0

    def __call__(self, line: str) -> None:
        found = re.search(r"(\d+(?:\.\d+)?)\s?%", line)
        if found and float(found[1]) > self._at:
            self._advance(float(found[1]) - self._at)
            self._at = float(found[1])


def _esptool(arguments: list[str], line_came: Callable[[str], None] = lambda line: None) -> str:
    """Run esptool; returns what it said. FlashError with its reason and a remedy."""
    with subprocess.Popen(
        [*ESPTOOL, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                line_came(line)
        except KeyboardInterrupt:
            process.terminate()
            raise
    said = "".join(lines)
    if process.returncode == 0:
        return said
    if "No module named esptool" in said:
        raise FlashError("esptool is not installed here; run make setup")
    reason = re.search(r"fatal error occurred: (.*)", said)
    words = reason[1].strip() if reason else (lines[-1].strip() if lines else "nothing said")
    for pattern, remedy in _REMEDIES:
        found = re.search(pattern, said, re.IGNORECASE)
        if found:
            words = f"{words}\n{remedy.format(*found.groups())}"
            break
    raise FlashError(f"esptool: {words}")
