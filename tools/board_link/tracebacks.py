"""Tracebacks from a board in this repository's words: its names, files and source lines.

A board's compiled files have the names of short_names.py, and call themselves as modules.
"""

import ast
import functools
import re
from pathlib import Path

from tools.boards.profiles import REPOSITORY
from tools.short_names import short_names

LIBRARY = REPOSITORY / "lib"
FIRMWARE = REPOSITORY / "firmware"
_FRAME = re.compile(r'(\s*)File "([^"]+)", line (\d+)(?:, in (\S+))?(\s*)')
# As a device tells where it has crashed: "buffer:12 add < client:34 send".
_PLACE = re.compile(r"\b(\w+):(\d+) (\w+)")
_QUOTED = re.compile(r"'(\w+)'")
_BEGINNING = '  File "'
_MOST = 500  # characters of a line that may be a frame


def source_of(line: str) -> str | None:
    """The source line that a line of a traceback is about; None: it is no such, or not ours.

    Also None if the function is another there: the board then has another version of the file.
    """
    frame = _FRAME.fullmatch(line)
    path = frame and _find(frame[2])
    if frame is None or path is None:
        return None
    lines, functions = _parsed(path)
    number, function = int(frame[3]), _original(path, frame[4] or "<module>")
    here = functions.get(number, "<module>")
    if number == 1 and function != here:
        # Compiled without line numbers: where the function begins, if there is one of this name.
        first = _beginnings(path).get(function, [])
        return lines[first[0] - 1].strip() if len(first) == 1 else None
    if not 1 <= number <= len(lines) or (function != here and not function.startswith("<")):
        return None
    return lines[number - 1].strip() or None


class Annotator:
    """Puts our names and source lines into text that comes in pieces."""

    def __init__(self) -> None:
        self._line = ""
        self._held = 0  # characters of the line that are not shown yet
        self._path: Path | None = None  # of the frame in the line before

    def feed(self, text: str) -> str:
        """The text, with a source line after each line that has one.

        A line that begins as a frame does is kept until its end is there.
        """
        made = []
        for piece in text.splitlines(keepends=True):
            self._line += piece
            self._held += len(piece)
            if piece.endswith("\n"):
                made.append(self._ended())
                self._line = ""
                self._held = 0
            elif not self._may_be_ours():
                made.append(self._line[len(self._line) - self._held :])
                self._line = self._line[-_MOST:]
                self._held = 0
        return "".join(made)

    def _may_be_ours(self) -> bool:
        line = self._line
        if len(line) > _MOST:
            return False
        if self._path is not None:
            return True  # a traceback's next line
        return len(line) > 2 and (line.startswith(_BEGINNING) or _BEGINNING.startswith(line))

    def _ended(self) -> str:
        """What is to be shown of the line that has ended."""
        content = self._line.rstrip("\r\n")
        end = self._line[len(content) :]
        source = source_of(content)
        frame = _FRAME.fullmatch(content)
        if frame:
            self._path = _find(frame[2])
            told = _readable(frame, self._path, source)
        else:
            told = _told(content, self._path)
            self._path = None
        # Only what is not shown yet can be told in other words.
        shown = len(self._line) - self._held
        if told[:shown] != content[:shown]:
            told = content
        return (told + end)[shown:] + (f"    {source}{end}" if source else "")


def annotated(text: str) -> str:
    """A whole text with our names and source lines in it."""
    return Annotator().feed(text + "\n")[:-1]


def _readable(frame: "re.Match[str]", path: Path | None, source: str | None) -> str:
    """A frame with our name for its file, and for its function unless it is of another version."""
    if path is None:
        return frame[0]
    name, number, function = frame[2], frame[3], frame[4]
    if not name.endswith(".py"):
        name = name.replace(".", "/") + ("/__init__.py" if path.stem == "__init__" else ".py")
    if function:
        ours = _original(path, function)
        known = source is not None or (number == "1" and ours in _beginnings(path))
        function = f", in {ours if known else function}"
    return f'{frame[1]}File "{name}", line {number}{function or ""}{frame[5]}'


def _told(line: str, path: Path | None) -> str:
    """Any other line, with our names. path: of the traceback whose end it is."""
    line = _PLACE.sub(_place, line)
    if path is not None:
        line = _QUOTED.sub(lambda quoted: f"'{_original(path, quoted[1])}'", line)
    return line


def _place(place: "re.Match[str]") -> str:
    for path in _modules().get(place[1], ()):
        function = _original(path, place[3])
        if _parsed(path)[1].get(int(place[2])) == function:
            return f"{place[1]}:{place[2]} {function}"
    return place[0]


def _original(path: Path, function: str) -> str:
    return short_names().original(function, path)


@functools.cache
def _modules() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for root in (LIBRARY / "plexus", FIRMWARE):
        for path in root.rglob("*.py"):
            found.setdefault(path.stem, []).append(path)
    return found


def _find(name: str) -> Path | None:
    """The file that was compiled under this name, or that runs as it is."""
    if re.fullmatch(r"\w+(\.\w+)*", name) and not name.endswith(".py"):
        path = name.replace(".", "/")
        return _find(path + ".py") or _find(path + "/__init__.py")
    name = name.removeprefix("/").removeprefix("lib/")
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
