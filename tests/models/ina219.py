"""The INA219: shunt and bus voltage, and the sums with a calibration value."""

from .ti_power import PowerChip

# The example of the datasheet (SBOS448, configure/measure/calculate): 20 mV, 11.98 V.
RAW_SHUNT, RAW_BUS = 2000, 2995


class Model(PowerChip):
    """raw_shunt (10 uV) and raw_bus (4 mV) are what its converter gives."""

    RESET = 0x399F

    def __init__(self):
        self.raw_shunt = RAW_SHUNT
        self.raw_bus = RAW_BUS
        self.overflow = False
        super().__init__()

    def vary(self, random):
        self.raw_shunt = random.randrange(-31999, 32000)
        self.raw_bus = random.randrange(0, 6501)

    def duration_ms(self, configuration):
        def longest_us(bits):
            if bits & 8:
                return 586 << (bits & 7)
            return (93, 163, 304, 586)[bits & 3]

        bus, shunt = configuration >> 7 & 15, configuration >> 3 & 15
        return (longest_us(bus) + longest_us(shunt)) / 1000

    def convert(self):
        limit = 4000 << (self.registers[0] >> 11 & 3)  # of the amplifier's range
        self.registers[1] = min(max(self.raw_shunt, -limit), limit) & 0xFFFF
        self.registers[2] = min(self.raw_bus, 8000 if self.registers[0] & 0x2000 else 4000) << 3

    def word(self, register):
        shunt = self.registers.get(1, 0)
        shunt -= shunt >> 15 << 16
        current = int(shunt * (self.registers.get(5, 0) & 0xFFFE) / 4096)
        if register == 2:
            flags = (2 if self.ready else 0) | (1 if self.overflow else 0)
            return self.registers.get(2, 0) | flags
        if register == 3:
            self.ready = False
            return abs(current) * (self.registers.get(2, 0) >> 3) // 5000 & 0xFFFF
        if register == 4:
            return current & 0xFFFF
        if register == 5:
            return self.registers.get(5, 0) & 0xFFFE
        return self.registers.get(register, 0)
