"""A digital input, debounced: its state, and each change of it."""

from array import array

from ..port import const, ticks_diff, ticks_ms
from .pin import InputDriver

_COUNT = const(0xFFFFFFF)  # changes are counted modulo 2^28: a small int on every board
_CHANGES_MAX = const(32)
_TIMES_MASK = const(63)  # twice as many, so that the times of the last 32 stand while they are read


class Digital(InputDriver):
    """Yields state (bool): the changes since the last read, one by one, or if none the state.

    So no change between two reads is lost, up to the last 32, and each has the time at which the
    pin came to rest. What is shorter than the debounce time is no change.

    pin: a machine.Pin.
    pull: "up", "down", or None to leave the pin as it is.
    invert: True: the state is True while the pin is low, as with a button to ground.
    debounce_ms: the pin has a new state when it has stood still for so long.
    """

    METRICS = {"state": ""}

    def __init__(self, pin, pull=None, invert=False, debounce_ms=20):
        from .checks import check_flag, check_whole

        super().__init__(pin, pull)
        check_flag("invert", invert)
        check_whole("debounce_ms", debounce_ms, 0, 60000)
        self._invert = invert
        self._debounce_ms = debounce_ms
        self._edge_ms = 0
        self._level = 0  # after the last edge
        # Levels alternate: so a count of changes tells all of them, and its lowest bit the level
        # after the last.
        self._changes = 0
        self._times = array("l", [0] * (_TIMES_MASK + 1))  # ticks of the changes
        self._seen = 0

    def setup(self):
        self._prepare()
        pin = self.pin
        pin.irq(handler=self._edge, trigger=pin.IRQ_RISING | pin.IRQ_FALLING)
        self._edge_ms = ticks_ms()
        self._level = self._changes = self._seen = pin.value()

    def measure(self):
        if self.pin.value() != self._level:
            self._edge(None)  # the port lost its interrupt
        now = ticks_ms()
        self._settle(now)
        changes = self._changes
        news = changes - self._seen & _COUNT
        self._seen = changes
        if not news:
            yield "state", self._state(changes)
        for older in range(min(news, _CHANGES_MAX) - 1, -1, -1):
            change = changes - older
            age_ms = max(ticks_diff(now, self._times[change & _TIMES_MASK]), 0)
            yield "state", self._state(change), None, age_ms

    def _state(self, change):
        return bool(change & 1) != self._invert

    def _edge(self, _):
        now = ticks_ms()
        # The level before this edge counts if it stood long enough. After a week without any the
        # difference is negative, but then a read has settled that level long ago.
        self._settle(now)
        self._edge_ms = now
        self._level = self.pin.value()

    def _settle(self, now):
        # Without a branch: no interrupt's call comes between its parts.
        changes = self._changes
        self._times[changes + 1 & _TIMES_MASK] = self._edge_ms
        stood = ticks_diff(now, self._edge_ms) >= self._debounce_ms
        self._changes = changes + ((changes ^ self._level) & stood) & _COUNT
