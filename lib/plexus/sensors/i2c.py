"""A chip on an I2C bus: transfers that are tried again, registers, and the check of its id."""

from ..port import const
from .driver import Driver, SensorError

_TRIES = const(3)


class I2CDriver(Driver):
    """A driver of a chip on a `machine.I2C` (or SoftI2C). address: the first of ADDRESSES if None.
    any_id: True: whatever id the chip shows, as a clone may, it is taken for the driver's.

    A transfer that fails is made again at once, at most twice: noise on the wires passes. What
    still fails is a SensorError that names the address.
    """

    BUS = "i2c"
    ADDRESSES = ()  # those that the chip can have, the usual one first
    # A chip that can be told from the others at its addresses has here a method that returns its
    # name, or None if it is another. It changes no state, whichever chip it is that answers.
    chip = None

    def __init__(self, bus, address=None, any_id=False):
        from .checks import check_flag

        check_flag("any_id", any_id)
        if address is None:
            address = next(iter(self.ADDRESSES))
        if not isinstance(address, int) or not 8 <= address < 120:
            raise ValueError("address: %r; give one from 0x08 to 0x77" % (address,))
        self.bus = bus
        self.address = address
        self.any_id = any_id

    @classmethod
    def identify(cls, bus, address):
        """The name of the chip at the address if it is one of this driver's, else None."""
        try:
            return cls(bus, address).chip()
        except OSError:
            return None

    def verify(self):
        if self.chip is not None and self.chip() is None and not self.any_id:
            name = type(self).__name__
            raise self.error("a different chip, not %s; a clone needs any_id" % name)

    def error(self, message):
        """A SensorError that names the address as well, to be raised."""
        return SensorError("0x%02x: %s" % (self.address, message))

    def get(self, register, count=1):
        """`count` bytes from the register on."""
        return self._transfer(self.bus.readfrom_mem, register, count)

    def set(self, register, *values):
        """Write bytes (ints from 0 to 255) from the register on."""
        self._transfer(self.bus.writeto_mem, register, bytes(values))

    def receive(self, count):
        """`count` bytes, without naming a register."""
        return self._transfer(self.bus.readfrom, count)

    def transmit(self, data):
        """Write these bytes."""
        self._transfer(self.bus.writeto, data)

    def _transfer(self, operation, *arguments):
        tries = _TRIES
        while True:
            try:
                return operation(self.address, *arguments)
            except OSError as error:
                tries -= 1
                if not tries:
                    raise self.error("no answer (%s)" % (error,))


def signed(value, bits):
    """The two's complement number in the low `bits` bits of `value`."""
    return value - (1 << bits) if value >> (bits - 1) else value
