"""Which of a ring's texts its records name: told when there are many, or no room for one more."""

from array import array

from ..port import const
from .ring import NO_USE, SERIES, copy, cursor

_SEQ = const(7)
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)


def _uses(ring):
    # Each text's last record, as its distance from the oldest; -1 if none names the text.
    use = ring.use = array("i", [-1] * SERIES)
    at = cursor()
    copy(at, ring.tail)
    ring.walk(at, ring.tmp, 4, ring.pending, 0, 0, _ALL, b"0")
    ring.use = NO_USE
    return [(last - ring.tail[_SEQ]) & _WRAP if last >= 0 else -1 for last in use]


def sweep(ring):
    """Forget the texts that no record names."""
    uses = _uses(ring)
    for text, number in list(ring.numbers.items()):
        if uses[number] < 0:
            del ring.numbers[text]
            ring.texts[number] = None
            ring.text_bytes -= len(text)


def oldest_texts_end(ring):
    """How many of the oldest records to drop so that some texts (1 in 16) are free again."""
    ends = sorted(n for n in _uses(ring) if n >= 0)
    return ends[len(ends) // 16] + 1
