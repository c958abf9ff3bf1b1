"""The files on a board: which of them a deploy put there, what has to change, and changing it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tools.board_link.repl import BoardLink

MANIFEST = "/lib/plexus/.deployed.json"
# Where all modules are ours but for those that we did not put there.
PACKAGES = ("/lib/plexus/", "/lib/firmware/")


class DeployError(Exception):
    """Why nothing, or not everything, was deployed; the message has the remedy."""


@dataclass
class Report:
    """What deploy() did. confirmed: None if it did not wait for readings; notes: for a person.

    romfs: the files that are in the board's ROMFS, where they run in place.
    """

    copied: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    romfs: list[str] = field(default_factory=list)
    unchanged: int = 0
    bytes: int = 0
    configured: bool = False
    confirmed: bool | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """What carry_out() does. write: path and content, in order; keep: path and its new name."""

    files: dict[str, str]  # the manifest's content at the end: path and hash
    write: dict[str, bytes]
    remove: list[str]
    keep: dict[str, str]
    folders: list[str]
    has_profile: bool
    configured: bool

    @property
    def bytes(self) -> int:
        return sum(map(len, self.write.values()))


class Target:
    """The board's files, and those among them that an earlier deploy has put there."""

    def __init__(self, link: BoardLink, report: Report):
        self._link = link
        self._report = report
        self._sizes: dict[str, int] = {}
        self._folders: set[str] = set()
        self._hashes: dict[str, str | None] = {}
        self._deployed: dict[str, str] = {}
        self._pending: dict[str, str] = {}

    def plan(
        self, files: dict[str, bytes], settings: dict[str, bytes], lib_only: bool, force: bool
    ) -> Plan:
        """Look what has to change. DeployError if it may not, or does not fit."""
        from tools.artifacts.payload import BOARD, CONFIG, STARTERS

        folders = {_parent(path) for path in [*files, MANIFEST]} | {"/", "/lib"}
        self._look(folders)
        self._read_list()
        known = self._deployed | self._pending
        self._look({_parent(path) for path in known} - folders)
        wanted = {path: _digest(data) for path, data in files.items()}
        self._hash([*wanted, *settings, *known])
        every = settings | files
        write = {
            path: data for path, data in every.items() if self._hashes.get(path) != _digest(data)
        }
        keep = {}
        for path in STARTERS:
            if path in write and path in self._sizes and not self._is_ours(path):
                keep.update(self._give_way(path, force))
        scope = PACKAGES[:1] if lib_only else ("/",)
        remove = [
            path
            for path in sorted(known)
            if path.startswith(scope) and path not in every and path in self._sizes
        ]
        edited = [path for path in remove if not self._is_ours(path)]
        for path in edited:
            self._report.notes.append(f"{path} is no longer needed; it has changed, so it stays")
        remove = [path for path in remove if path not in edited]
        # MicroPython takes the source if there are both.
        for path in wanted:
            source = path.removesuffix(".mpy") + ".py"
            if path.startswith(PACKAGES) and source != path and source in self._sizes:
                remove.append(source)
        others = {p: h for p, h in self._deployed.items() if not p.startswith(scope)}
        plan = Plan(
            files=others | wanted,
            write=write,
            remove=remove,
            keep=keep,
            folders=sorted({_parent(path) for path in [*write, MANIFEST]} - self._folders),
            has_profile=BOARD in every or BOARD in self._sizes,
            configured=CONFIG in every or CONFIG in self._sizes,
        )
        self._report.unchanged += len(every) - len(write)
        self._check_space(plan)
        return plan

    def carry_out(self, plan: Plan, advance: Callable[[float], None]) -> None:
        """Change what has to be changed. Cut off at any point, it can be done again."""
        from tools.artifacts.payload import STARTERS

        if not (plan.write or plan.remove or plan.files != self._deployed or self._pending):
            return
        for folder in plan.folders:
            self._link.mkdir(folder)
        # Were it cut off, these would still be known for ours.
        pending = {p: _digest(data) for p, data in plan.write.items() if p in plan.files}
        self._record(self._deployed, pending | self._pending)
        # The program starts only when all else is there.
        starters = {path: plan.write[path] for path in STARTERS if path in plan.write}
        for path, data in plan.write.items():
            if path not in starters:
                self._put(path, data, advance)
        for path in plan.remove:
            self._link.remove(path)
            self._report.removed.append(path)
        for path, name in plan.keep.items():
            self._link.rename(path, name)
        for path, data in starters.items():
            self._put(path, data, advance)
        self._record(plan.files, {})

    def _put(self, path: str, data: bytes, advance: Callable[[float], None]) -> None:
        self._link.write(path, data, advance)
        self._report.copied.append(path)
        self._report.bytes += len(data)

    def _look(self, folders: set[str]) -> None:
        for folder in sorted(folders):
            entries = self._link.list(folder)
            if entries or folder == "/":
                self._folders.add(folder)
            for entry in entries:
                path = f"{folder.rstrip('/')}/{entry.name}"
                if entry.is_directory:
                    self._folders.add(path)
                else:
                    self._sizes[path] = entry.size

    def _read_list(self) -> None:
        if MANIFEST not in self._sizes:
            return
        try:
            content = json.loads(self._link.read_file(MANIFEST))
            self._deployed, self._pending = _hashes(content["files"]), _hashes(content["pending"])
        except (ValueError, KeyError, TypeError, AttributeError):
            self._report.notes.append(f"{MANIFEST} was not readable, and is written anew")

    def _hash(self, paths: list[str]) -> None:
        self._hashes = self._link.hashes(
            path for path in dict.fromkeys(paths) if path in self._sizes
        )

    def _is_ours(self, path: str) -> bool:
        digest = self._hashes.get(path)
        return digest is not None and digest in (
            self._deployed.get(path),
            self._pending.get(path),
        )

    def _give_way(self, path: str, force: bool) -> dict[str, str]:
        """What becomes of a boot.py or main.py that is not ours."""
        lines = self._link.read_file(path).decode("utf-8", "replace").splitlines()
        if all(not line.strip() or line.lstrip().startswith("#") for line in lines):
            return {}  # as on every new board
        if not force:
            raise DeployError(
                f"{path} on the board is a program of yours; --lib-only installs plexus beside it, "
                f"--force puts the firmware in its place and keeps yours as {path}.old"
            )
        self._report.notes.append(f"{path} of yours is now {path}.old")
        return {path: f"{path}.old"}

    def _check_space(self, plan: Plan) -> None:
        space = self._link.space()

        def blocks(size: int) -> int:
            return -(-size // space.block)

        freed = sum(
            blocks(self._sizes[path]) for path in {*plan.write, *plan.remove} if path in self._sizes
        )
        needed = sum(blocks(len(data)) for data in plan.write.values()) - freed
        # A file replaced is there twice for a while, and so is the list of them.
        needed += max((blocks(len(data)) for data in plan.write.values()), default=0) + 8
        if plan.write and needed * space.block > space.free:
            raise DeployError(
                f"the board's file system has {space.free // 1024} KiB free and "
                f"{needed * space.block // 1024} KiB are needed; remove files of yours"
            )

    def _record(self, files: dict[str, str], pending: dict[str, str]) -> None:
        content = {"files": files, "pending": pending}
        self._link.write(MANIFEST, json.dumps(content, separators=(",", ":")).encode())


def _hashes(value: Any) -> dict[str, str]:
    """The same, if it is paths and hashes; else a TypeError."""
    if not all(isinstance(key, str) and isinstance(item, str) for key, item in value.items()):
        raise TypeError("paths and hashes")
    return value


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _parent(path: str) -> str:
    return str(PurePosixPath(path).parent)
