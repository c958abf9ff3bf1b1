"""Provisioning at a real terminal: MicroPython polls its standard input beside other tasks."""

import json
import os
import pty
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.artifacts import micropython
from tools.build import REPOSITORY

WAIT_S = 20
PROGRAM = "console_program"


class Terminal:
    """The other end of the board's serial port."""

    def __init__(self, directory: Path) -> None:
        self.port, theirs = pty.openpty()
        self.process = subprocess.Popen(
            micropython.command(PROGRAM, str(directory)),
            env=micropython.environment(
                REPOSITORY / "lib", REPOSITORY, REPOSITORY / "tests" / "device"
            ),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._read = b""

    def send(self, data: bytes) -> None:
        os.write(self.port, data)

    def answer(self) -> str:
        """The next line from the board that is of the protocol, without the terminal's echo."""
        while True:
            line, ended, rest = self._read.partition(b"\n")
            if ended:
                self._read = rest
                if line.startswith((b"PLEXUS:OK", b"PLEXUS:ERROR", b"PLEXUS:READY",
                                    b"PLEXUS:SAVED")):  # fmt: skip
                    return line.decode().strip()
                continue
            assert select.select([self.port], [], [], WAIT_S)[0], f"silent after {line!r}"
            self._read += os.read(self.port, 4096)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.port)


def test_a_fixture_configures_a_board_over_its_port(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.answer() == "PLEXUS:READY"
    for key, value in (("wifi_ssid", "Café"), ("wifi_password", "secret123"),
                       ("api_key", "plx_1"), ("source_id", "esp32-001")):  # fmt: skip
        terminal.send(f"PLEXUS:{key}={value}\n".encode())
        assert terminal.answer() == f"PLEXUS:OK {key}"
    assert not (tmp_path / "plexus.json").exists()
    terminal.send(b"PLEXUS:COMMIT\n")
    assert terminal.answer() == "PLEXUS:SAVED"
    assert terminal.process.wait(WAIT_S) == 0
    saved = json.loads((tmp_path / "plexus.json").read_text())
    assert saved["wifi"] == [{"ssid": "Café", "password": "secret123"}]


def test_lines_that_come_all_at_once_are_answered_in_order(terminal: Terminal) -> None:
    assert terminal.answer() == "PLEXUS:READY"
    terminal.send(b"PLEXUS:source_id=a\nnoise\nPLEXUS:wifi_ssid=b\nPLEXUS:source_id=\n")
    assert terminal.answer() == "PLEXUS:OK source_id"
    assert terminal.answer() == "PLEXUS:OK wifi_ssid"
    assert terminal.answer().startswith("PLEXUS:ERROR source_id: ")
