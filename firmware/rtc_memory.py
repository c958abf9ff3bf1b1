"""What outlives a battery node's deep sleep in the RTC's memory, of whose layout this is the owner.

Stock firmware has 2,048 B of it, which keep what they hold over every reset but a loss of power.
Little-endian:

    4 B   b"plx" and the layout's version
    2 B   wakes since one has sent, that one counted
    1 B   bit 0: that one failed; bit 1: this memory was damaged, and the server does not know
    2 B   how many readings the segment has
    4 B   readings that were lost, and the server does not know of
    8 B   what the RTC said when this was written, ms since 1970
    8 B   what it said when it was right, after a sync; 0: its time is not known
    4 B   the number of the time line that counts until the time is known
    4 B   by how much a sleep is longer than it says, in ppm; signed
    4 B   CRC-32 of all before it
    rest  the readings, oldest first: a segment, see plexus/readings/segment.py
"""

import binascii
import struct

import machine

from plexus.port import const

_BYTES = const(2048)
_HEAD = "<4sHBHIQQIi"
_HEAD_BYTES = const(37)
_MAGIC = b"plx2"
_FAILED = const(1)
_DAMAGED = const(2)
# For readings; with the CRC-32 the header takes the rest.
ROOM = _BYTES - _HEAD_BYTES - 4


def load(sleep, safe):
    """What the wake before has left there, an RtcMemory.

    sleep: the configuration's part of that name; safe: whether this run is in safe mode. Both
    decide whether this wake is `due` to send, as each `send_every`-th is, and any other start.
    """
    kept = RtcMemory()
    kept.due = (
        safe
        or machine.reset_cause() != machine.DEEPSLEEP_RESET
        or not kept.wakes
        or kept.wakes >= sleep.get("send_every", 1)
    )
    return kept


class RtcMemory:
    """What there is in it; save() leaves it for the next wake.

    wakes, failed, damaged, count, lost, saved_ms, synced_ms, line, rate_ppm: as above. segment:
    bytes, b"" for no reading. What is damaged, or of another version, is passed over. due: see
    load().
    """

    def __init__(self):
        self.due = True
        self.wakes = self.count = self.lost = self.line = 0
        self.saved_ms = self.synced_ms = self.rate_ppm = 0
        self.failed = self.damaged = False
        self.segment = b""
        try:
            raw = machine.RTC().memory()
        except AttributeError:  # a MicroPython that was built without it
            return
        crc = binascii.crc32(raw[:_HEAD_BYTES]).to_bytes(4, "little")
        if raw[:4] != _MAGIC or raw[_HEAD_BYTES : _HEAD_BYTES + 4] != crc:
            self.damaged = len(raw) > 0
            return
        (
            _,
            self.wakes,
            flags,
            self.count,
            self.lost,
            self.saved_ms,
            self.synced_ms,
            self.line,
            self.rate_ppm,
        ) = struct.unpack_from(_HEAD, raw)
        self.failed = bool(flags & _FAILED)
        self.damaged = bool(flags & _DAMAGED)
        self.segment = raw[_HEAD_BYTES + 4 :]

    def save(self, segment, count):
        """Keep these `count` readings, at most ROOM bytes, and the rest of it: False if it cannot.

        Nothing wears out by that.
        """
        raw = bytearray(_HEAD_BYTES + 4 + len(segment))
        struct.pack_into(
            _HEAD,
            raw,
            0,
            _MAGIC,
            self.wakes,
            self.failed * _FAILED | self.damaged * _DAMAGED,
            count,
            self.lost,
            self.saved_ms,
            self.synced_ms,
            self.line,
            self.rate_ppm,
        )
        crc = binascii.crc32(memoryview(raw)[:_HEAD_BYTES])
        raw[_HEAD_BYTES : _HEAD_BYTES + 4] = crc.to_bytes(4, "little")
        raw[_HEAD_BYTES + 4 :] = segment
        try:
            machine.RTC().memory(raw)
        except (AttributeError, ValueError):  # ValueError: this build's is smaller
            return False
        return True
