"""Tracebacks from a board with the source lines of this repository in them, as CPython's have."""

import ast
import functools
import re
from importlib import metadata
from pathlib import Path

from tools.boards.profiles import REPOSITORY

LIBRARY = REPOSITORY / "lib"
FIRMWARE = REPOSITORY / "firmware"
_FRAME = re.compile(r'\s*File "([^"]+)", line (\d+)(?:, in (\S+))?\s*')


def source_of(line: str) -> str | None:
    """The source line that a line of a traceback is about; None: it is no such, or not ours.

    Also None if the function is another there: the board then has another version of the file.
    """
    frame = _FRAME.fullmatch(line)
    if frame is None:
        return None
    path = _find(frame[1])
    if path is None:
        return None
    lines, functions = _parsed(path)
    number, function = int(frame[2]), frame[3] or "<module>"
    here = functions.get(number, "<module>")
    if number == 1 and function != here:
        # Compiled without line numbers: where the function begins, if there is one of this name.
        first = _beginnings(path).get(function, [])
        return lines[first[0] - 1].strip() if len(first) == 1 else None
    if not 1 <= number <= len(lines) or (function != here and not function.startswith("<")):
        return None
    return lines[number - 1].strip() or None


class Annotator:
    """Puts source lines into text that comes in pieces."""

    def __init__(self) -> None:
        self._line = ""

    def feed(self, text: str) -> str:
        """The text, with a source line after each line that has one."""
        made = []
        for piece in text.splitlines(keepends=True):
            made.append(piece)
            self._line = (self._line + piece)[-500:]
            if piece.endswith("\n"):
                source = source_of(self._line.strip("\r\n"))
                if source:
                    made.append(f"    {source}" + ("\r\n" if self._line.endswith("\r\n") else "\n"))
                self._line = ""
        return "".join(made)


def annotated(text: str) -> str:
    """A whole text with source lines in it."""
    return Annotator().feed(text + "\n")[:-1]


def _find(name: str) -> Path | None:
    """The file that was compiled under this name, or that runs as it is."""
    name = name.removeprefix("/").removeprefix("lib/")
    if name == "microdot.py":
        return _microdot()
    for root, path in (
        (LIBRARY / "plexus", LIBRARY / name),
        (FIRMWARE, REPOSITORY / name),
        (FIRMWARE, FIRMWARE / name if name in ("boot.py", "main.py") else FIRMWARE),
    ):
        # What comes from a board does not lead out of here.
        if path.suffix == ".py" and path.resolve().is_relative_to(root) and path.is_file():
            return path
    return None


@functools.cache
def _microdot() -> Path | None:
    try:
        found = metadata.distribution("microdot").locate_file("microdot/microdot.py")
    except metadata.PackageNotFoundError:
        return None
    return Path(str(found))


@functools.cache
def _parsed(path: Path) -> tuple[list[str], dict[int, str]]:
    """A file's lines, and by their numbers the functions that they are in."""
    text = path.read_text(encoding="utf-8")
    functions: dict[int, str] = {}
    for node in _functions(path):
        # Outer ones come first. Parameters' defaults are the outer one's, but on few lines.
        functions.update(dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), node.name))
    return text.split("\n"), functions


@functools.cache
def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found, key=lambda node: node.lineno)


def _beginnings(path: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for node in _functions(path):
        found.setdefault(node.name, []).append(node.lineno)
    return found
