"""The INA226: shunt and bus voltage in 16 bits."""

from .ti_power import INA226Like

# The example of the datasheet (SBOS547, programming the calibration register): 20 mV, 11.98 V.
RAW_SHUNT, RAW_BUS = 8000, 9584


class Model(INA226Like):
    """raw_shunt (2.5 uV) and raw_bus (1.25 mV) are what its converter gives."""

    RESET = 0x4127
    DIE = 0x2260

    def __init__(self):
        self.raw_shunt = RAW_SHUNT
        self.raw_bus = RAW_BUS
        super().__init__()

    def vary(self, random):
        self.raw_shunt = random.randrange(-32766, 32767)
        self.raw_bus = random.randrange(0, 28801)

    def convert(self):
        self.registers[1] = min(max(self.raw_shunt, -32768), 32767) & 0xFFFF
        self.registers[2] = min(self.raw_bus, 32767)
