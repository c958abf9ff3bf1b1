"""The HX711 on two pins: conversions, the serial interface, the reset by a long pulse."""

from . import machine

GAINS = {25: 128, 26: 32, 27: 64}  # by the pulses of a reading


class Model:
    """raw: what its converter gives with each gain, signed numbers of 24 bits.

    Where an interrupt could lengthen a clock pulse to a reset, one does.
    """

    def __init__(self, data, clock, time, rate_hz=10):
        self.raw = {128: 0, 64: 0, 32: 0}
        self.time = time  # models.bus.Clock
        self.period_ms = 1000 / rate_hz
        data.source = self.data
        clock.watch = self.clocked
        self.power_on()

    def power_on(self):
        self.high_ms = None  # since when the clock is high
        self.long = False  # whether that is or will be a reset
        self.select(128, self.time.now_ms)

    def vary(self, random):
        for gain in self.raw:
            self.raw[gain] = random.randrange(-0x7FFFFF, 0x7FFFFF)

    def select(self, gain, start_ms):
        self.gain = gain
        self.selected = None  # (gain, when): takes effect if no further pulse comes
        self.ready = False
        self.pulses = 0  # since the last conversion ended
        self.shift = 0
        # DOUT tells of conversions from the first on; they are right from the fourth.
        self.settled_ms = start_ms + 4 * self.period_ms
        self.done_ms = start_ms + self.period_ms

    def update(self):
        now_ms = self.time.now_ms
        if self.selected is not None and now_ms > self.selected[1]:
            if self.selected[0] != self.gain:
                self.select(*self.selected)
            self.selected = None
        while now_ms >= self.done_ms:
            if not 0 < self.pulses < 24:
                self.ready = True
                self.pulses = 0
                raw = self.raw[self.gain]
                self.shift = raw if self.done_ms >= self.settled_ms else raw ^ 0x2AAAAA
            self.done_ms += self.period_ms

    def data(self):
        if self.high_ms is not None and self.time.now_ms - self.high_ms > 0.06:
            return 1  # powered down
        self.update()
        if self.pulses == 0:
            return 0 if self.ready else 1
        return self.shift >> (24 - self.pulses) & 1 if self.pulses <= 24 else 1

    def clocked(self, level):
        if level:
            self.update()
            self.high_ms = self.time.now_ms
            self.long = machine.state["interrupts"]
            self.pulses += 1
        elif self.high_ms is not None:  # else it was powered up meanwhile
            long = self.long or self.time.now_ms - self.high_ms > 0.06
            self.high_ms = None
            if long:
                self.select(128, self.time.now_ms)
            elif self.pulses in GAINS:
                self.ready = False
                self.selected = (GAINS[self.pulses], self.time.now_ms)
            elif self.pulses > 27:
                raise AssertionError("more than 27 pulses")
