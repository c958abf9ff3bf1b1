"""What a store costs the flash, and what a power cut takes: under LittleFS as a board has it."""

import builtins
import os

import common
from data import steps, values

_BLOCK = 4096
_BLOCKS = 512  # 2 MB, as beside MicroPython on an ESP32 with 4 MB
_ROOT = "/bench"
_URL = "http://127.0.0.1:9/api/ingest"


class Chip:
    """Flash: a block device that counts erases."""

    def __init__(self):
        self._data = bytearray(b"\xff" * (_BLOCK * _BLOCKS))
        self.erases = 0

    def readblocks(self, block, out, offset=0):
        at = block * _BLOCK + offset
        out[:] = memoryview(self._data)[at : at + len(out)]

    def writeblocks(self, block, data, offset=0):
        at = block * _BLOCK + offset
        self._data[at : at + len(data)] = data

    def ioctl(self, request, argument):
        if request == 4:
            return _BLOCKS
        if request == 5:
            return _BLOCK
        if request == 6:
            self.erases += 1
        return 0


class _Calls:
    """In place of open() and a file: the erases of each call, in `counts`."""

    def __init__(self, chip):
        self._chip = chip
        self._open = builtins.open
        self._file = None
        self.counts = []
        self.size = 0
        builtins.open = self.open

    def _counted(self, call, *arguments):
        before = self._chip.erases
        result = call(*arguments)
        self.counts.append(self._chip.erases - before)
        return result

    def open(self, path, mode):
        self._file = self._counted(self._open, path, mode)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._counted(self._file.close)

    def write(self, data):
        self.size += len(data)
        return self._counted(self._file.write, data)


def _client(ring_bytes, interval_s):
    # (the chip that its store is on, the client)
    chip = Chip()
    options = {"readsize": 32, "progsize": 32, "lookahead": 32}
    os.VfsLfs2.mkfs(chip, **options)
    os.mount(os.VfsLfs2(chip, mtime=True, **options), _ROOT)
    place = _ROOT + "/plexus"
    return chip, common.client(_URL, ring_bytes, store=place, persist_interval_s=interval_s)


def erases(ring_bytes, files):
    """An outage that writes so many files. A full store drops its oldest ones."""
    chip, px = _client(ring_bytes, 86400)
    value, step = values("1 decimal"), steps()
    calls = _Calls(chip)
    removal = readings = 0
    chip.erases = 0
    while len(calls.counts) < 3 * files:
        common._now[0] = next(step)
        px.send("temperature", next(value))
        readings += 1
        before, written = chip.erases, len(calls.counts)
        px.tick(up=False)
        if len(calls.counts) == written:
            removal = max(removal, chip.erases - before)
    writes = [sum(calls.counts[i : i + 3]) for i in range(0, 3 * files, 3)]
    return {
        "erases": chip.erases,
        "bytes": calls.size,
        "readings": readings,
        "call": max(max(calls.counts), removal),
        "writes": [writes.count(count) for count in range(max(writes) + 1)],
    }


def lost(interval_s):
    """How many readings a power cut at each second of an outage of two hours would take."""
    _, px = _client(16384, interval_s)
    value, step = values("1 decimal"), steps()
    counts = []
    for _ in range(7200):
        common._now[0] = next(step)
        px.send("temperature", next(value))
        px.tick(up=False)
        counts.append(px.pending - px.store.pending - px.store.copied())
    counts.sort()
    return {"median": counts[len(counts) // 2], "worst": counts[-1]}


if __name__ == "__main__":
    common.main({"erases": erases, "lost": lost})
