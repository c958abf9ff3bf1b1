"""The BME680 and BME688: trimming values, forced mode, the heater, and the time they take."""

from struct import pack

from .bosch import BoschChip

# Trimming much as in the chips that are sold: T1 to T3, P1 to P10, H1 to H7, G1 to G3. The low 4
# bits of H1 and H2 share a register.
TEMPERATURE = (26200, 26400, 3)
PRESSURE = (36300, -10400, 88, 7000, -120, 30, 40, -900, -2800, 30)
HUMIDITY = (784, 1008, 0, 45, 20, 120, -100)
HEATER = (-30, -5969, 18)


class Model(BoschChip):
    """What its converters give: raw_temperature, raw_pressure (20 bits), raw_humidity (16 bits),
    raw_gas (10 bits) with gas_range (4 bits). slowness: its times over the typical ones.
    """

    WRITABLE = (0x5A, 0x64, 0x70, 0x71, 0x72, 0x74, 0x75)

    def __init__(self, variant=0, humidity=HUMIDITY):
        super().__init__()
        self.variant = variant  # 1: a BME688
        self.humidity = humidity
        self.heater_range = 1
        self.heater_value = 46
        self.gas_error = 0
        self.raw_temperature = 498000
        self.raw_pressure = 350000
        self.raw_humidity = 21500
        self.raw_gas = 600
        self.gas_range = 5
        self.heater_works = True
        self.slowness = 1
        self.power_on()

    def power_on(self):
        self.done_ms = None  # when the measurement that runs ends
        self.registers[:] = bytes(256)
        self.put(0x1F, (0x80, 0, 0, 0x80, 0, 0, 0x80, 0))
        self.put(0xD0, (0x61,))
        self.put(0xF0, (self.variant,))
        self.trim()

    def trim(self):
        """Put the trimming values where they are read."""
        t1, t2, t3 = TEMPERATURE
        p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 = PRESSURE
        h1, h2, h3, h4, h5, h6, h7 = self.humidity
        g1, g2, g3 = HEATER
        self.put(0x8A, pack("<hb", t2, t3))
        self.put(0x8E, pack("<Hhb", p1, p2, p3))
        self.put(0x94, pack("<hhbb", p4, p5, p7, p6))
        self.put(0x9C, pack("<hhB", p8, p9, p10))
        self.put(0xE1, (h2 >> 4, (h2 & 15) << 4 | h1 & 15, h1 >> 4))
        self.put(0xE4, pack("<bbbBb", h3, h4, h5, h6, h7))
        self.put(0xE9, pack("<Hhbb", t1, g2, g1, g3))
        self.put(0x00, (self.heater_value & 255,))
        self.put(0x02, (self.heater_range << 4,))
        self.put(0x04, ((self.gas_error & 15) << 4,))

    def vary(self, random):
        """Other raw values: with this trimming -40 to 85 °C, about 700 to 1200 hPa, 0 to 100 %."""
        self.raw_temperature = random.randrange(292000, 689000)
        self.raw_pressure = random.randrange(260000, 520000)
        self.raw_humidity = random.randrange(13000, 29000)
        self.raw_gas = random.randrange(1024)
        self.gas_range = random.randrange(16)

    def wrong_id(self):
        self.put(0xD0, (0x11,))

    def wrote(self, register, value):
        if register == 0xE0 and value == 0xB6:
            self.power_on()
        if register == 0x74 and value & 3 == 1:
            self.registers[0x1D] = 0x20
            self.done_ms = self.clock.now_ms + self.duration_ms() * self.slowness

    def heating_ms(self):
        """How long the heater is on; 0 if no gas is to be measured."""
        runs = self.registers[0x71] & (0x20 if self.variant else 0x10)
        wait = self.registers[0x64]
        return (wait & 63) * 4 ** (wait >> 6) if runs else 0

    def duration_ms(self):
        """The typical time, as in Bosch's API."""
        control = self.registers[0x74]
        settings = control >> 5, control >> 2 & 7, self.registers[0x72] & 7
        samples = sum([(0, 1, 2, 4, 8, 16, 16, 16)[bits] for bits in settings])
        return 1 + (1963 * samples + 477 * 9) / 1000 + self.heating_ms()

    def pass_time(self):
        if self.done_ms is None or self.clock.now_ms < self.done_ms:
            return
        self.done_ms = None
        control = self.registers[0x74]
        self.registers[0x74] &= ~3  # back to sleep
        pressure = self.raw_pressure if control >> 2 & 7 else 0x80000
        temperature = self.raw_temperature if control >> 5 else 0x80000
        humidity = self.raw_humidity if self.registers[0x72] & 7 else 0x8000
        self.put(0x1D, (0x80,))
        self.put(0x1F, (pressure >> 12, pressure >> 4 & 255, pressure << 4 & 255))
        self.put(0x22, (temperature >> 12, temperature >> 4 & 255, temperature << 4 & 255))
        self.put(0x25, (humidity >> 8, humidity & 255))
        low = (self.raw_gas & 3) << 6 | self.gas_range
        if self.heating_ms():
            low |= 0x20
            # It takes 20 ms to be hot.
            if self.heater_works and self.heating_ms() >= 20 and not self.registers[0x70] & 8:
                low |= 0x10
        self.put(0x2C if self.variant else 0x2A, (self.raw_gas >> 2, low))
