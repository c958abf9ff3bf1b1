"""The readings' fixed bytes: append, look, commit, drop the oldest; and the texts they share."""

from array import array

from ..port import const, load, load_native, micropython

# The inner loops: machine code where the port has viper, else plain bytecode.
_codec = load_native(__name__, "codec")
append = _codec.append
digits = _codec.digits
walk = _codec.walk

# Kinds of record (see codec.py).
FLOAT64 = const(10)
INT = const(11)
NEGATIVE = const(12)
TEXT = const(13)
FALSE = const(14)

_POS = const(0)
_HI = const(1)
_LO = const(2)
_SEQ = const(7)
_CURSOR = const(8)
_WRAP = const(0x3FFFFFFF)
_ALL = const(0x3FFFFFFF)
SERIES = const(256)  # at most 271: what a record's head can name
_MIN_SWEEP = const(16)
NO_USE = array("i", (0,))


def cursor():
    """A place in the ring: array('i', [pos, hi, lo, step, xhi, xlo, xstep, seq, float_bytes])."""
    return array("i", (0, 0, 0, 0x10000000, 0, 0, 0x10000000, 0, 0))


def copy(to, at):
    """Set cursor `to` to the place of cursor `at`."""
    for i in range(_CURSOR):
        to[i] = at[i]


def shift(at, hi, lo):
    """Move the clock's time at cursor `at` by hi * 10^6 + lo ms."""
    carry, at[_LO] = divmod(at[_LO] + lo, 1000000)
    at[_HI] += hi + carry


class Ring:
    """Records in the bytes `data`, and up to 256 texts (metric, tags, session, source) they name.

    Not locked: its owner sees to that. Nothing here grows with the number of readings.
    """

    def __init__(self, data=b""):
        self.data = data
        self.head = cursor()
        self.tail = cursor()
        self.tmp = bytearray(121)
        self.tmp[48:61] = b',"timestamp":'
        self.tmp[112:121] = b"falsetrue"
        self.texts = []
        self.use = NO_USE
        self.numbers = {}
        self.text_bytes = 0
        self._sweep_at = _MIN_SWEEP
        self.sweeps = 0

    @property
    def pending(self):
        return (self.head[_SEQ] - self.tail[_SEQ]) & _WRAP

    @property
    def used(self):
        """Bytes that records take."""
        return (self.head[_POS] - self.tail[_POS]) % len(self.data)

    def left(self, seq):
        """How many records are still here of those before number `seq`."""
        n = (seq - self.tail[_SEQ]) & _WRAP
        return n if n <= _WRAP // 2 else 0

    @property
    def next(self):
        """The number that the next record gets."""
        return self.head[_SEQ]

    @micropython.native
    def append(self, kind, number, time_map, ticks, data, n):
        """Add a record (see codec.append): True, or False until older ones are dropped.

        ValueError if it never fits: it is larger than the ring.
        """
        size = len(self.data)
        taken = append(
            self.data, size, self.tail, self.head, self.tmp, kind, number, time_map, ticks, data, n
        )
        if taken <= -size:
            raise ValueError(
                "value: it needs %d B of a ring of %d; raise ring_bytes" % (-taken, size)
            )
        return taken > 0

    def passed(self, seq):
        """How many records from number `seq` on are gone already: 0 if none is."""
        n = (self.tail[_SEQ] - seq) & _WRAP
        return n if n <= _WRAP // 2 else 0

    def commit(self, at):
        """Let go of every record before cursor `at`; those dropped meanwhile are no error."""
        if not self.passed(at[_SEQ]):
            copy(self.tail, at)

    def drop(self):
        """Let go of the oldest record."""
        self.walk(self.tail, self.tmp, 0, 1, 0, 0, _ALL, b"0")

    def walk(self, at, out, mode, n, pos, room, limit, text=b""):
        """Render up to `n` records from cursor `at` on into `out`: see codec.walk."""
        return walk(
            0,
            0,
            0,
            self.data,
            at,
            self.texts,
            self.use,
            self.tmp,
            out,
            mode,
            n,
            pos,
            room,
            limit,
            text,
        )

    def date(self, hi, lo):
        """Add hi * 10^6 + lo ms to the time of every record that the clock stamped."""
        shift(self.tail, hi, lo)
        shift(self.head, hi, lo)

    def number(self, text):
        """The number by which a record names `text`; -1 while records that wait have them all."""
        numbers = self.numbers
        number = numbers.get(text)
        if number is not None:
            return number
        if len(self.texts) >= self._sweep_at:
            self.sweep()
            self._sweep_at = max(_MIN_SWEEP, 2 * len(numbers))
        limit = max(len(self.data), 1024) - len(text)
        for again in range(2):
            if len(numbers) < SERIES and self.text_bytes <= limit:
                break
            if again:
                if limit < 0:
                    raise ValueError(
                        "metric, tags and session: %d B of JSON; at most %d, raise ring_bytes"
                        % (len(text), limit + len(text))
                    )
                return -1
            self.sweep()
        number = 0
        while number < len(self.texts) and self.texts[number] is not None:
            number += 1
        if number == len(self.texts):
            self.texts.append(text)
        else:
            self.texts[number] = text
        self.numbers[text] = number
        self.text_bytes += len(text)
        return number

    def sweep(self):
        """Forget the texts that no record names."""
        self.sweeps += 1
        load(__name__, "sweep").sweep(self)
