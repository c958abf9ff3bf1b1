"""Provisioning over the serial port, line by line, for fixtures and browsers.

    PLEXUS:key=value    remembers it (draft.FIELDS; wifi_pass as well): PLEXUS:OK key
    PLEXUS:COMMIT       writes all of it at once: PLEXUS:SAVED, then the board restarts
    PLEXUS:STATUS       tells what is there, but no secrets: PLEXUS:STATUS key=value lines, and
                        PLEXUS:OK STATUS
    PLEXUS:RESET        forgets what was not written: PLEXUS:OK RESET, then the board restarts

What cannot be done is answered PLEXUS:ERROR key: words. Other lines are none of its business.
"""

import asyncio
import select
import sys

from ..config import ConfigError
from . import form
from .draft import FIELDS

_PREFIX = b"PLEXUS:"
_MAX_BYTES = 320
_POLL_MS = 30
_BURST = 256  # bytes in a row before others have their turn
_ALIASES = {"wifi_pass": "wifi_password"}


class Console:
    """`run()` is a task, beside others.

    draft: where values go. state: a function that tells in words what the device does. restart:
    called when the board is to start anew. read: gives the bytes that have come, at most so many,
    b"" if none (the serial port's, by default). write: takes a line (print).
    """

    def __init__(self, draft, state, restart, read=None, write=print):
        self._draft = draft
        self._state = state
        self._restart = restart
        self._read = read or Stdin().read
        self._write = write
        self._line = bytearray()
        self._long = False  # the line under way is longer than it may be

    async def run(self):
        """Read for ever."""
        self._say("READY")
        while True:
            data = self._read(_BURST)
            self.feed(data)
            await asyncio.sleep(0 if data else _POLL_MS / 1000)

    def feed(self, data):
        """Take bytes as they come; a line is done at CR or LF."""
        for byte in data:
            if byte == 10 or byte == 13:
                line, self._line = bytes(self._line), bytearray()
                if self._long:
                    self._long = False
                    if line[: len(_PREFIX)] == _PREFIX:
                        self._say("ERROR line: longer than %d bytes" % _MAX_BYTES)
                elif line[: len(_PREFIX)] == _PREFIX:
                    self._do(line[len(_PREFIX) :])
            elif len(self._line) < _MAX_BYTES:
                self._line.append(byte)
            else:
                self._long = True

    def _do(self, command):
        key, given, value = command.partition(b"=")
        if given:
            self._set(key, value)
        elif key == b"COMMIT":
            self._commit()
        elif key == b"STATUS":
            self._status()
        elif key == b"RESET":
            self._draft.clear()
            self._say("OK RESET")
            self._restart()
        else:
            self._say("ERROR line: write key=value, COMMIT, STATUS or RESET")

    def _set(self, key, value):
        # An unknown key is not said again: it may be a secret that has come into its place.
        name = form.text(key, 32) or ""
        field = _ALIASES.get(name, name)
        message = "unknown; give one of " + ", ".join(sorted(FIELDS))
        if field not in FIELDS:
            self._say("ERROR key: " + message)
            return
        text = form.text(value, _MAX_BYTES)
        if text is None:
            self._say("ERROR %s: no UTF-8, or it has a control character" % name)
            return
        try:
            self._draft.set(field, text)
        except ConfigError as error:
            self._say("ERROR %s: %s" % (name, str(error).partition(": ")[2]))
            return
        self._say("OK " + name)

    def _commit(self):
        try:
            self._draft.save()
        except ConfigError as error:
            self._say("ERROR " + str(error))
        except OSError as error:
            self._say("ERROR COMMIT: it could not be written (%s)" % error)
        else:
            self._say("SAVED")
            self._restart()

    def _status(self):
        draft = self._draft
        base = draft.base
        networks = [network["ssid"] for network in base.get("wifi", ())]
        found = {
            "state": self._state(),
            "board": draft.profile.get("name", ""),
            "source_id": base.get("source_id", ""),
            "endpoint": base.get("endpoint", ""),
            "api_key": "set" if "api_key" in base else "",
            "wifi_ssid": networks[0] if networks else "",
            "not_written": " ".join(sorted(draft.values)),
        }
        for name in sorted(found):
            self._say("STATUS %s=%s" % (name, found[name]))
        self._say("OK STATUS")

    def _say(self, message):
        self._write("PLEXUS:" + message)


class Stdin:
    """The serial port's input, without waiting."""

    def __init__(self, stream=None):
        """stream: a file with a descriptor, sys.stdin."""
        stream = stream or sys.stdin
        self._stream = getattr(stream, "buffer", stream)
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)

    def read(self, maximum):
        """The bytes that have come, at most so many; b"" if none."""
        data = bytearray()
        while len(data) < maximum and self._poll.poll(0):
            byte = self._stream.read(1)
            if not byte:
                break  # it ended: a host's pipe
            data.extend(byte)
        return bytes(data)
