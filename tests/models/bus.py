"""Simulated buses: what `machine.I2C` does, with register-level models of chips behind it.

A model is an object with `write(data)` (bytes that the master writes after the address) and
`read(count)` (bytes that it gives); either may raise Nack. Nothing here knows a driver.
"""

_MOST_TRANSFERS = 300000


class Nack(Exception):
    """Raised by a model that does not acknowledge."""


class Clock:
    """The time of a simulated bus, in ms; it passes only by `advance`."""

    def __init__(self):
        self.now_ms = 0

    def advance(self, milliseconds):
        self.now_ms += milliseconds


class I2C:
    """The methods of `machine.I2C` over models by address, and the faults of a real bus.

    stuck: SDA is held low: every transfer times out. nack_at: counts down with each transfer, and
    the one that finds it at 0 is not acknowledged. log: (address, written bytes, count read).
    """

    def __init__(self, clock=None):
        self.clock = clock or Clock()
        self.chips = {}
        self.stuck = False
        self.nack_at = None
        self.log = []

    def attach(self, chip, address):
        """Plug in a chip (a model); returns it."""
        chip.clock = self.clock
        self.chips[address] = chip
        return chip

    def remove(self, address):
        return self.chips.pop(address)

    def scan(self):
        if self.stuck:
            return []
        return sorted(self.chips)

    def readfrom_mem(self, address, register, count, *, addrsize=8):
        pointer = bytes((register >> 8, register & 255)) if addrsize == 16 else bytes((register,))
        return self._transfer(address, pointer, count)

    def readfrom_mem_into(self, address, register, buffer, *, addrsize=8):
        buffer[:] = self.readfrom_mem(address, register, len(buffer), addrsize=addrsize)

    def writeto_mem(self, address, register, data, *, addrsize=8):
        pointer = bytes((register >> 8, register & 255)) if addrsize == 16 else bytes((register,))
        self._transfer(address, pointer + bytes(data), 0)

    def readfrom(self, address, count, stop=True):
        return self._transfer(address, None, count)

    def readfrom_into(self, address, buffer, stop=True):
        buffer[:] = self._transfer(address, None, len(buffer))

    def writeto(self, address, data, stop=True):
        self._transfer(address, bytes(data), 0)
        return len(data)

    def writevto(self, address, vector, stop=True):
        return self.writeto(address, b"".join([bytes(part) for part in vector]))

    def _transfer(self, address, data, count):
        self.log.append((address, data, count))
        if isinstance(self.log, list) and len(self.log) > _MOST_TRANSFERS:
            raise AssertionError("a driver that asks for ever")
        if self.stuck:
            raise OSError(116)  # ETIMEDOUT, as the ESP32 names it
        if self.nack_at is not None:
            self.nack_at -= 1
            if self.nack_at < 0:
                self.nack_at = None
                raise OSError(5)
        chip = self.chips.get(address)
        if chip is None:
            raise OSError(19)  # ENODEV
        try:
            if data:  # without any it only asks whether somebody is there
                chip.write(data)
            if not count:
                return b""
            answer = bytes(chip.read(count))
        except Nack:
            raise OSError(5)
        if len(answer) != count:
            raise AssertionError("the model gave %d bytes, asked for %d" % (len(answer), count))
        return answer
