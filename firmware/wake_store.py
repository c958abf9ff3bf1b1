"""Readings of a battery node that RTC memory has no room for: into the files of the store.

config: the configuration's part `store`. See plexus/store/ and docs/store.md.
"""

import os

from plexus.port import const, load, load_once

_SECTOR_BYTES = const(4096)
_BYTES = const(65536)
_PATH = "/plexus"


def _folder(config):
    return config.get("path", _PATH) + ".store"


def count(config):
    """How many files there are."""
    try:
        return len(os.listdir(_folder(config)))
    except OSError:
        return 0


def has_room(config):
    """Whether there may be one more without the loss of the oldest."""
    return count(config) < config.get("bytes", _BYTES) // _SECTOR_BYTES


def spill(config, px, line):
    """Put the oldest readings of a client's, or Recorder's, ring into a file: False if that fails.

    line: the number of the time line of those that have no time yet.
    """
    store = px.buffer.store
    try:
        if not store:
            most = config.get("bytes", _BYTES) // _SECTOR_BYTES
            make = load("plexus", "store").Store
            delivery = getattr(px, "delivery", px)
            store = make(delivery, _folder(config), most, 0, False, False, os.urandom, None)
            store.line = name_of(line)
        return load_once("plexus", "store.writing").write(store, True)
    except MemoryError:
        return False


def name_of(line):
    """What a time line is called in the names of files."""
    return "%08x" % line
