"""The partition of a virtual board's ROMFS, and what MicroPython does with it at the start."""

import sys

import _host
import vfs

_BLOCK_SIZE = 4096
_FILE = "rom.img"


class Partition(bytearray):
    """Its bytes, as the chip maps them into memory; they outlive the chip in a file."""

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self) // _BLOCK_SIZE
        if operation == 5:
            return _BLOCK_SIZE
        if operation == 6:
            self._put(argument * _BLOCK_SIZE, b"\xff" * _BLOCK_SIZE)
            return 0

    def writeblocks(self, block, buffer, offset=0):
        self._put(block * _BLOCK_SIZE + offset, buffer)

    def _put(self, at, data):
        self[at : at + len(data)] = data
        with _host.open_file(_FILE, "r+b") as file:
            file.seek(at)
            file.write(data)


def rom_ioctl(operation, *arguments):
    if operation == 1:
        return 1
    return _partition if operation == 2 else -22


def install():
    """Have the partition, and a `vfs` that tells of it."""
    global _partition
    size = _host.start["romfs_blocks"] * _BLOCK_SIZE
    if not _host.exists(_FILE):
        with _host.open_file(_FILE, "wb") as file:
            file.write(b"\xff" * size)
    _partition = Partition(size)
    with _host.open_file(_FILE) as file:
        file.readinto(_partition)
    sys.modules["vfs"] = _Module()


def mount():
    """Mount what is in the partition, if it is a ROMFS. Its modules come before those of /lib."""
    try:
        vfs.mount(vfs.VfsRom(_partition), "/rom")
    except OSError:
        return
    sys.path += ["/rom", "/rom/lib"]


class _Module:
    """MicroPython's `vfs` with rom_ioctl(), which the Unix port lacks."""

    def __init__(self):
        self.rom_ioctl = rom_ioctl

    def __getattr__(self, name):
        return getattr(vfs, name)
