"""A flash chip of the tests' own under real LittleFS: counts erases, keeps a journal, tears it."""

import os

BLOCK = 4096
_SYNC = 3
_COUNT = 4
_SIZE = 5
_ERASE = 6


class Chip:
    """A block device. `journal`: None, or what was done to it: (block, offset, bytes or None).

    Bytes None is an erase; (None, None, None) a sync. on_change() is called before each.
    """

    def __init__(self, blocks, data=None):
        self.data = data or bytearray(b"\xff" * (BLOCK * blocks))
        self.blocks = blocks
        self.erases = 0
        self.journal = None
        self.on_change = None

    def readblocks(self, block, out, offset=0):
        at = block * BLOCK + offset
        out[:] = self.data[at : at + len(out)]

    def writeblocks(self, block, data, offset=0):
        self._note(block, offset, bytes(data))
        program(self.data, block, offset, data)

    def ioctl(self, request, argument):
        if request == _COUNT:
            return self.blocks
        if request == _SIZE:
            return BLOCK
        if request == _ERASE:
            self._note(argument, 0, None)
            self.erases += 1
            program(self.data, argument, 0, None)
        if request == _SYNC:
            self._note(None, None, None)
        return 0

    def _note(self, *change):
        if self.on_change:
            self.on_change()
        if self.journal is not None:
            self.journal.append(change)


def program(image, block, offset, data):
    """Do one of a journal's changes to an image."""
    if block is None:
        return
    if data is None:
        image[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
    else:
        at = block * BLOCK + offset
        image[at : at + len(data)] = data


def torn(image, block, offset, data):
    """Half of such a change."""
    if block is None:
        return
    if data is None:
        image[block * BLOCK : block * BLOCK + BLOCK // 2] = b"\xff" * (BLOCK // 2)
    else:
        program(image, block, offset, data[: len(data) // 2])


def mounted(chip, path, fresh=False):
    """Mount its file system, as a board's firmware does; `fresh`: make it first."""
    options = {"readsize": 32, "progsize": 32, "lookahead": 32}
    if fresh:
        os.VfsLfs2.mkfs(chip, **options)
    os.mount(os.VfsLfs2(chip, mtime=True, **options), path)
