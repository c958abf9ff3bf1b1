"""Factory images: what is in them and where, and a board that starts from one."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.commands import KEY, PASSWORD, SETTINGS, Outcome, Run, options
from tests.fixtures.server import ServerView
from tests.fixtures.virtual_board import Boards
from tests.host import test_flash
from tests.host.test_flash import APP_OFFSET, BOARDS, Firmware
from tests.virtual_board import flash
from tools.__main__ import main
from tools.artifacts import payload
from tools.artifacts.firmware_image import BOOTLOADER, Partition
from tools.board_link import romfs, target
from tools.board_link.repl import BoardLink
from tools.commands import image
from tools.mock_server import MockServer

pytestmark = pytest.mark.usefixtures("no_settings")

MIB = 1 << 20

firmware = test_flash.firmware  # the fixture


@pytest.fixture
def whole() -> None:
    """Asks for all files to be in the image."""


@pytest.fixture(autouse=True)
def few_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of files in place of the program."""
    if "whole" not in request.fixturenames:
        monkeypatch.setattr(
            payload, "library", lambda arch, lines=True: {"/lib/plexus/a.mpy": arch.encode()}
        )
        monkeypatch.setattr(
            payload, "program", lambda arch, lines=True: {"/main.py": b"print('here')\n"}
        )


@pytest.fixture
def make(command: Run) -> Run:
    """Runs the command for a firmware file with settings that will do."""

    def make(path: Path, *arguments: object, mcu: str = "esp32", **fields: str | None) -> Outcome:
        given = SETTINGS | {"board": BOARDS[mcu]} | fields
        words = [argument for argument in arguments if argument != "--check"]
        if "--check" not in arguments:
            words.append("--no-check")
        return command("image", path, "--json", *options(given), *words)

    return make


def system(path: Path, flash_mb: int = 4) -> bytes:
    """The file system's part of an image."""
    data = path.read_bytes()
    assert len(data) == flash_mb * MIB
    return data[flash.FILE_SYSTEM_OFFSET :]


# --- one image --------------------------------------------------------------------------------


@pytest.mark.parametrize("mcu", ["esp32", "esp32c3"])
def test_image_is_what_esptool_would_merge(
    mcu: str, firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    path, out = firmware(mcu), tmp_path / "out.bin"
    assert make(path, "--out", out, mcu=mcu).status == 0
    (tmp_path / "vfs").write_bytes(system(out))
    merged = tmp_path / "merged.bin"
    command = [sys.executable, "-m", "esptool", "--chip", mcu, "merge-bin", "--pad-to-size", "4MB"]
    command += ["--output", str(merged), hex(BOOTLOADER[mcu]), str(path)]
    subprocess.run([*command, "0x200000", str(tmp_path / "vfs")], check=True, capture_output=True)
    assert merged.read_bytes() == out.read_bytes()


def test_application_in_the_image_is_whole_for_esptool(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out, app = tmp_path / "out.bin", tmp_path / "app.bin"
    make(firmware("esp32"), "--out", out)
    app.write_bytes(out.read_bytes()[APP_OFFSET:0x200000])
    command = [sys.executable, "-m", "esptool", "image-info", str(app)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.search(r"hash: \S+ \(valid\)", said)


def test_file_system_has_program_settings_and_list(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out.bin"
    outcome = make(firmware("esp32"), "--out", out)
    found = flash.files(system(out))
    assert found.keys() == {
        *("/lib/plexus/a.mpy", "/main.py", "/board.json", "/plexus.json", target.MANIFEST)
    }
    assert found["/lib/plexus/a.mpy"] == b"xtensawin"
    assert json.loads(found["/board.json"])["name"] == BOARDS["esp32"]
    assert json.loads(found["/plexus.json"]) == {
        "api_key": KEY,
        "source_id": "dev-1",
        "wifi": [{"ssid": "home", "password": PASSWORD}],
    }
    listed = json.loads(found[target.MANIFEST])
    assert listed["files"].keys() == {"/lib/plexus/a.mpy", "/main.py"}
    assert outcome.said["file_system"] == {"offset": 0x200000, "blocks": 512}


def test_characters_beyond_16_bits_are_in_the_image_as_they_are(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out.bin"
    make(firmware("esp32"), "--out", out, wifi_ssid="caf\xe9 \U0001f4f6")
    assert "caf\xe9 \U0001f4f6".encode() in flash.files(system(out))["/plexus.json"]


@pytest.mark.parametrize(("mcu", "arch"), [("esp32s3", "xtensawin"), ("esp32c6", "rv32imc")])
def test_program_is_compiled_for_the_chip(
    mcu: str, arch: str, firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out.bin"
    outcome = make(firmware(mcu), "--out", out, mcu=mcu)
    assert (outcome.said["arch"], flash.files(system(out))["/lib/plexus/a.mpy"]) == (
        arch,
        arch.encode(),
    )


def test_one_command_writes_the_image(
    firmware: Firmware, make: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.bin"
    make(firmware("esp32"), "--out", out)
    words = ["image", str(tmp_path / "FIRMWARE.bin"), "--no-config", "--board", BOARDS["esp32"]]
    assert main([*words, "--out", str(out)]) == 0
    line = f"esptool --chip esp32 --baud 460800 write-flash 0x0 {out}\n"
    assert line in capsys.readouterr().out


def test_image_without_configuration_leaves_it_out(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out.bin"
    nothing: dict[str, Any] = dict.fromkeys(("wifi_ssid", "wifi_password", "api_key", "source_id"))
    assert make(firmware("esp32"), "--out", out, "--no-config", **nothing).status == 0
    assert "/plexus.json" not in flash.files(system(out))


def test_certificate_is_in_the_image(firmware: Firmware, make: Run, tmp_path: Path) -> None:
    ca, out = tmp_path / "root.pem", tmp_path / "out.bin"
    ca.write_text("a certificate")
    make(firmware("esp32"), "--out", out, "--ca", ca)
    found = flash.files(system(out))
    assert json.loads(found["/plexus.json"])["ca_file"] == "ca.pem"
    assert found["/ca.pem"] == b"a certificate"


def test_image_is_nobody_elses_to_read(firmware: Firmware, make: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.bin"
    out.write_bytes(b"")
    out.chmod(0o644)
    make(firmware("esp32"), "--out", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_image_of_a_whole_flash_may_be_erased_behind_the_firmware(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    path, out = firmware("esp32", whole_flash=True), tmp_path / "out.bin"
    path.write_bytes(path.read_bytes().ljust(4 * MIB, b"\xff"))
    assert make(path, "--out", out).status == 0
    flash.files(system(out))


def test_secrets_are_not_printed(firmware: Firmware, make: Run, tmp_path: Path) -> None:
    printed = make(firmware("esp32"), "--out", tmp_path / "out.bin").printed
    assert KEY not in printed
    assert PASSWORD not in printed


# --- refusals ---------------------------------------------------------------------------------


def test_something_in_the_file_systems_place_is_refused(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    path = firmware("esp32", whole_flash=True)
    path.write_bytes(path.read_bytes().ljust(3 * MIB, b"\xff") + b"files")
    outcome = make(path, "--out", tmp_path / "out.bin")
    assert outcome.status == 1
    assert "image of a whole flash" in outcome.said["error"]
    assert not (tmp_path / "out.bin").exists()


def test_machine_code_that_the_firmware_does_not_load_is_refused(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    path = firmware("esp32", version="v1.22.2")
    outcome = make(path, "--out", tmp_path / "out.bin")
    assert outcome.status == 1
    assert "loads machine code of .mpy version 6.2, mpy-cross writes 6.3" in outcome.said["error"]
    assert make(path, "--out", tmp_path / "out.bin", "--bytecode").said["arch"] == "none"


def test_more_files_than_fit_are_refused(
    firmware: Firmware, make: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "program", lambda arch, lines=True: {"/big": bytes(2 * MIB)})
    outcome = make(firmware("esp32"), "--out", tmp_path / "out.bin")
    assert outcome.status == 1
    assert "2048 KiB of files do not fit the 2048 KiB" in outcome.said["error"]


def test_configuration_that_does_not_fit_the_boards_ram_makes_no_image(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out, config = tmp_path / "out.bin", tmp_path / "config.json"
    config.write_text(json.dumps({"ring_bytes": 200_000}))
    refused = make(firmware("esp32"), "--out", out, "--config", config)
    assert refused.status == 1
    assert "ring_bytes: 200000 leaves" in refused.said["error"]
    assert not out.exists()
    wanted = make(firmware("esp32"), "--out", out, "--config", config, "--anyway")
    assert wanted.status == 0
    assert ["ring_bytes: 200000 leaves" in text for text in wanted.said["warnings"]] == [True]
    assert out.exists()


def test_key_that_the_server_refuses_makes_no_image(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    with MockServer(api_keys=["plx_another"]) as server:
        url = server.url + "/api/ingest"
        out = tmp_path / "out.bin"
        outcome = make(firmware("esp32"), "--check", "--out", out, endpoint=url)
    assert outcome.status == 1
    assert "(401)" in outcome.said["error"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"board": None}, "board: give one"),
        ({"board": "esp33"}, "no board is called"),
        ({"board": "lolin-c3-mini"}, "is for ESP32, and lolin-c3-mini has an ESP32-C3"),
        ({"source_id": None}, "source_id: missing"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    fields: dict[str, Any], words: str, firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    outcome = make(firmware("esp32"), "--out", tmp_path / "out.bin", **fields)
    assert outcome.status == 1
    assert words in outcome.said["error"]


def test_directory_that_cannot_be_written_is_named(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    outcome = make(firmware("esp32"), "--out", tmp_path / "file" / "out.bin")
    assert outcome.status == 1
    assert str(tmp_path / "file") in outcome.said["error"]


# --- ROMFS ------------------------------------------------------------------------------------


def test_modules_go_into_the_romfs_of_the_firmware(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out.bin"
    outcome = make(firmware("esp32", romfs_bytes=0x20000), "--out", out)
    assert outcome.status == 0, outcome.printed
    content = romfs.image({"/lib/plexus/a.mpy": b"xtensawin"})
    assert outcome.said["romfs"] == {"offset": 0x1E0000, "bytes": len(content)}
    data = out.read_bytes()
    assert data[0x1E0000 : 0x1E0000 + len(content)] == content
    assert not data[0x1E0000 + len(content) : 0x200000].strip(b"\xff")
    found = flash.files(system(out))
    assert "/main.py" in found
    assert "/lib/plexus/a.mpy" not in found
    assert json.loads(found[target.MANIFEST])["files"].keys() == {"/main.py"}


def test_firmware_without_the_class_for_it_has_no_romfs(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    path, out = firmware("esp32", romfs_bytes=0x20000), tmp_path / "out.bin"
    path.write_bytes(path.read_bytes().replace(b"VfsRom", b"VfsFat"))
    assert make(path, "--out", out).said["romfs"] is None
    assert "/lib/plexus/a.mpy" in flash.files(system(out))


def test_romfs_with_something_in_it_is_left_alone(
    firmware: Firmware, make: Run, tmp_path: Path
) -> None:
    out, mine = tmp_path / "out.bin", b"\xd2\xcd1\x00"
    outcome = make(firmware("esp32", romfs_bytes=0x20000, romfs=mine), "--out", out)
    assert outcome.said["romfs"] is None
    assert out.read_bytes()[0x1E0000:][:4] == mine
    assert "/lib/plexus/a.mpy" in flash.files(system(out))


def test_board_starts_its_program_from_the_romfs_of_the_image(
    firmware: Firmware, make: Run, virtual_board: Boards, tmp_path: Path, whole: None
) -> None:
    out, size = tmp_path / "out.bin", 0x60000
    outcome = make(firmware("esp32", romfs_bytes=size), "--out", out, "--no-config", "--bytecode")
    assert outcome.status == 0, outcome.printed
    directory = tmp_path / "board1"
    directory.mkdir()
    (directory / "rom.img").write_bytes(out.read_bytes()[0x200000 - size : 0x200000])
    board = virtual_board(filesystem=system(out), romfs_bytes=size, heap="1M")
    with BoardLink(board.port) as link:
        link.clean()
        said = link.exec("import firmware.atomic_json,plexus\nprint(plexus.__file__)")
    assert said == "/rom/lib/plexus/__init__.mpy\n"


# --- where the file system is -----------------------------------------------------------------


def test_file_system_has_its_partition() -> None:
    app = Partition("factory", 0, 0, 0x10000, 0x1F0000)
    vfs = Partition("vfs", 1, 0x81, 0x310000, 0xF0000)
    assert image.file_system_place([app, vfs], 16 * MIB) == (0x310000, 0x400000)


def test_file_system_without_partition_is_behind_the_last_up_to_the_end() -> None:
    app = Partition("factory", 0, 0, 0x10000, 0x1F0000)
    assert image.file_system_place([app], 16 * MIB) == (0x200000, 16 * MIB)


# --- a fleet ----------------------------------------------------------------------------------


def test_each_device_of_a_file_has_an_image(firmware: Firmware, make: Run, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("source_id,wifi_ssid\na-1,one\na-2,two\n")
    out = tmp_path / "images"
    outcome = make(firmware("esp32"), "--csv", path, "--out", out)
    assert outcome.status == 0, outcome.printed
    assert [one["source_id"] for one in outcome.said["images"]] == ["a-1", "a-2"]
    for name, ssid in (("a-1", "one"), ("a-2", "two")):
        found = flash.files(system(out / f"{BOARDS['esp32']}-{name}.bin"))
        configuration = json.loads(found["/plexus.json"])
        assert configuration["source_id"] == name
        assert configuration["wifi"] == [{"ssid": ssid}]
        assert configuration["api_key"] == KEY


def test_devices_of_a_file_are_of_one_board(firmware: Firmware, make: Run, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("source_id,board\na-1,\na-2,lolin-c3-mini\n")
    outcome = make(firmware("esp32"), "--csv", path)
    assert outcome.status == 1
    assert "one for all devices" in outcome.said["error"]


# --- a board that starts from it --------------------------------------------------------------


@pytest.mark.parametrize("flash_mb", [4, 8])
def test_micropython_mounts_the_file_system_and_reads_files_of_all_sizes(
    flash_mb: int, virtual_board: Boards
) -> None:
    contents = {f"/a/b{size}": os.urandom(size) for size in (0, 1, 127, 128, 129, 600, 5000, 40000)}
    made = image.file_system(contents, flash.block_count(flash_mb))
    board = virtual_board(filesystem=made, flash_mb=flash_mb)
    with BoardLink(board.port) as link:
        link.clean()
        for path, data in contents.items():
            assert link.read_file(path) == data
        link.write("/a/new", b"written")
        link.write("/a/b128", b"shorter")
    board.stop()
    assert board.files()["/a/b128"] == b"shorter"


def test_board_starts_its_program_from_the_image(
    firmware: Firmware, make: Run, virtual_board: Boards, tmp_path: Path
) -> None:
    out = tmp_path / "out.bin"
    make(firmware("esp32"), "--out", out)
    virtual_board(filesystem=system(out)).wait_for("here")


def test_real_firmware_in_the_image_confirms_its_first_readings(
    firmware: Firmware,
    make: Run,
    virtual_board: Boards,
    server: ServerView,
    tmp_path: Path,
    whole: None,
) -> None:
    out = tmp_path / "out.bin"
    arguments = ("--check", "--bytecode", "--out", out)
    outcome = make(firmware("esp32"), *arguments, endpoint=server.device["ingest"])
    assert outcome.status == 0, outcome.printed
    board = virtual_board(
        filesystem=system(out),
        heap="300k",
        networks={"home": {"password": PASSWORD, "rssi": -60}},
    )
    board.wait_for("first readings confirmed", 60)
    assert server.mock.counts()["points"] > 0
