"""Private names as a board gets them: names that its MicroPython has in ROM cost no heap there."""

import ast
import functools
import io
import re
import sys
import tokenize
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import build_cache

REPOSITORY = Path(__file__).parent.parent
# What goes on a board together, so that a name is the same in all of it.
TREES = (REPOSITORY / "lib" / "plexus", REPOSITORY / "firmware")
_ROM_NAMES = Path(__file__).with_name("rom_names.txt")
# Modules that no program calls, by their packages: what is public is in others.
_INTERNAL = {
    "plexus": "assemble delivery explain extras options port tls url",
    "plexus.agent": "command_params command_runs command_schema connection declared dispatcher "
    "escapes hello kinds message recording refusals run_statuses",
    "plexus.clock": "sntp timekeeping",
    "plexus.delivery": "bounded_socket exchange http_date narrowing problem request verdict",
    "plexus.port": "reserve",
    "plexus.readings": "codec compound dtoa record render ring segment sweep timestamp",
    "plexus.sensors.sampling": "values",
    "plexus.store": "folder telling writing",
    "plexus.tls": "ca failure",
    "plexus.websocket": "frames handshake lookup",
}
# Modules of which programs use a class, and of that what has a name of one word.
_INTERNAL_MEMBERS = {
    "plexus.agent": "command_table live streams",
    "plexus.delivery": "sessions",
    "plexus.readings": "buffer",
}
# And of the firmware, those that a device has in RAM as long as it runs.
_ALWAYS_LOADED = {
    "firmware": "aside device device_status factory interface redact report uploader wifi "
    "wifi_reasons wifi_scan",
}
# Modules of the firmware whose functions the host's commands call on the board.
_BY_HOST = {
    "firmware": "atomic_json button config crashes manifest start supervisor",
    "firmware.setup": "console draft provisioning",
}
# Names of one word, of which no program of a user has need, nor a driver of his. No object of
# MicroPython's has one of them: a test looks into its ROM's names.
_INTERNAL_NAMES = """
    CHECKED CONFIGURATION DEFAULTS DEGREE HOW WHAT WORDS adopt again band beat begin bytes_of caught
    check_key check_keys confirm cut dates delivers described drop enter entries fine held
    hidden hide hold_ms holder left_ms limit_ms mask misses no_mean operation packet parse part
    passed raises redacted remember restart_ms running salvaged scaled session_requests shaped
    shortage shut sifted spare stamp start_ms succeeded sweeps table tap tmp torn total trusted walk
    wdt well window within_ms
"""
_OUR_PACKAGES = ("plexus", "firmware")
_CORE = ("plexus", "client")
_BY_NAME = ("getattr", "hasattr", "setattr", "delattr")
_WORD = re.compile(r"[^\W\d]\w*")
_NAMES = re.compile(r"[\w.]+")
_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"
_SHORT = 3  # characters of a name that is in no ROM
_Functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class ShortNames:
    """What stands for each private name. Within a file no two have the same, nor in a class."""

    # Attributes, and what one file takes from another: the same in all files. Two have the same if
    # no file and no object has both.
    shared: dict[str, str]
    # What one file alone sees: its functions, globals and parameters.
    own: dict[Path, dict[str, str]]
    # As `_LIMIT = const(8)`: the compiler leaves these out, if they keep their underscore.
    constants: dict[Path, frozenset[str]]
    # Those of `shared` that a file has.
    present: dict[Path, frozenset[str]]

    def renamed(self, text: str, path: Path) -> str:
        """The source in `text` with the names that it has on a board; lines stay where they are.

        path: the file that it is. Any other than those of TREES may use attributes of theirs.
        """
        own = self.own.get(path, {})
        constants = self.constants.get(path, frozenset())
        lines = text.splitlines(keepends=True)
        changes = []
        before = ""
        for token in _code(text):
            if token.type == tokenize.NAME and (before == "." or token.string not in constants):
                new = own.get(token.string) or self.shared.get(token.string)
                if new:
                    changes.append((*token.start, token.end[1], new))
            before = token.string
        for number, start, end, new in reversed(changes):
            line = lines[number - 1]
            lines[number - 1] = line[:start] + new + line[end:]
        return "".join(lines)

    def original(self, name: str, path: Path) -> str:
        """The private name that `name` stands for in this file; itself if it stands for none."""
        here = {private: self.shared[private] for private in self.present.get(path, ())}
        for private, short in (self.own.get(path, {}) | here).items():
            if short == name:
                return private
        return name


@dataclass(frozen=True)
class RomNames:
    """What rom_names.txt has."""

    rare: list[str]  # nobody would use them in a class derived from one of the library's
    ordinary: list[str]
    private: list[str]  # they cost nothing as they are


@functools.cache
def short_names() -> ShortNames:
    """What stands for the private names of this repository."""
    return shorten(_sources(), rom_names())


@functools.cache
def digest() -> bytes:
    """Of all that decides what stands for a name; it takes much less time than to choose."""
    decisive = (_sources(), _rom_text(), Path(__file__).read_bytes(), sys.version)
    return build_cache.digest(*decisive)


@functools.cache
def _sources() -> dict[Path, str]:
    # Read once, so that the digest is of what the names were chosen for.
    paths = [path for tree in TREES for path in sorted(tree.rglob("*.py"))]
    return {path: path.read_text(encoding="utf-8") for path in paths}


@functools.cache
def _rom_text() -> str:
    return _ROM_NAMES.read_text(encoding="utf-8")


def rom_names() -> RomNames:
    """What names the ROM of every ESP32's MicroPython has."""
    parts = _rom_text().split("\n\n")
    groups = [[line for line in part.split("\n") if line and line[0] != "#"] for part in parts]
    return RomNames(*filter(None, groups))


def module_name(path: Path) -> str:
    """What a file is imported as, by its path from the root of its package.

    MicroPython keeps the name of the source in RAM. This one it has anyway, of the import.
    """
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


# --- what stands for a name -------------------------------------------------------------------


def shorten(sources: dict[Path, str], rom: RomNames) -> ShortNames:
    """Choose what stands for the private names of these files."""
    files = {path: _File(path, text) for path, text in sources.items()}
    _share_internals(files)
    everywhere = set[str]().union(*[file.shared for file in files.values()])
    bound = set[str]().union(*[file.bound for file in files.values()])
    taken = set[str]().union(*[file.words for file in files.values()])
    kept = _kept(files) | set(rom.private)
    keywords = set[str]().union(*[file.keywords for file in files.values()])
    own = {
        path: sorted(
            (file.own - file.constants - everywhere - kept)
            | (file.parameters() - keywords - everywhere if _is_internal(path) else set())
        )
        for path, file in files.items()
    }
    # The same few are each file's own names.
    maximum = max(map(len, own.values()), default=0)
    rare = [None if name in taken else name for name in rom.rare]
    ordinary = [None if name in taken else name for name in rom.ordinary]
    own_slots = [name for name in ordinary if name][:maximum]
    ordinary = [None if name in own_slots else name for name in ordinary]

    users = {
        name: [path for path, file in files.items() if name in file.shared]
        for name in (everywhere & bound) - kept
    }
    distance = _distances(files)
    # Where the ROM's do not suffice, they are for what is always in RAM, then for what more files
    # have.
    ranked = sorted(
        users, key=lambda name: (min(distance[p] for p in users[name]), -len(users[name]), name)
    )
    places = _places(files, ranked)
    shared = _placed([name for name in ranked if _is_library(users[name])], rare, places)
    shared |= _placed([name for name in ranked if name not in shared], ordinary, places)
    used = set(shared.values())
    left = [None if name in used else name for name in rare]
    shared |= _placed([name for name in ranked if name not in shared], left, places)
    shared |= _invented([name for name in ranked if name not in shared], taken)
    taken = taken | set(shared.values())
    chosen = {}
    for path, names in own.items():
        chosen[path] = _placed(names, list(own_slots))
        chosen[path] |= _invented([name for name in names if name not in chosen[path]], taken)
    return ShortNames(
        shared,
        chosen,
        {path: frozenset(file.constants) for path, file in files.items()},
        {path: frozenset(file.shared & shared.keys()) for path, file in files.items()},
    )


# Where a name is that may be anywhere.
_EVERYWHERE = frozenset({"*"})


def _placed(
    names: list[str],
    slots: list[str | None],
    places: Mapping[str, frozenset[object]] | None = None,
) -> dict[str, str]:
    """A slot for each of the names, while there are any; a None is none.

    A name has its place by its hash, so that a new one moves few others: what deploy copies is
    what differs. places: where each is, if those that never meet may have the same slot.
    """
    places = places or {}
    occupied: dict[int, set[object]] = {}
    placed = {}
    # Who shares with nobody comes first, while there are empty ones.
    for name in sorted(names, key=lambda name: places.get(name, _EVERYWHERE) != _EVERYWHERE):
        where = places.get(name, _EVERYWHERE)
        first = _hash(name)
        for step in range(len(slots)):
            index = (first + step) % len(slots)
            slot = slots[index]
            there = occupied.get(index, set())
            alone = where == _EVERYWHERE or there == _EVERYWHERE
            if slot and not there & where and not (there and alone):
                placed[name] = slot
                occupied[index] = there | where
                break
    return placed


def _places(files: "dict[Path, _File]", names: Iterable[str]) -> dict[str, frozenset[object]]:
    """Where each name is: its files, and the families of the classes that bind it.

    Classes are of one family if one is derived from the other. A name that is given to an object
    of which its file does not tell the class may be anywhere.
    """
    family: dict[str, str] = {}

    def head(name: str) -> str:
        while family.setdefault(name, name) != name:
            name = family[name]
        return name

    for file in files.values():
        for derived, base in file.derived:
            family[head(derived)] = head(base)
    places = {}
    for name in names:
        if any(name in file.given for file in files.values()):
            places[name] = _EVERYWHERE
            continue
        where: set[object] = {path for path, file in files.items() if name in file.shared}
        for file in files.values():
            where |= {head(owner) for owner in file.owners.get(name, ())}
        places[name] = frozenset(where)
    return places


def _invented(names: list[str], taken: set[str]) -> dict[str, str]:
    """A short name for each of the names that is longer."""
    used = set(taken)
    invented = {}
    for name in names:
        if len(name) > _SHORT:
            number = _hash(name)
            while _short(number) in used:
                number += 1
            invented[name] = _short(number)
            used.add(invented[name])
    return invented


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())


def _is_library(paths: list[Path]) -> bool:
    return any(not _module(path).startswith("firmware.") for path in paths)


def _short(number: int) -> str:
    letters = ""
    for _ in range(_SHORT - 1):
        number, digit = divmod(number, len(_DIGITS))
        letters += _DIGITS[digit]
    return "_" + letters


def _distances(files: "dict[Path, _File]") -> dict[Path, int]:
    """How seldom a file is in RAM: 0 the client and what it imports; 1 what that imports on use,
    firmware, sampler and agent; 2 the rest, as most drivers are."""
    modules: dict[str, list[Path]] = {}
    for path in files:
        modules.setdefault(path.parent.name if path.stem == "__init__" else path.stem, []).append(
            path
        )
    distance = dict.fromkeys(files, 2)
    for level, starts in ((1, ("main", "sampler", "agent", *_CORE)), (0, _CORE)):
        waiting = [path for name in starts for path in modules.get(name, ())]
        while waiting:
            path = waiting.pop()
            if distance[path] != level:
                distance[path] = level
                names = files[path].imports | (files[path].imports_on_use if level else set())
                waiting += [path for name in names for path in modules.get(name, ())]
    return distance


def _kept(files: "dict[Path, _File]") -> set[str]:
    """Private names that have to stay, as they are more than identifiers."""
    kept = {path.stem for path in files}
    internal = set(_INTERNAL_NAMES.split())
    said = set[str]().union(*[file.said for file in files.values()])
    for file in files.values():
        kept |= file.kept | (file.said - internal) | file.named
        # As of getattr(self, "_on_" + kind), where the kinds are words of ours.
        for prefix in file.prefixes:
            kept |= {name for name in file.bound if name.startswith(prefix)} & {
                prefix + word for word in said
            }
    # As a constant of one file that is an attribute in another.
    everywhere = set[str]().union(*[file.shared for file in files.values()])
    return kept | {name for file in files.values() for name in file.constants & everywhere}


# --- what names there are ---------------------------------------------------------------------


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _share_internals(files: "dict[Path, _File]") -> None:
    """Take the functions and constants of internal files for private, where nothing else has their
    names: no attribute, no keyword, no word of a text, and nothing that is public."""
    methods = set[str]().union(*[file.members for file in files.values()])
    public = {"main", "run", "ptr8", "ptr16", "ptr32", "uint"}  # the last are viper's
    for path, file in files.items():
        # A constant of a module may be one of its attributes.
        public |= {name for name in file.attributes if not name.isupper() or name in methods}
        public |= file.keywords | file.kept | file.said
        if not _is_internal(path) or _is_in(_BY_HOST, path):
            public |= file.globals | file.members
    for file in files.values():
        public |= file.members
    internal = {
        name
        for path, file in files.items()
        if _is_internal(path) and not _is_in(_BY_HOST, path)
        for name in file.globals
        if not name.startswith("_") and len(name) > 1
    } - public
    # Attributes of internal modules and classes as well, if they are of several words: no module of
    # MicroPython has one that we bind and it has too.
    taken = set[str]()
    own = set[str]()
    for path, file in files.items():
        taken |= file.keywords | file.kept | file.said
        bound = file.members | file.assigned
        internal_file = _is_internal(path) and not _is_in(_BY_HOST, path)
        if internal_file:
            bound |= file.globals
        else:
            taken |= file.globals
        if internal_file or _is_in(_INTERNAL_MEMBERS, path):
            own |= {
                name
                for name in bound
                if "_" in name.strip("_") and name[0] != "_" and not name.isupper()
            }
        else:
            taken |= bound
    internal |= own - taken
    named = set[str]().union(*[file.kept | file.named for file in files.values()])
    internal |= {name for name in _INTERNAL_NAMES.split() if name not in named}
    for file in files.values():
        file.shared |= internal & file.words
        file.bound |= internal & (file.globals | file.members | file.assigned | file.arguments)


def _is_internal(path: Path) -> bool:
    """Whether no program of a user calls the functions of this file, so that it may not name their
    parameters."""
    return _is_in(_INTERNAL, path) or _is_in(_ALWAYS_LOADED, path)


def _is_in(modules: dict[str, str], path: Path) -> bool:
    package, _, name = _module(path).rpartition(".")
    return name in modules.get(package, "").split()


def _module(path: Path) -> str:
    """What a file is imported as, wherever its package lies."""
    parts = path.parts
    top = max((i for i, part in enumerate(parts) if part in _OUR_PACKAGES), default=0)
    return module_name(Path(*parts[top:]))


class _File(ast.NodeVisitor):
    """The private names of one file, by what they are."""

    def __init__(self, path: Path, text: str) -> None:
        self.bound: set[str] = set()
        self.shared: set[str] = set()  # bound here or not
        self.own: set[str] = set()
        self.keywords: set[str] = set()  # by which arguments are passed
        self.attributes: set[str] = set()
        self.globals: set[str] = set()  # what it defines outside of functions and classes
        self.members: set[str] = set()  # and in classes
        self.assigned: set[str] = set()  # attributes
        self.owners: dict[str, set[str]] = {}  # the classes that bind a name
        self.derived: set[tuple[str, str]] = set()  # (class, one that it is derived from)
        self.given: set[str] = set()  # attributes that objects get whose class is not said
        self.arguments: set[str] = set()  # names of parameters
        self._others: set[str] = set()  # what else an identifier here can be
        self.constants: set[str] = set()
        self.kept: set[str] = set()
        self.said: set[str] = set()  # words of strings
        self.named: set[str] = set()  # and those of strings that are names and nothing else
        self.prefixes: set[str] = set()  # of names that are put together
        self.imports: set[str] = set()  # names of modules, and other names from modules
        self.imports_on_use: set[str] = set()
        self._scopes = ["module"]
        self._classes: list[str] = []  # around what is visited
        tree = ast.parse(text, str(path))
        self._docs = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        self.visit(tree)
        # Every identifier is a str in some field of the tree.
        self.words = {
            name
            for node in ast.walk(tree)
            for value in vars(node).values()
            for name in (value if isinstance(value, list) else [value])
            if isinstance(name, str)
        }
        self.words |= self.said

    def parameters(self) -> set[str]:
        """Names that are parameters here, and local variables, and nothing else."""
        others = self._others | self.kept | self.said | self.bound | self.constants
        return {name for name in self.arguments - others if len(name) > 1} - {"self", "cls"}

    def visit_Name(self, node: ast.Name) -> None:
        # A local variable of a function has no name when it is compiled.
        if not isinstance(node.ctx, ast.Load) and self._scopes[-1] != "function":
            self._bind(node.id)
            self._others.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._share(node.attr, not isinstance(node.ctx, ast.Load))
        self._others.add(node.attr)
        self.attributes.add(node.attr)
        if not isinstance(node.ctx, ast.Load):
            self.assigned.add(node.attr)
            its = isinstance(node.value, ast.Name) and node.value.id == "self"
            if its and self._classes:
                self.owners.setdefault(node.attr, set()).add(self._classes[-1])
            else:
                self.given.add(node.attr)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self._own(name)
            self._others.add(name)

    def visit_arg(self, node: ast.arg) -> None:
        self._own(node.arg)
        self.arguments.add(node.arg)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg:
            self._share(node.arg)
            self.keywords.add(node.arg)
            self._others.add(node.arg)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._bind(node.name)
        self._others.add(node.name)
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        self._others.add(node.name)
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._others.add(node.name)
        self.kept.add(node.name)  # type(x).__name__ and tracebacks say it
        for base in node.bases:
            name = getattr(base, "attr", None) or getattr(base, "id", "")
            self.derived.add((node.name, name))
        self._scopes.append("class")
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()
        self._scopes.pop()

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._others.update((alias.name.split(".")[0], alias.asname or ""))
            self._imports().add(alias.name)
            self._imported(alias.name, alias.asname)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = (node.module or "").split(".")
        ours = node.level > 0 or module[0] in _OUR_PACKAGES
        self.kept.update(module)
        self._imports().update(module, [alias.name for alias in node.names])
        for alias in node.names:
            self._others.update((alias.name, alias.asname or ""))
            if ours and _is_private(alias.name):
                self._share(alias.name)
                if alias.asname:
                    self._own(alias.asname)
            elif ours and not alias.asname:
                pass  # what it is called is decided where it is defined
            else:
                self._imported(alias.name, alias.asname)

    def visit_Assign(self, node: ast.Assign) -> None:
        target, value = node.targets[0], node.value
        if (
            isinstance(target, ast.Name)
            and isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id == "const"
            and _is_private(target.id)
        ):
            self.constants.add(target.id)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in _BY_NAME and len(node.args) > 1:
            for part in ast.walk(node.args[1]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    self.prefixes.add(part.value)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and id(node) not in self._docs:
            self.said.update(_WORD.findall(node.value))
            if _NAMES.fullmatch(node.value):
                self.named.update(_WORD.findall(node.value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # Before Python 3.12 an f-string is one token.
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                self.kept.add(part.id)
            elif isinstance(part, ast.Attribute):
                self.kept.add(part.attr)
        self.generic_visit(node)

    def _function(self, node: _Functions) -> None:
        self._scopes.append("function")
        self.generic_visit(node)
        self._scopes.pop()

    def _imports(self) -> set[str]:
        return self.imports_on_use if "function" in self._scopes else self.imports

    def _imported(self, name: str, asname: str | None) -> None:
        self.kept.update(name.split("."))
        if asname and self._scopes[-1] != "function":
            self._bind(asname)

    def _bind(self, name: str) -> None:
        if self._scopes[-1] == "class":
            self.members.add(name)
            self.owners.setdefault(name, set()).add(self._classes[-1])
            self._share(name, True)
        else:
            if self._scopes[-1] == "module":
                self.globals.add(name)
            self._own(name)

    def _share(self, name: str, bound: bool = False) -> None:
        if _is_private(name):
            self.shared.add(name)
            if bound:
                self.bound.add(name)

    def _own(self, name: str) -> None:
        if _is_private(name):
            self.own.add(name)
            self.bound.add(name)


def _code(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a source, without those within f-strings."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        depth += (kind == "FSTRING_START") - (kind == "FSTRING_END")
        if not depth:
            yield token
