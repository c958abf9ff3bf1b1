"""What a person should know of a store, in words. Loaded when somebody asks."""

import errno

from . import COUNT, DONE

_WORDS = {
    errno.ENOENT: "there is no such folder: is its file system mounted?",
    errno.ENOMEM: "out of memory",
    errno.EIO: "the flash fails",
    errno.ENODEV: "there is no such folder: is its file system mounted?",
    28: "the file system is full: remove files, or make store_bytes smaller",  # ENOSPC
    30: "the file system is read-only",  # EROFS
}


def trouble(store):
    """What is wrong with it, in words; "" if nothing is."""
    parts = []
    problem = store.problem
    if problem is not None:
        words = _WORDS.get(problem) or "error %s" % problem
        parts.append(words + "; readings are in RAM alone")
    if store.damaged:
        parts.append("%d readings are lost: their file is damaged" % store.damaged)
    undated = sum([file[COUNT] - file[DONE] for file in store.files if not store.is_due(file)])
    if undated:
        parts.append(
            "%d readings of an earlier run have no time: they are kept, and sent with "
            "require_clock=False only" % undated
        )
    return "; ".join(parts)


def status(store):
    """What `Plexus.status` says of it."""
    count = store.pending
    message = "; %d of those that wait are stored" % count if count else ""
    words = trouble(store)
    return message + "; store: " + words if words else message
