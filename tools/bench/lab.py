"""Where the benchmarks run: compiled files, the mock server, and the device programs' results."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tools import build
from tools.artifacts import micropython
from tools.bench.table import Unavailable
from tools.mock_server import MockServer

PROGRAMS = Path(__file__).with_name("device")
FIRMWARE = build.REPOSITORY / "firmware"
_TIMEOUT_S = 120
_INGEST = "/api/ingest"


class DeviceFailed(RuntimeError):
    """A device program ended in an error; its last line is in the message."""


class Lab:
    """A context manager. library: the compiled lib; endpoint: the mock server's."""

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="plexus-bench-")
        self._counted: dict[tuple[str, tuple[object, ...]], int] = {}
        self.path = Path(self._directory.name)
        self.library = self.path / "lib"
        self.programs = self.path / "device"
        build.compile_tree(build.LIBRARY, self.library, build.host_arch())
        build.compile_tree(FIRMWARE, self.library / "firmware", build.host_arch())
        build.compile_tree(PROGRAMS, self.programs, build.host_arch())
        self.server = MockServer()
        self.server.start()
        self.endpoint = self.server.url + _INGEST
        return self

    def __exit__(self, *_exception: object) -> None:
        self.server.stop()
        self._directory.cleanup()

    def machine(self) -> str:
        """Which MicroPython this is, in its own words."""
        program = "import sys; print(sys.version.partition('; ')[2], sys.implementation._machine)"
        command = [str(micropython.MICROPYTHON), "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def run(
        self, program: str, *arguments: object, heap: str = "8M", library: Path | None = None
    ) -> Any:
        """What a device program prints (JSON). Raises DeviceFailed. library: instead of .mpy."""
        try:
            result = micropython.run(
                program,
                *map(str, arguments),
                search_path=[library or self.library, self.programs],
                heap=heap,
                timeout_s=_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise DeviceFailed(f"{program}: still running after {_TIMEOUT_S} s") from None
        if result.returncode:
            words = (result.stdout + result.stderr).strip().rpartition("\n")[2]
            raise DeviceFailed(f"{program} {' '.join(map(str, arguments))}: {words}")
        return json.loads(result.stdout)

    def instructions(self, function: str, *arguments: object) -> int:
        """How many instructions MicroPython runs for a function of counted.py (callgrind)."""
        if (function, arguments) not in self._counted:
            self._counted[function, arguments] = self._count(function, *arguments)
        return self._counted[function, arguments]

    def _count(self, function: str, *arguments: object) -> int:
        tools = [shutil.which(name) for name in ("setarch", "valgrind")]
        if None in tools:
            raise Unavailable("valgrind is not installed: apt-get install valgrind")
        setarch, valgrind = tools
        output = self.path / "callgrind.out"
        # Nothing but the program decides what runs: no random addresses or hashes, no other
        # environment. Counted is what MicroPython does, not the Python that it was installed by.
        command = [setarch, "-R", valgrind, "--tool=callgrind", f"--callgrind-out-file={output}"]
        command += ["--collect-atstart=no", "--toggle-collect=pyexec_file"]
        # A script, since `-m` is no pyexec_file; all that it imports is compiled.
        script = self.path / "instructions.py"
        script.write_text("import counted\ncounted.main(counted.__dict__)\n")
        command += [sys.executable, str(micropython.MICROPYTHON), "-X", "heapsize=16M", str(script)]
        command += [function, *map(str, arguments)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        search_path = micropython.environment(self.library, self.programs)["MICROPYPATH"]
        environment |= {"PYTHONHASHSEED": "0", "MICROPYPATH": search_path}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
        if result.returncode:
            raise DeviceFailed(f"{function}: {(result.stdout + result.stderr)[-500:]}")
        for line in output.read_text().splitlines():
            if line.startswith("totals:"):
                return int(line.split()[1])
        raise DeviceFailed(f"{function}: callgrind counted nothing")


def largest(low: int, high: int, step: int, works: Callable[[int], bool]) -> int:
    """The largest of low, low + step, ... below `high` that works; 0 if low does not.

    `works` is true up to some number and false from there on.
    """
    if not works(low):
        return 0
    good, bad = 0, (high - low + step - 1) // step
    while bad - good > 1:
        middle = (good + bad) // 2
        if works(low + middle * step):
            good = middle
        else:
            bad = middle
    return low + good * step


def smallest(low: int, high: int, step: int, works: Callable[[int], bool]) -> int:
    """The smallest of high, high - step, ... above `low` that works; 0 if high does not."""
    found = largest(-high, -low, step, lambda negative: works(-negative))
    return -found
