"""The virtual board: real MicroPython behind a PTY, which behaves as a board with an ESP32 does."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from . import flash
from .chip import PORT_OFFSET, PWRON, Chip


class VirtualBoard(Chip):
    """An ESP32 with MicroPython, as far as what talks to one and what runs on it can tell.

        with VirtualBoard(tmp_path) as board:
            board.mpremote("cp", "main.py", ":")
            board.set(networks={"home": {"password": "12345678", "rssi": -60}})
            board.reset()
            board.wait_for("connected")

    directory: holds flash.img, rom.img, nvs.json and the world's state; what was there before is
    the board's flash. heap: bytes of MicroPython's heap that are free at the start, "160k"; what
    the simulation itself takes is added. filesystem: a file system's image to begin with, exactly
    as long as the partition. romfs_bytes: MicroPython has a ROMFS partition of so many, which are
    whole blocks. world: as for set().
    """

    def __init__(
        self,
        directory: Path,
        heap: str = "160k",
        flash_mb: int = 4,
        filesystem: bytes | Path | None = None,
        romfs_bytes: int = 0,
        **world: Any,
    ) -> None:
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(directory, _bytes(heap), flash_mb, world)
        self.romfs_blocks = romfs_bytes // flash.BLOCK_SIZE
        if filesystem is not None or not self.image.exists():
            self.write_filesystem(filesystem)
        self._check_size(self.image.stat().st_size)

    # Power

    def __enter__(self) -> Self:
        self.open()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Switch on; returns before boot.py has run."""
        if self.off:
            self._do(lambda: self._reset(PWRON))

    def stop(self) -> None:
        """Cut the power, whatever the board is doing."""
        self._do(self._power_off)

    def power_cycle(self) -> None:
        self.stop()
        self.start()

    def reset(self) -> None:
        """Press the reset button: the chip cannot tell it from power-on."""
        self._do(lambda: self._reset(PWRON))

    def cut_power_after(self, writes: int) -> None:
        """Cut the power in the middle of so many-th write to the flash; wait_off() waits for it."""
        self.set(cut_after_writes=writes)

    # What can be seen

    def console(self) -> str:
        """All that was said on the serial line since open()."""
        return self._text

    def wait_for(self, pattern: str, timeout_s: float = 20, start: int = 0) -> re.Match[str]:
        """The first match in the console's text from `start` on, as soon as it is there."""
        expression = re.compile(pattern)
        self.wait(lambda: expression.search(self._text, start), timeout_s, pattern)
        match = expression.search(self._text, start)
        assert match
        return match

    def wait(self, condition: Callable[[], Any], timeout_s: float = 20, what: str = "") -> None:
        """Wait until the condition holds; it is looked at whenever the board has done something."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError(
                        f"not within {timeout_s} s: {what or condition}; the console ends with:\n"
                        + self._text[-2000:]
                    )
                self._changed.wait(min(left_s, 0.05))

    def wait_repl(self, timeout_s: float = 20) -> None:
        """Wait until boot.py and main.py have ended and the prompt is there."""
        self.wait(lambda: self.repl, timeout_s, "the prompt")

    def wait_off(self, timeout_s: float = 20) -> None:
        self.wait(lambda: self.off, timeout_s, "the board to be off")

    def wait_reset(self, cause: int, timeout_s: float = 20, start: int = 0) -> None:
        """Wait for a start with this cause among `resets[start:]`."""
        self.wait(lambda: cause in self.resets[start:], timeout_s, f"a reset of cause {cause}")

    def starved_ms(self) -> int:
        """For how long its threads had no processor of this computer's, though ready to run."""
        assert self._process
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[1]) for task in tasks) // 1000000

    def files(self) -> dict[str, bytes]:
        """The files in its flash by path; best read when it is off."""
        return flash.files(self.image.read_bytes())

    def write_files(self, contents: dict[str, bytes]) -> None:
        """Write files into the flash of a board that is off."""
        assert self.off, "switch it off first: MicroPython has the file system mounted"
        self.image.write_bytes(flash.with_files(self.image.read_bytes(), contents))

    def write_filesystem(self, image: bytes | Path | None) -> None:
        """Write a file system's image, None: erase it. The board is to be off."""
        if image is None:
            image = flash.erased(self.flash_mb)
        elif isinstance(image, Path):
            image = image.read_bytes()
        self._check_size(len(image))
        self.image.write_bytes(image)

    def server_port(self, port: int) -> int:
        """The port at `address` where what the board serves at `port` is to be found."""
        return port + PORT_OFFSET if port < 1024 else port

    # What a test does to it

    def set(self, **world: Any) -> None:
        """Change these keys of the world, which modules/_host.py lists; it is so at once."""
        self._write_world(world)
        if self._thread:
            self._do(self._world_changed)

    def press(self, pin: int, level: int = 0) -> None:
        """Hold a pin at a level, as a button does; wakes a board that sleeps until then."""
        self.set(pins={**self._world["pins"], str(pin): level})
        self._do(lambda: self._wake_by(pin, level))

    def release(self, pin: int) -> None:
        pins = {name: level for name, level in self._world["pins"].items() if name != str(pin)}
        self.set(pins=pins)

    def type(self, text: str | bytes) -> None:
        """Type into the serial line, as a user who has it open does."""
        data = text.encode() if isinstance(text, str) else text
        self._do(lambda: self._typed(data))

    def mpremote(self, *arguments: str, timeout_s: float = 180, check: bool = True) -> str:
        """Run the real mpremote on the board's port; returns its output."""
        result = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", self.port, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
        )
        output = result.stdout.decode(errors="replace").replace("\r\n", "\n")
        if check and result.returncode:
            raise AssertionError(f"mpremote {arguments}: {result.returncode}\n{output}")
        return output

    def _check_size(self, length: int) -> None:
        expected = flash.block_count(self.flash_mb) * flash.BLOCK_SIZE
        if length != expected:
            raise ValueError(
                f"the file system's image has {length} bytes, but a flash of {self.flash_mb} MB has"
                f" room for exactly {expected} ({expected // flash.BLOCK_SIZE} blocks)"
            )


def _bytes(size: str) -> int:
    units = {"k": 1024, "M": 1024 * 1024}
    return int(size[:-1]) * units[size[-1]] if size[-1:] in units else int(size)
