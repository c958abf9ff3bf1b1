"""The HTU21D, Si7021 and SHT21: commands, user register, electronic id, checksums, busy times."""

from .bus import Nack

# By name: the second half of the electronic id, the user register at power-on, and the longest
# ms that a measurement of temperature and one of humidity take.
_CHIPS = {
    "HTU21D": ((0x32, 0x00, 0x48, 0x54), 0x02, 50, 16),
    "Si7021": ((0x15, 0xFF, 0xB5, 0xFF), 0x3A, 10.8, 22.8),
    "SHT21": ((0x00, 0x80, 0x45, 0x7F), 0x02, 85, 29),
}
_RESET_MS = 15


class Model:
    """raw_temperature and raw_humidity are 16 bits, of which the last two are not used."""

    clock = None  # of the bus that it is attached to

    def __init__(self, name="HTU21D"):
        self.id, self.default, self.temperature_ms, self.humidity_ms = _CHIPS[name]
        self.raw_temperature = 0x683A
        self.raw_humidity = 0x7C80
        self.noise = 0  # inverts bits of what is read
        self.heater = 0
        self.user = self.default
        self.answer = b""
        self.busy_until_ms = 0
        self.result = None  # the word that is ready then

    def vary(self, random):
        """-45 to 125 °C and 0 to 100 %."""
        self.raw_temperature = random.randrange(800, 64000)
        self.raw_humidity = random.randrange(3200, 55500)

    def wrong_id(self):
        self.default = self.user = 0x39

    def write(self, data):
        if self.clock.now_ms < self.busy_until_ms:
            raise Nack
        self.result = None
        self.answer = b""
        command = data[0]
        if command == 0xF3:
            self.start(self.temperature_ms, self.raw_temperature & ~3)
        elif command == 0xF5:
            self.start(self.humidity_ms, self.raw_humidity & ~3 | 2)
        elif command == 0xFE:
            self.user = self.default
            self.busy_until_ms = self.clock.now_ms + _RESET_MS
        elif command == 0xE7:
            self.answer = bytes((self.user,))
        elif command == 0xE6:
            self.user = data[1]
        elif command == 0x11:
            self.answer = bytes((self.heater,))
        elif command == 0x51:
            self.heater = data[1]
        elif bytes(data) == b"\xfc\xc9":
            a, b, c, d = self.id
            self.answer = bytes((a, b, checksum((a, b)), c, d, checksum((c, d))))
        else:
            raise Nack

    def start(self, duration_ms, result):
        self.busy_until_ms = self.clock.now_ms + duration_ms
        self.result = result

    def read(self, count):
        if self.clock.now_ms < self.busy_until_ms:
            raise Nack
        answer = self.answer
        if self.result is not None:
            word = self.result >> 8, self.result & 255
            answer = bytes((word[0], word[1] ^ self.noise, checksum(word)))
        if not answer:
            raise Nack
        return (answer + bytes(count))[:count]


def checksum(data):
    """The remainder of the bits divided by x^8 + x^5 + x^4 + 1."""
    remainder = 0
    for byte in data:
        remainder = remainder << 8 | byte
    remainder <<= 8
    for shift in range(8 * len(data) - 1, -1, -1):
        if remainder >> (shift + 8) & 1:
            remainder ^= 0x131 << shift
    return remainder
