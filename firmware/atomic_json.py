"""JSON in a file that is replaced so that a power cut leaves the old one or the new one, whole.

And a number in the ESP32's NVS, for a flash that takes no file.
"""

import json
import os

_NEW = ".new"


def store(path, value):
    """Replace the file, or make it, with `value` as JSON. OSError: the old one is still there."""
    with open(path + _NEW, "wb") as file:
        file.write(json.dumps(value).encode())
        file.flush()
        if hasattr(os, "fsync"):  # CPython; where neither is, flush() has done it (LittleFS)
            os.fsync(file.fileno())
        elif hasattr(os, "sync"):
            os.sync()
    os.rename(path + _NEW, path)


def load(path, max_bytes):
    """What store() put there. OSError: there is none; ValueError: it is no JSON, or is longer."""
    try:
        return _parsed(path, max_bytes)
    except OSError as error:
        # A rename that is not atomic (FAT) may have been cut off when the old file was gone.
        try:
            value = _parsed(path + _NEW, max_bytes)
            os.rename(path + _NEW, path)  # before anything writes there
        except (OSError, ValueError):
            raise error
        return value


def _parsed(path, max_bytes):
    with open(path, "rb") as file:
        text = file.read(max_bytes + 1)
    if len(text) > max_bytes:
        raise ValueError("longer than %d bytes" % max_bytes)
    try:
        if text[:3] == b"\xef\xbb\xbf":  # an editor's mark of UTF-8
            text = text[3:]
        return json.loads(text.decode())
    except (RuntimeError, TypeError, MemoryError):  # nested too deep; a key that can be none
        raise ValueError("this is no JSON")


def number(new=None):
    """The number that is kept in NVS (int, 0 if none); `new`: keep this one in its place."""
    try:
        from esp32 import NVS

        nvs = NVS("plexus")
        if new is not None:
            nvs.set_i32("crashes", new)
            nvs.commit()
        return max(nvs.get_i32("crashes"), 0)
    except (ImportError, OSError):
        return 0
