"""What the models of chips have in common that measure by themselves at a data rate."""

from struct import pack

from .chip import RegisterChip


class SampledChip(RegisterChip):
    """A chip that converts once a period from `start()` on.

    A subclass says `period_ms()` (0: it does not run) and puts its values in `convert()`. START_MS:
    the time before the first period, at which its data are those before.
    """

    START_MS = 0

    def __init__(self):
        super().__init__()
        self.started_ms = None
        self.samples = 0

    def period_ms(self):
        raise NotImplementedError

    def convert(self):
        """Put a sample's values and flags into the registers."""
        raise NotImplementedError

    def start(self):
        """It runs anew: after a change of its settings."""
        self.started_ms = self.clock.now_ms if self.clock else 0
        self.samples = 0

    def read(self, count):
        period_ms = self.period_ms()
        if period_ms and self.started_ms is not None:
            passed_ms = self.clock.now_ms - self.started_ms - self.START_MS
            samples = int(passed_ms // period_ms)
            for _ in range(min(2, samples - self.samples)):  # two show an overrun
                self.convert()
            self.samples = max(samples, self.samples)
        return super().read(count)

    def wrote(self, register, value):
        if register in self.WRITABLE:
            self.start()


class STChip(SampledChip):
    """Register numbers count up only if the highest bit of the first is set."""

    counts_up = False  # as some drivers believe of all
    counting = False

    def write(self, data):
        self.pointer = data[0] & 0x7F
        self.counting = self.counts_up or data[0] & 0x80
        for value in data[1:]:
            if self.pointer in self.WRITABLE:
                self.registers[self.pointer] = value
            self.wrote(self.pointer, value)
            if self.counting:
                self.pointer = self.pointer + 1 & 0x7F

    def read(self, count):
        data = super().read(count)
        if not self.counting:
            for i in range(1, count):
                data[i] = data[0]
        return data


def clipped(value, bits):
    """As a converter with so many bits gives it."""
    end = 1 << bits - 1
    return max(-end, min(int(value), end - 1))


def words(order, values, bits=16):
    """The values, each clipped, as two bytes; order: "<" or ">"."""
    return b"".join([pack(order + "h", clipped(value, bits)) for value in values])


def vector(random, end):
    """Three random values from -end to end."""
    return [random.randrange(-end, end + 1) for _ in range(3)]
