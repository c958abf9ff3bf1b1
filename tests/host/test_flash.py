"""Writing MicroPython: the file is for the board, the chip is the board's, and what goes wrong."""

import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.__main__ import main
from tools.artifacts.firmware_image import BOOTLOADER, PARTITION_TABLE, partition_table
from tools.commands import flash

CHIP_IDS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13}
BOARDS = {
    "esp32": "esp32-devkitc-v4",
    "esp32s2": "lolin-s2-mini",
    "esp32c3": "lolin-c3-mini",
    "esp32s3": "lolin-s3-mini",
    "esp32c6": "xiao-esp32c6",
}
# Where each chip maps constants of its flash.
DATA_ADDRESS = {
    "esp32": 0x3F400020,
    "esp32s2": 0x3F000020,
    "esp32s3": 0x3C000020,
    "esp32c3": 0x3C000020,
    "esp32c6": 0x42000020,
}
APP_OFFSET = 0x10000
# Stands for esptool: image-info is the real one's, and behind the port is a chip of ours.
FAKE = """
import json, os, subprocess, sys
from pathlib import Path
arguments = sys.argv[1:]
folder = Path(__file__).parent
if "write-flash" not in arguments:
    sys.exit(subprocess.call([sys.executable, "-m", "esptool", *arguments]))
(folder / "called.json").write_text(json.dumps(arguments))
world = json.loads((folder / "chip.json").read_text())
def fail(words):
    print("ERROR: A fatal error occurred: " + words, file=sys.stderr)
    sys.exit(2)
if "fails" in world:
    fail(world["fails"])
names = {"esp32": "ESP32", "esp32c3": "ESP32-C3", "esp32s3": "ESP32-S3"}
asked = arguments[arguments.index("--chip") + 1]
if world["chip"] != asked:
    fail(f"This chip is {names[world['chip']]}, not {names[asked]}. Wrong chip argument?")
flash = bytearray(b"\\xff" * (4 << 20))
offset, data = int(arguments[-2], 16), Path(arguments[-1]).read_bytes()
flash[offset:offset + len(data)] = data
for percent in (10.0, 55.5, 100.0):
    print(f"Writing at {offset:#010x} [====>     ] {percent}% {len(data)} bytes...")
(folder / "flash.bin").write_bytes(flash)
if world.get("verifies", True):
    print("Hash of data verified.")
"""


def application(mcu: str, version: str = "v1.28.0") -> bytes:
    """An image in esptool's format, with an application's description in it."""
    described = struct.pack("<III8x32s32s176x", 0xABCD5432, 0, 0, version.encode(), b"micropython")
    described = described.ljust(256, b"\0")
    body = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40080000)
    body += struct.pack("<BBBBHBHH4xB", 0xEE, 0, 0, 0, CHIP_IDS[mcu], 0, 0, 0xFFFF, 1)
    body += struct.pack("<II", DATA_ADDRESS[mcu], len(described)) + described
    checksum = 0xEF
    for byte in described:
        checksum ^= byte
    body += bytes(15 - len(body) % 16) + bytes([checksum])
    return body + hashlib.sha256(body).digest()


def table(flash_mb: int = 4, romfs_bytes: int = 0) -> bytes:
    """A partition table as MicroPython's: the application, and the file system to the end.

    romfs_bytes: what a ROMFS takes of the application's.
    """
    entries = [
        (1, 2, 0x9000, 0x6000, b"nvs"),
        (0, 0, APP_OFFSET, 0x1F0000 - romfs_bytes, b"factory"),
        (1, 0x81, 0x200000, (flash_mb << 20) - 0x200000, b"vfs"),
    ]
    if romfs_bytes:
        entries.append((1, 0x8F, 0x200000 - romfs_bytes, romfs_bytes, b"romfs"))
    packed = [struct.pack("<HBBII16sI", 0x50AA, *entry, 0) for entry in entries]
    return b"".join(packed).ljust(0xC00, b"\xff")


Firmware = Callable[..., Path]


@pytest.fixture
def firmware(tmp_path: Path) -> Firmware:
    """Makes a firmware file, as MicroPython publishes them."""

    def make(
        mcu: str,
        name: str = "FIRMWARE.bin",
        *,
        version: str = "v1.28.0",
        flash_mb: int = 4,
        whole_flash: bool = False,
        romfs: bytes | None = None,
        romfs_bytes: int = 0,
    ) -> Path:
        parts = {
            BOOTLOADER[mcu]: application(mcu),
            PARTITION_TABLE: table(flash_mb, romfs_bytes),
            APP_OFFSET: application(mcu, version) + (b"VfsRom" if romfs_bytes else b""),
        }
        if romfs is not None:
            parts[0x200000 - romfs_bytes] = romfs
        command = [sys.executable, "-m", "esptool", "--chip", mcu, "merge-bin"]
        command += ["--output", str(tmp_path / name)]
        if not whole_flash:
            command += ["--target-offset", hex(BOOTLOADER[mcu])]
        for offset, data in parts.items():
            (tmp_path / f"{offset}.part").write_bytes(data)
            command += [hex(offset), str(tmp_path / f"{offset}.part")]
        subprocess.run(command, check=True, capture_output=True)
        return tmp_path / name

    return make


class Chip:
    """What is at the port: the arguments that it was written with, and its flash after that."""

    def __init__(self, folder: Path):
        self._folder = folder
        (folder / "esptool.py").write_text(FAKE)

    def is_a(self, chip: str, **world: object) -> None:
        (self._folder / "chip.json").write_text(json.dumps({"chip": chip, **world}))

    @property
    def called(self) -> list[str] | None:
        path = self._folder / "called.json"
        return json.loads(path.read_text()) if path.exists() else None

    @property
    def flash(self) -> bytes:
        return (self._folder / "flash.bin").read_bytes()


@pytest.fixture
def chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chip:
    folder = tmp_path / "chip"
    folder.mkdir()
    chip = Chip(folder)
    chip.is_a("esp32")
    monkeypatch.setattr(flash, "ESPTOOL", (sys.executable, str(folder / "esptool.py")))
    return chip


def run(*arguments: object) -> int:
    return main(["flash", "--port", "/dev/ttyUSB9", *map(str, arguments)])


# --- what is written ------------------------------------------------------------------------


@pytest.mark.parametrize(("mcu", "offset"), [("esp32", 0x1000), ("esp32c3", 0)])
def test_file_is_written_where_the_chip_looks_for_it(
    mcu: str, offset: int, firmware: Firmware, chip: Chip
) -> None:
    chip.is_a(mcu)
    path = firmware(mcu)
    assert run("--board", BOARDS[mcu], path) == 0
    assert chip.flash[offset : offset + path.stat().st_size] == path.read_bytes()


def test_flash_is_erased_and_the_chip_is_named_to_esptool(firmware: Firmware, chip: Chip) -> None:
    path = firmware("esp32")
    assert run("--board", BOARDS["esp32"], "--baud", 9600, path) == 0
    assert chip.called == [
        *("--chip", "esp32", "--port", "/dev/ttyUSB9", "--baud", "9600"),
        *("write-flash", "--erase-all", "0x1000", str(path)),
    ]


def test_image_of_all_the_flash_is_written_from_its_beginning(
    firmware: Firmware, chip: Chip
) -> None:
    path = firmware("esp32", whole_flash=True)
    assert run("--board", BOARDS["esp32"], path) == 0
    assert chip.called[-2] == "0x0"


def test_json_has_what_was_written(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32")
    assert run("--board", BOARDS["esp32"], "--json", path) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "ok": True,
        "board": BOARDS["esp32"],
        "port": "/dev/ttyUSB9",
        "firmware": str(path),
        "chip": "ESP32",
        "offset": 0x1000,
        "version": "v1.28.0",
        "notes": [],
    }


def test_progress_is_what_esptool_says() -> None:
    seen: list[float] = []
    came = flash._Percents(seen.append)
    for line in ("Connecting...", "[==>   ]  10.0% 5/50", "[==>   ]  55.5%", "[=====] 100.0%"):
        came(line)
    assert seen == [10.0, 45.5, 44.5]


# --- the file -------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], chip: Chip, *arguments: object) -> str:
    """The error of what has to be refused before the chip is touched."""
    assert run(*arguments) == 1
    assert chip.called is None
    return capsys.readouterr().err


@pytest.mark.parametrize("mcu", CHIP_IDS)
def test_real_esptool_tells_the_chip_of_a_file(
    mcu: str, firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "esp32" if mcu != "esp32" else "esp32c3"
    name = flash.image_info(firmware(mcu)).split("Detected image type: ")[1].split()[0]
    said = refused(capsys, chip, "--board", BOARDS[other], firmware(mcu))
    assert f"is for {name}, and {BOARDS[other]} has an" in said


def test_application_alone_is_refused(
    tmp_path: Path, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "X.app-bin"
    path.write_bytes(application("esp32"))
    assert "no partition table" in refused(capsys, chip, "--board", BOARDS["esp32"], path)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no firmware", b"\xff" * 5000])
def test_file_that_is_no_firmware_is_refused(
    content: bytes, tmp_path: Path, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    assert "no bootloader" in refused(capsys, chip, "--board", BOARDS["esp32"], path)


def test_file_for_the_beginning_of_another_chips_flash_is_refused(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32", whole_flash=True)
    assert "no firmware for an ESP32-C3" in refused(
        capsys, chip, "--board", BOARDS["esp32c3"], path
    )


@pytest.mark.parametrize("left", [100, 20])
def test_file_that_is_cut_off_is_refused(
    left: int, firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32")
    path.write_bytes(path.read_bytes()[: APP_OFFSET - 0x1000 + left])
    refused(capsys, chip, "--board", BOARDS["esp32"], path)


def test_file_whose_application_is_missing_is_refused(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32")
    path.write_bytes(path.read_bytes()[: APP_OFFSET - 0x1000])
    assert "cut off" in refused(capsys, chip, "--board", BOARDS["esp32"], path)


def test_damaged_file_is_refused(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32")
    data = bytearray(path.read_bytes())
    data[APP_OFFSET - 0x1000 + 200] ^= 1
    path.write_bytes(data)
    assert "checksum" in refused(capsys, chip, "--board", BOARDS["esp32"], path)


def test_file_for_more_flash_is_refused(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32", flash_mb=8)
    said = refused(capsys, chip, "--board", BOARDS["esp32"], path)
    assert "laid out for 8 MiB" in said


def test_file_that_is_too_old_is_refused(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32", version="v1.19.1")
    assert "v1.19.1" in refused(capsys, chip, "--board", BOARDS["esp32"], path)


def test_file_that_is_not_there_is_named(chip: Chip, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing.bin" in refused(capsys, chip, "--board", BOARDS["esp32"], "nothing.bin")


def test_name_of_another_variant_is_noted(
    firmware: Firmware, chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    path = firmware("esp32", "ESP32_GENERIC-20260829-v1.29.0.bin")
    assert run("--board", "ttgo-t-beam", path) == 0
    assert "is ESP32_GENERIC-SPIRAM" in capsys.readouterr().out


def test_table_ends_where_its_magic_does() -> None:
    assert [part.label for part in partition_table(table())] == ["nvs", "factory", "vfs"]
    assert partition_table(b"\xff" * 64) == []


@pytest.mark.parametrize(
    ("board", "file"),
    [
        ("lolin-c3-mini", "LOLIN_C3_MINI-<date>"),
        ("ttgo-t-beam", "ESP32_GENERIC-SPIRAM-<date>"),
    ],
)
def test_without_a_file_the_right_one_is_named(
    board: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--board", board) == 2
    said = capsys.readouterr().err
    assert file in said
    assert f"https://micropython.org/download/{file.split('-')[0]}/" in said


def test_board_without_a_firmware_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--board", "simulated", "x.bin") == 2
    assert "simulated" in capsys.readouterr().err


# --- the chip -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ({"chip": "esp32c3"}, "another board: its chip is ESP32-C3"),
        ({"fails": "Failed to connect to ESP32: No serial data received."}, "BOOT button"),
        ({"fails": "The chip stopped responding."}, "the connection broke off"),
        ({"fails": "MD5 of file does not match data in flash!"}, "not what was written"),
        ({"verifies": False}, "did not verify"),
    ],
)
def test_what_goes_wrong_at_the_chip_has_a_remedy(
    world: dict[str, object],
    words: str,
    firmware: Firmware,
    chip: Chip,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chip.is_a(**{"chip": "esp32", **world})
    assert run("--board", BOARDS["esp32"], firmware("esp32")) == 1
    assert words.lower() in capsys.readouterr().err.lower()


def test_port_that_is_not_there_is_named_by_real_esptool(
    firmware: Firmware, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--board", BOARDS["esp32"], firmware("esp32")) == 1
    said = capsys.readouterr().err
    assert "/dev/ttyUSB9" in said
    assert "no program uses it" in said
