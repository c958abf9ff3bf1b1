"""The BME280: a BMP280 with humidity."""

from . import bmp280

# Humidity trimming of a chip as they are sold: H1 to H6.
TRIM = (75, 355, 0, 343, 50, 30)


class Model(bmp280.Model):
    """raw_humidity is what its converter gives (16 bits)."""

    WRITABLE = (0xF2, 0xF4, 0xF5)
    ID = 0x60

    def __init__(self):
        self.raw_humidity = 27500
        self.humidity_bits = 0  # the setting in effect
        super().__init__()

    def power_on(self):
        super().power_on()
        h1, h2, h3, h4, h5, h6 = TRIM
        self.put(0xA1, (h1,))
        self.put(0xE1, (h2 & 255, h2 >> 8, h3, h4 >> 4, h4 & 15 | (h5 & 15) << 4, h5 >> 4, h6))

    def vary(self, random):
        super().vary(random)
        self.raw_humidity = random.randrange(20000, 40000)

    def wrote(self, register, value):
        if register == 0xF4:
            self.humidity_bits = self.registers[0xF2] & 7
        super().wrote(register, value)

    def duration_ms(self, control):
        return super().duration_ms(control) + 2 * (0, 1, 2, 4, 8, 16, 16, 16)[self.humidity_bits]

    def convert(self):
        super().convert()
        humidity = self.raw_humidity if self.humidity_bits else 0x8000
        self.put(0xFD, (humidity >> 8, humidity & 255))
