"""A simulated SPI bus: what `machine.SPI` does, with models of chips behind their chip selects.

A model has `selected()`, `exchange(data)`, which returns as many bytes as it is given, and
`deselected()`.
"""

from .bus import Clock


class SPI:
    """The methods of `machine.SPI`. Nobody drives the line to the host: it reads as `floating`."""

    def __init__(self, clock=None):
        self.clock = clock or Clock()
        self.floating = 0xFF
        self._chips = []
        self._selected = []

    def attach(self, chip, cs):
        """Plug in a chip (a model) with its chip select (a Pin of models.machine); returns it.

        A chip select that nobody drives floats, and selects the chip: the worst that it can do.
        """
        chip.clock = self.clock

        def changed(level):
            if level == 1:
                if chip in self._selected:
                    self._selected.remove(chip)
                    chip.deselected()
            elif chip in self._chips and chip not in self._selected:
                self._selected.append(chip)
                chip.selected()

        cs.watch = changed
        self._chips.append(chip)
        chip.attached()
        changed(cs.drives())
        return chip

    def remove(self, chip):
        self._chips.remove(chip)
        if chip in self._selected:
            self._selected.remove(chip)

    def init(self, *arguments, **options):
        pass

    def write(self, data):
        self._exchange(data)

    def read(self, count, write=0):
        return self._exchange(bytes([write]) * count)

    def readinto(self, buffer, write=0):
        buffer[:] = self._exchange(bytes([write]) * len(buffer))

    def write_readinto(self, data, buffer):
        buffer[:] = self._exchange(data)

    def _exchange(self, data):
        if len(self._selected) > 1:
            raise AssertionError("two chips are selected")
        if not self._selected:
            return bytes([self.floating]) * len(data)
        return self._selected[0].exchange(bytes(data))


class Thermocouple:
    """A read-only converter that converts while it is not selected.

    A subclass gives `word()`, and its length as BYTES. CONVERSION_MS is the longest that the
    datasheet allows, FIRST_MS that of the first after power-on.
    """

    clock = None

    def attached(self):
        self._done_ms = self.clock.now_ms + self.FIRST_MS
        self._latch = bytes(self.BYTES)
        self._out = b""

    def selected(self):
        if self.clock.now_ms >= self._done_ms:
            self._latch = self.word()
        self._out = self._latch

    def exchange(self, data):
        answer = (self._out + bytes(len(data)))[: len(data)]
        self._out = self._out[len(data) :]
        return answer

    def deselected(self):
        # What was broken off begins anew.
        self._done_ms = max(self._done_ms, self.clock.now_ms + self.CONVERSION_MS)
