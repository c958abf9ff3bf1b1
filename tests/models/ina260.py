"""The INA260: current through its own shunt, and bus voltage."""

from .ti_power import INA226Like


class Model(INA226Like):
    """raw_current (1.25 mA) and raw_bus (1.25 mV) are what its converter gives."""

    RESET = 0x6127
    DIE = 0x2270

    def __init__(self):
        self.raw_current = 8000
        self.raw_bus = 9584
        super().__init__()

    def vary(self, random):
        self.raw_current = random.randrange(-12000, 12001)
        self.raw_bus = random.randrange(0, 28801)

    def convert(self):
        self.registers[1] = min(max(self.raw_current, -32768), 32767) & 0xFFFF
        self.registers[2] = min(self.raw_bus, 32767)
        # 10 mW, of 1.25 mA * 1.25 mV
        self.registers[3] = min(abs(self.raw_current) * self.raw_bus // 6400, 0xFFFF)
