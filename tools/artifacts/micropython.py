"""Real MicroPython on this machine: where it is, and running a program under it."""

import os
import subprocess
import sys
from pathlib import Path

MICROPYTHON = Path(sys.executable).with_name("micropython")


def command(module: str, *arguments: str, heap: str = "4M") -> list[str]:
    """The command that runs `module`, which is on its search path, as a program.

    heap: in the syntax of `-X heapsize=`. MicroPython cuts arguments to 255 bytes.
    """
    return [str(MICROPYTHON), "-X", f"heapsize={heap}", "-m", module, *arguments]


def environment(*search_path: Path) -> dict[str, str]:
    """The environment in which MicroPython finds modules there, and its frozen ones."""
    path = ":".join([*map(str, search_path), ".frozen"])
    return {**os.environ, "MICROPYPATH": path}


def run(
    module: str, *arguments: str, search_path: list[Path], heap: str = "4M", timeout_s: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run a module to its end; whether it succeeded is for the caller to see."""
    return subprocess.run(
        command(module, *arguments, heap=heap),
        env=environment(*search_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
    )
