"""A ring's oldest records as bytes that stand by themselves: for a file, or memory that survives.

4 B     b"plx" and the version
8 B     how many records, texts, bytes of records; 0 (2 B each, little-endian)
24 B    time and step before the first record on both time lines, as a cursor has them
texts   each its number (1 B) and two lengths (2 B each), a metric as JSON, and what stands
        behind a reading's time
records as the ring has them (see codec.py)
4 B     CRC-32 of all before it
"""

import binascii
import struct
from array import array

from ..port import const
from .ring import NO_USE, Ring, copy, cursor

_HEAD = "<4sHHHH6i"
_MAGIC = b"plx\x01"
_HEAD_BYTES = const(36)
_CRC_BYTES = const(4)
_TEXT_BYTES = const(5)
_POS = const(0)  # of a cursor, see codec.py
_LINES = const(1)
_SEQ = const(7)
_MOST = const(65535)
_STRIDE = const(64)
_ALL = const(0x3FFFFFFF)
# What all texts have around their metric, see record.text().
_FRONT = b',{"metric":'
_BEHIND = b',"value":'
_CONSTANT = const(20)


def pack(ring, limit, out=None):
    """(bytes, count): the oldest records that, with the texts that they name, fit into `limit` B.

    They stay in the ring. (b"", 0) if not one fits. The ring's lock is held meanwhile. `out`: a
    bytearray to write into, of which the bytes are then a memoryview.
    """
    end, count, size, texts = _measured(ring, limit)
    if not count:
        return b"", 0
    if out is None:
        out = bytearray(size)
    tail = ring.tail
    span = _span(ring, end)
    struct.pack_into(
        _HEAD, out, 0, _MAGIC, count, len(texts), span, 0, *[tail[_LINES + i] for i in range(6)]
    )
    pos = _HEAD_BYTES
    for number in texts:
        text = memoryview(ring.texts[number])
        split = (text[0] << 8 | text[1]) + 4
        metric = text[4 + len(_FRONT) : split - len(_BEHIND)]
        suffix = text[split:]
        struct.pack_into("<BHH", out, pos, number, len(metric), len(suffix))
        pos += _TEXT_BYTES
        for part in (metric, suffix):
            out[pos : pos + len(part)] = part
            pos += len(part)
    data = memoryview(ring.data)
    start = tail[_POS]
    first = min(span, len(data) - start)
    out[pos : pos + first] = data[start : start + first]
    out[pos + first : pos + span] = data[: span - first]
    pos += span
    whole = memoryview(out)
    struct.pack_into("<I", out, pos, binascii.crc32(whole[:pos]) & 0xFFFFFFFF)
    return whole[: pos + _CRC_BYTES], count


def _span(ring, at):
    # The bytes from the oldest record to a cursor; a ring is never full to the last byte.
    return (at[_POS] - ring.tail[_POS]) % len(ring.data)


def _measured(ring, limit):
    # (cursor behind the last record, how many, bytes in all, the numbers of their texts). Many
    # records at a time, and fewer near the end.
    use = ring.use = array("i", [-1] * len(ring.texts))
    before = array("i", use)
    at = cursor()
    end = cursor()
    copy(at, ring.tail)
    copy(end, at)
    pending = min(ring.pending, _MOST)
    count = size = 0
    stride = _STRIDE
    while stride and count < pending:
        some = min(stride, pending - count)
        ring.walk(at, ring.tmp, 4, some, 0, 0, _ALL, b"0")
        needed = _HEAD_BYTES + _CRC_BYTES + _span(ring, at)
        for number in range(len(use)):
            if use[number] >= 0:
                needed += len(ring.texts[number]) - 4 - _CONSTANT + _TEXT_BYTES
        fits = needed <= limit
        if fits:
            count += some
            size = needed
            copy(end, at)
        else:
            copy(at, end)
            stride >>= 1
        to, source = (before, use) if fits else (use, before)
        for number in range(len(use)):
            to[number] = source[number]
    ring.use = NO_USE
    return end, count, size, [number for number in range(len(use)) if use[number] >= 0]


def unpack(raw):
    """A Ring over these bytes, which are not copied; its first record's number is 0.

    ValueError: they are damaged, or not of this version.
    """
    behind = len(raw) - _CRC_BYTES
    if behind < _HEAD_BYTES or bytes(raw[: len(_MAGIC)]) != _MAGIC:
        raise ValueError("no segment of this version")
    whole = memoryview(raw)
    if struct.unpack_from("<I", raw, behind)[0] != binascii.crc32(whole[:behind]) & 0xFFFFFFFF:
        raise ValueError("a damaged segment")
    head = struct.unpack_from(_HEAD, raw, 0)
    _, count, texts, span = head[:4]
    ring = Ring()
    pos = _HEAD_BYTES
    for _ in range(texts):
        number, metric, suffix = struct.unpack_from("<BHH", raw, pos)
        pos += _TEXT_BYTES
        split = metric + _CONSTANT
        text = bytes((split >> 8, split & 255, suffix >> 8, suffix & 255))
        text += _FRONT + whole[pos : pos + metric] + _BEHIND
        pos += metric
        text += whole[pos : pos + suffix]
        pos += suffix
        ring.texts += [None] * (number + 1 - len(ring.texts))
        ring.texts[number] = text
    # The byte behind them is the one that stays free in a ring.
    ring.data = whole[pos : pos + span + 1]
    for i in range(6):
        ring.tail[_LINES + i] = head[5 + i]
    ring.head[_POS] = span
    ring.head[_SEQ] = count
    return ring


def refill(ring, raw):
    """Put the records back into `ring`, which is empty, for others to come behind them.

    ValueError: see unpack(); or the ring is too small for them.
    """
    old = unpack(raw)
    # The times of its end, which stand in no segment.
    end = old.head
    pending = old.pending
    copy(end, old.tail)
    old.walk(end, ring.tmp, 0, pending, 0, 0, _ALL, b"0")
    span = end[_POS]
    if span >= len(ring.data):
        raise ValueError("%d B of readings for a ring of %d" % (span, len(ring.data)))
    ring.data[:span] = old.data[:span]
    copy(ring.tail, old.tail)
    copy(ring.head, end)
    ring.texts = old.texts
    ring.numbers = {text: number for number, text in enumerate(old.texts) if text is not None}
    ring.text_bytes = sum([len(text) for text in ring.numbers])
