"""A board's ROMFS: a read-only file system in flash, which bytecode runs from in place.

Firmware that has one mounts it at /rom, and looks for modules in /rom/lib before /lib.
"""

import base64
import errno
import hashlib
import json
from collections.abc import Callable
from typing import Any

from tools.board_link.ports import LinkError
from tools.board_link.repl import BoardError, BoardLink

LABEL = "romfs"  # of its partition, as MicroPython's ESP32 port looks for it
MOUNTED = "/rom"
# Tells our image from one of the user's, and has the hashes of its files.
LIST = "/.plexus.json"
_MODULES = "/lib/"
_HEADER = b"\xd2\xcd\x31"
_CHUNK_BYTES = 2048  # a part of a flash block; a string of 3 kB on the board's heap
_ERASE_S = 0.5  # what one block may take at the most
_FIND = f"""
try:
 import vfs,os
 d=vfs.rom_ioctl(2,0) if vfs.rom_ioctl(1)>0 else None
 r=(d.ioctl(4,0),d.ioctl(5,0),bytes(memoryview(d)[:3])=={_HEADER!r})
except (ImportError,AttributeError,TypeError):
 r=None
print(repr(r))
"""


def image(files: dict[str, bytes]) -> bytes:
    """A ROMFS with these files, by their absolute paths, and the list of them."""
    from mpremote.romfs import VfsRomWriter

    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
    writer = VfsRomWriter()
    _add(writer, _tree(files | {LIST: json.dumps(hashes, separators=(",", ":")).encode()}))
    return bytes(writer.finalise())


def split(files: dict[str, bytes], size: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What of the files goes into a ROMFS of so many bytes, and what does not.

    Modules of /lib do; a package as a whole, since MicroPython looks for its modules where it has
    found the package.
    """
    packages: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        if path.startswith(_MODULES):
            packages.setdefault(path.split("/")[2], {})[path] = data
    inside: dict[str, bytes] = {}
    for package in sorted(packages.values(), key=_size, reverse=True):
        if len(image(inside | package)) <= size:
            inside |= package
    return inside, {path: data for path, data in files.items() if path not in inside}


def _size(files: dict[str, bytes]) -> int:
    return sum(map(len, files.values()))


def _tree(files: dict[str, bytes]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, data in files.items():
        *folders, name = path[1:].split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = data
    return tree


def _add(writer: Any, tree: dict[str, Any]) -> None:
    for name, content in sorted(tree.items()):
        if isinstance(content, dict):
            writer.opendir(name)
            _add(writer, content)
            writer.closedir()
        else:
            writer.mkfile(name, content)


class Rom:
    """The ROMFS partition of a connected board. size: its bytes.

    is_blank: there is no ROMFS in it. is_ours: there is, and a deploy has written it; its files are
    in `hashes`.
    """

    def __init__(self, link: BoardLink, blocks: int, block_size: int, is_blank: bool):
        self._link = link
        self._block_size = block_size
        self.size = blocks * block_size
        self.is_blank = is_blank
        self.is_ours = False
        self.hashes: dict[str, str] = {}
        if not is_blank:
            try:
                self.hashes = json.loads(link.read_file(MOUNTED + LIST))
                self.is_ours = True
            except BoardError as error:
                if error.errno != errno.ENOENT:
                    raise
            except ValueError:
                pass

    def read(self, path: str) -> bytes:
        """A file's content."""
        return self._link.read_file(MOUNTED + path)

    def hides(self, names: tuple[str, ...]) -> str | None:
        """The path of what would be imported from there in place of one of these modules."""
        for folder in (MOUNTED, MOUNTED + "/lib"):
            for entry in self._link.list(folder):
                if entry.name.split(".")[0] in names:
                    return f"{folder}/{entry.name}"
        return None

    def holds(self, content: bytes) -> bool:
        """Whether this image is there already."""
        return not self.is_blank and self._hash(len(content)) == _digest(content)

    def write(self, content: bytes, wrote: Callable[[int], object]) -> None:
        """Write an image in place of what is there. It is mounted at the next restart.

        Its first bytes come last: cut off before, there is no ROMFS, and none that is damaged.
        """
        count = -(-len(content) // self._block_size)
        self._link.exec(
            "import vfs\nfrom binascii import a2b_base64\n"
            f"try:\n vfs.umount({MOUNTED!r})\nexcept OSError:\n pass\n"
            f"_rom=vfs.rom_ioctl(2,0)\nfor i in range({count}):\n _rom.ioctl(6,i)",
            10 + count * _ERASE_S,
        )
        for at in [*range(_CHUNK_BYTES, len(content), _CHUNK_BYTES), 0]:
            piece = content[at : at + _CHUNK_BYTES].ljust(_CHUNK_BYTES, b"\xff")
            block, offset = divmod(at, self._block_size)
            text = base64.b64encode(piece).decode()
            self._link.exec(f"_rom.writeblocks({block},a2b_base64('{text}'),{offset})")
            wrote(min(_CHUNK_BYTES, len(content) - at))
        if self._hash(len(content)) != _digest(content):
            raise LinkError(
                f"{MOUNTED}: damaged on the way; try again, with a shorter or better cable"
            )

    def _hash(self, size: int) -> str:
        return self._link.exec(
            "import vfs,hashlib\nfrom binascii import hexlify\n"
            f"print(hexlify(hashlib.sha256(memoryview(vfs.rom_ioctl(2,0))[:{size}]).digest())"
            ".decode())",
            30,
        ).strip()


def find(link: BoardLink) -> Rom | None:
    """The ROMFS partition of a board; None if its MicroPython has none."""
    import ast

    answer = link.exec(_FIND).strip()
    try:
        found = ast.literal_eval(answer)
    except (ValueError, SyntaxError):
        raise LinkError(f"{link.port}: the board's answer about ROMFS is not readable") from None
    if found is None:
        return None
    blocks, block_size, has_image = found
    return Rom(link, blocks, block_size, not has_image)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
