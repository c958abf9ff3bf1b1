"""An exception in words: what it was and where, and the end of its traceback, without secrets."""

import io
import sys

from plexus.port import const

from .redact import redact

_TRACE_BYTES = const(1024)
_WINDOW_BYTES = const(2048)
_MAX_MESSAGE = const(120)
_SUMMARY = const(256)
_LONGEST_SECRET = const(512)  # a key, with each character of it escaped


def described(error, secrets, window=None):
    """(summary, traceback) of an exception, in which each of the secrets (str) is ***.

    The summary has 256 characters at the most, "ValueError: words; sampler.py:88 tick <
    device.py:120 run", the innermost place first. The traceback is its last kilobyte. `window`:
    a Window that was made while there was memory for it.
    """
    if window is None:
        window = Window()
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, window)
    else:
        from traceback import format_exception

        for line in format_exception(error):
            window.write(line.encode())
    data = window.end()
    text = redact(secrets, _tail(data, len(data)))
    if window.cut:
        # Its beginning may be what was left of a secret.
        data = text.encode()
        text = _tail(data, len(data) - _LONGEST_SECRET)
    del data  # where memory is short, its kilobytes are needed
    summary = redact(secrets, "%s: %s" % (type(error).__name__, error))[:_MAX_MESSAGE]
    places = _places(text)
    if places:
        summary = "%s; %s" % (summary, places)
    return summary[:_SUMMARY], _tail(text.encode(), _TRACE_BYTES)


class Window(io.IOBase):
    """A stream that keeps the last 2 kB of what is written to it, and allocates nothing then.

    cut: more than that was written.
    """

    def __init__(self):
        self._data = bytearray(_WINDOW_BYTES)
        self._written = 0

    @property
    def cut(self):
        return self._written > _WINDOW_BYTES

    def write(self, data):
        at = self._written % _WINDOW_BYTES
        for byte in data:
            self._data[at] = byte
            at = (at + 1) % _WINDOW_BYTES
        self._written += len(data)
        return len(data)

    def discard(self):
        """Give its 2 kB back: it may itself outlive who lets go of it, as a collector takes any
        number on a stack for an address."""
        self._data = None

    def end(self):
        """What it has kept, as bytes."""
        if not self.cut:
            return bytes(memoryview(self._data)[: self._written])
        at = self._written % _WINDOW_BYTES
        return bytes(self._data[at:] + self._data[:at])


def _tail(data, maximum):
    # The end of UTF-8 as a str, not begun amid a character.
    start = max(len(data) - maximum, 0)
    while start < len(data) and data[start] & 0xC0 == 0x80:
        start += 1
    return bytes(data[start:]).decode()


def _places(trace):
    # Of lines like: File "plexus.client", line 12, in tick; a source has its path there.
    places = []
    for line in trace.split("\n"):
        parts = line.strip().split('"')
        if len(parts) == 3 and parts[0] == "File ":
            number, _, function = parts[2][len(", line ") :].partition(", in ")
            file = parts[1].split("/")[-1]
            if not file.endswith(".py"):
                file = file.split(".")[-1]
            places.insert(0, "%s:%s %s" % (file, number, function))
    return " < ".join(places)
