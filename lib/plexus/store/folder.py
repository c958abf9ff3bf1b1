"""A store's folder: finds the files, reads one, removes one. Loaded for each of that."""

import errno
import os

from ..port import const, load_once
from . import COUNT, NUMBER, TIMES

_READ_ONLY = const(30)  # EROFS, for which MicroPython's errno has no name


def path_of(store, file):
    """Where a file is."""
    name = "%x-%x" % (file[NUMBER], file[COUNT])
    if file[TIMES]:
        name += "-" + file[TIMES]
    return store.folder + "/" + name


def _parsed(name):
    # A file of this name; None if it is not one of ours.
    parts = name.split("-")
    try:
        if 2 <= len(parts) <= 3:
            times = parts[2] if len(parts) == 3 else ""
            file = [int(parts[0], 16), int(parts[1], 16), times, None, 0]
            if times[:1] == "+":
                int(times[1:], 16)
            return file
    except ValueError:
        pass
    return None


def find(store):
    """List the files that are there, the oldest first; make the folder if there is none."""
    try:
        try:
            os.mkdir(store.folder)
        except OSError as error:
            if error.args[0] not in (errno.EEXIST, _READ_ONLY):
                raise
        names = os.listdir(store.folder)
    except OSError as error:
        store.failed(error)
        return
    found = []
    for name in names:
        file = _parsed(name)
        if file:
            found.append(file)
    # Of two with one number the second has what the first has, and more: a power cut came before
    # the first was removed.
    found.sort(key=lambda file: (file[NUMBER], file[COUNT]))
    for file in found:
        if _is_empty(store, file):  # a cut came before it was closed: nothing was in it yet
            remove(store, file)
            continue
        files = store.files
        if files and files[-1][NUMBER] == file[NUMBER]:
            older = files[-1]
            try:
                read(store, file)
                files[-1] = file
            except (OSError, ValueError):
                older = file
            remove(store, older)
        else:
            files.append(file)


def _is_empty(store, file):
    try:
        return not os.stat(path_of(store, file))[6]
    except OSError:
        return False


def read(store, file):
    """The Ring of a file's readings, in the store's memory. OSError, ValueError: it is damaged."""
    with open(path_of(store, file), "rb") as source:
        size = source.readinto(store.memory)
    ring = load_once("plexus", "readings.segment").unpack(memoryview(store.memory)[:size])
    if ring.pending != file[COUNT]:
        raise ValueError("not what its name says")
    if file[TIMES][:1] == "+":
        lacks = int(file[TIMES][1:], 16)
        ring.date(lacks // 1000000, lacks % 1000000)
    return ring


def remove(store, file):
    """Remove a file. What cannot be removed is sent again by the next run."""
    try:
        os.remove(path_of(store, file))
    except OSError as error:
        store.failed(error)
