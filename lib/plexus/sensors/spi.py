"""A read-only chip on an SPI bus, behind a chip select of its own."""

from .driver import Driver, SensorError


class SPIDriver(Driver):
    """A driver of a chip on a `machine.SPI` in mode 0. cs: the Pin at its chip select.

    Unlike other drivers' the constructor acts: it drives the chip select high. A floating one may
    select its chip, which then answers together with others on the bus, long before its own turn.
    """

    BUS = "spi"

    def __init__(self, spi, cs):
        self.spi = spi
        self.cs = cs
        cs.init(cs.OUT, value=1)

    def error(self, message):
        """A SensorError that names the chip as well, to be raised."""
        return SensorError("%s: %s" % (type(self).__name__, message))

    def get(self, count):
        """`count` bytes in one selection of the chip, as an int, the first bit the highest."""
        data = bytearray(count)
        self.cs(0)
        try:
            self.spi.readinto(data)
        finally:
            self.cs(1)
        word = 0
        for byte in data:
            word = word << 8 | byte
        return word
