"""A buffer whose time the test owns, and the readings that its next request would carry."""

import json
from array import array

from plexus.delivery.sessions import set_session
from plexus.port import Lock
from plexus.readings import batch
from plexus.readings.buffer import Buffer
from plexus.readings.compound import suffix
from plexus.readings.render import Body, bits_text

START_MS = 1700000000000
HEAD = b'{"points":['


def decimal(data, single):
    """Shortest decimal (str) of the float in these 4 or 8 bytes, for a reader of such precision."""
    return bits_text(bytearray(40) + data, len(data) == 8, single).decode()


class FakeClock:
    """A clock that the test owns: it is `now_ms` until the test says otherwise."""

    def __init__(self, now_ms=START_MS, known=True):
        self.time_map = array("i", (0, 0, 0, 0, 0x4000))  # see Clock.time_map: no drift
        self.now_ms = now_ms
        self.known = known
        self.hi = self.lo = 0
        self.lock = Lock()

    def ticks_ms(self):
        return 0

    @property
    def now_ms(self):
        return self._now_ms

    @now_ms.setter
    def now_ms(self, now_ms):
        self._now_ms = now_ms
        self.time_map[1], self.time_map[2] = divmod(now_ms, 1000000)

    def split(self, ticks):
        self.hi, self.lo = divmod(self.now_ms, 1000000)

    def due(self):
        return False

    def on_shift(self, hi, lo):
        """What the times given so far lack; who stamps with them puts its own in this place."""

    def learn(self, shift_ms):
        """Know the time at last: what was stamped so far was `shift_ms` too early."""
        self.now_ms += shift_ms
        self.known = True
        with self.lock:
            self.on_shift(shift_ms // 1000000, shift_ms % 1000000)


class Client(Buffer):
    """The part of Plexus that takes readings and renders them, by default with a fake clock."""

    def __init__(
        self, ring_bytes=8192, now_ms=START_MS, known=True, overflow="drop_oldest", clock=None
    ):
        super().__init__(
            clock or FakeClock(now_ms, known),
            overflow,  # pyright: ignore[reportArgumentType] -- one of the two; typing is not there
        )
        self.clock.lock = self.lock
        self.clock.on_shift = self.ring.date
        self.body = Body(self.ring, self.lock, HEAD)
        if not isinstance(ring_bytes, bytearray):
            ring_bytes = bytearray(ring_bytes)
        self.ring.data = ring_bytes
        self.listen(None)
        self.buffer = self

    # As extras.find() gives them to a client's buffer.
    send_at = batch.send_at  # pyright: ignore[reportAssignmentType]
    send_batch = batch.send_batch  # pyright: ignore[reportAssignmentType]
    event = batch.event  # pyright: ignore[reportAssignmentType]

    def session(self, session_id):
        """`with client.session(...)`: readings are of that session."""
        return Session(self, session_id)

    def measure(self, count=100000, limit=100000000, dated=True, skip=0):
        return self.body.measure(count, limit, dated, skip)

    def text(self, count=100000, limit=100000000, dated=True, skip=0):
        """The next request's body (bytes); its length is checked against what was announced."""
        self.measure(count, limit, dated, skip)
        return self.rendered()

    def rendered(self):
        """The body measured last (bytes)."""
        text = b"".join([bytes(piece) for piece in self.body])
        if len(text) != self.body.len:
            raise AssertionError("%d B announced, %d came" % (self.body.len, len(text)))
        return text

    def points(self, count=100000, limit=100000000, dated=True, skip=0):
        """The next request's points, as JSON has them."""
        return json.loads(self.text(count, limit, dated, skip))["points"]

    def values(self):
        return [point["value"] for point in self.points()]

    def value_texts(self):
        """Each value as it is written in the JSON (str); for readings without tags or session."""
        texts = []
        for piece in self.text().decode().split('"value":')[1:]:
            texts.append(piece.partition(',"timestamp"')[0])
        return texts

    def confirm_all(self):
        """The server has what was measured last: how many readings that was."""
        return self.confirm(self.body)


class Session:
    """What a session does to the readings, without its requests."""

    def __init__(self, client, session_id):
        self.client = client
        self.session_id = session_id

    def __enter__(self):
        set_session(self.client, self.session_id, suffix(None, self.session_id, None))

    def __exit__(self, *_):
        set_session(self.client, None, suffix(None, None, None))


class Random:
    """Random numbers in integer arithmetic, the same on every interpreter."""

    def __init__(self, seed):
        self._state = seed

    def bits(self, count):
        """An int of up to 32 bits."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return self._state >> 64 - count

    def below(self, limit):
        """An int in [0, limit), limit up to 2^31."""
        return self.bits(32) * limit >> 32

    def pick(self, items):
        return items[self.below(len(items))]
