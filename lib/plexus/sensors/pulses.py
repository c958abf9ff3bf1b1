"""A pulse counter on a pin: flow meter, anemometer, rain gauge."""

from ..port import const, ticks_diff, ticks_ms, ticks_us
from ..readings.decimal import Decimal
from .driver import SensorError
from .pin import InputDriver

_COUNT = const(0xFFFFFFF)  # the interrupt counts modulo 2^28: a small int on every board
_TICKS = const(0x3FFFFFFF)
_PERIODS = ("second", "minute", "hour")


class Pulses(InputDriver):
    """Yields count, the units since the start, and rate, units a second since the last read.

    The first read has no rate. The count is exact however large: an int if units are pulses, else
    a Decimal to a millionth of a unit.

    pin: a machine.Pin.
    per_unit: pulses per unit (a flow meter's per litre), also a fraction, to a millionth.
    rate_per: "second", "minute" or "hour".
    edge: "falling" or "rising", which one counts.
    pull: "up", "down", or None to leave the pin as it is.
    debounce_us: edges so soon after one that counted do not count. For a reed contact, more than
    it stays closed: its opening bounces too.
    counter: the number of a pulse counter of the chip (machine.Counter, where the firmware has it)
    to count with, instead of interrupts. It loses nothing while other code blocks, which a fast
    flow meter needs; it does not debounce.
    """

    METRICS = {"count": "", "rate": ""}

    def __init__(
        self,
        pin,
        per_unit=1,
        rate_per="second",
        edge="falling",
        pull="up",
        debounce_us=0,
        counter=None,
    ):
        from .checks import check_number, check_whole, choice

        super().__init__(pin, pull)
        check_number("per_unit", per_unit, 0.000001, 1000000000)
        period = choice("rate_per", rate_per, _PERIODS)
        choice("edge", edge, ("falling", "rising"))
        check_whole("debounce_us", debounce_us, 0, 60000000)
        if counter is not None:
            check_whole("counter", counter, 0, 7)  # the first ESP32 has eight
            if debounce_us:
                raise ValueError("debounce_us: a chip's counter has none; give 0, or no counter")
        self._per_unit = per_unit
        self._millionths = round(per_unit * 1000000)  # pulses in a million units
        self._rate_s = 60**period
        self._edge_name = edge.upper()
        self._debounce_us = debounce_us
        self._unit = counter
        self._counter = None
        self._count = self._seen = 0  # pulses, modulo 2^28: counted, and added to the total
        self._total = self._rated = 0  # pulses: all, and those that a rate has told of
        self._counted_us = 0
        self._settled = 0  # the count whose last pulse is longer ago than the debounce time
        self._read_ms = None

    def setup(self):
        self._read_ms = None
        if self._counter is not None:
            return  # which counts on
        self._prepare()
        pin = self.pin
        if self._unit is None:
            pin.irq(handler=self._edge, trigger=getattr(pin, "IRQ_" + self._edge_name))
            return
        try:
            from machine import Counter
        except ImportError:
            raise SensorError("%s: no machine.Counter here; leave out counter" % (pin,))
        self._counter = Counter(self._unit, pin, edge=getattr(Counter, self._edge_name))
        self._seen = 0

    def close(self):
        if self._counter is None:
            super().close()
        else:
            self._counter.deinit()
            self._counter = None
            self.ready = False

    def measure(self):
        now = ticks_ms()
        if self._counter is None:
            count = self._count
            # An edge is told from a bounce by the ticks' difference, which wraps every 18 minutes.
            # If another pulse comes meanwhile, its count is another and this does nothing.
            if ticks_us() - self._counted_us & _TICKS >= self._debounce_us:
                self._settled = count
        else:
            count = self._counter.value()
        self._total += count - self._seen & _COUNT
        self._seen = count
        yield "count", self._total if self._per_unit == 1 else self._units()
        if self._read_ms is not None:
            elapsed_ms = ticks_diff(now, self._read_ms)
            if not elapsed_ms:
                return
            if elapsed_ms > 0:  # or the last read was a week ago
                pulses = self._total - self._rated
                yield "rate", pulses * (1000 * self._rate_s) / (elapsed_ms * self._per_unit)
        self._read_ms = now
        self._rated = self._total

    def _units(self):
        # Of all pulses. A float would lose single ones after some millions.
        per_unit = self._millionths
        return Decimal((self._total * 1000000000000 + per_unit // 2) // per_unit, 6)

    def _edge(self, _):
        now = ticks_us()
        count = self._count
        if count == self._settled or now - self._counted_us & _TICKS >= self._debounce_us:
            self._counted_us = now
            self._count = count + 1 & _COUNT
