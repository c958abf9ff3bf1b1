"""Puts the ring's oldest readings into a store's files. Loaded when something is to be written."""

import os

from ..port import const, load_once
from . import COUNT, DONE, FIRST, NUMBER, SEGMENT_BYTES, TIMES

_SEQ = const(7)  # of a cursor, see readings/codec.py
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)


def persist(store):
    """Have all of the ring's readings in files. True if they are."""
    ring = store.delivery.buffer.ring
    while ring.pending != store.copied():
        if not write(store, False):
            return False
    return True


def spill(store):
    """Make room in the ring, by a file that takes its oldest readings.

    A full store lets go of its oldest file at one call and writes at the next: each erases a sector
    or two, for which a board stands still.
    """
    if not store.copy and len(store.files) >= store.most:
        drop_oldest(store)
    else:
        write(store, True)


def write(store, free):
    """Put the ring's oldest readings into one file: True, or False if that fails.

    free: and let go of them. Without it, readings that do not fill a file stay in the ring as
    well: when there are more of them, a fuller file takes that one's place.
    """
    buffer = store.delivery.buffer
    ring = buffer.ring
    old = store.copy
    files = store.files
    if not old:
        while len(files) >= store.most:
            drop_oldest(store)
    store.release()
    with buffer.lock:
        buffer.add_deferred()
        first = ring.tail[_SEQ]
        times = "" if buffer.clock.known else store.line
        raw, count = load_once("plexus", "readings.segment").pack(ring, SEGMENT_BYTES, store.memory)
        free = free or count < ring.pending
    if not count:
        return False
    file = [_number(store, first), count, times, first, 0]
    if not old or old[:TIMES] != file[:TIMES]:
        try:
            _save(store, file, raw)
        except OSError as error:
            store.failed(error)
            folder = load_once(__name__, "folder")
            try:
                os.remove(folder.path_of(store, file))
            except OSError:
                pass  # there may be none
            return False
        store.problem = store.again_at = None
    else:
        file, old = old, None
    store.copy = None if free else file
    if free:
        with buffer.lock:
            files.append(file)
            left = ring.left(first + count & _WRAP)
            # What a full ring has dropped meanwhile is in the file.
            buffer._dropped -= count - left
            ring.walk(ring.tail, ring.tmp, 0, left, 0, 0, _ALL, b"0")
    if old:
        store.remove(old)
    return True


def _number(store, first):
    # A file that takes another's place has its number.
    copy = store.copy
    if copy:
        return copy[NUMBER] if copy[FIRST] == first else copy[NUMBER] + 1
    return store.files[-1][NUMBER] + 1 if store.files else 0


def _save(store, file, raw):
    with open(load_once(__name__, "folder").path_of(store, file), "wb") as target:
        target.write(raw)
        if hasattr(os, "fsync"):  # CPython; elsewhere to close it does that
            target.flush()
            os.fsync(target.fileno())


def drop_oldest(store):
    """Let go of the oldest file; its readings count as dropped."""
    store.release()
    file = store.files.pop(0)
    store.delivery.buffer._dropped += file[COUNT] - file[DONE]
    store.remove(file)


def rename(store):
    """The clock is known: have the names of this run's files tell what their times lack."""
    store.stale = False
    lacks = store.lacks[store.line]
    folder = load_once(__name__, "folder")
    for file in store.files + [store.copy]:
        if file and file[TIMES] == store.line:
            path = folder.path_of(store, file)
            dated = "+%x" % (lacks[0] * 1000000 + lacks[1])
            new = file[:TIMES] + [dated]
            try:
                os.rename(path, folder.path_of(store, new))
            except OSError as error:
                store.failed(error)
                return
            file[TIMES] = dated
