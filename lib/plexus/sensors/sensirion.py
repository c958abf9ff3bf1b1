"""How Sensirion's chips talk: commands of 16 bits, and words that each have a checksum."""

from ..port import const, sleep_ms
from .crc import crc8
from .i2c import I2CDriver

_TRIES = const(3)


class Sensirion(I2CDriver):
    """A chip of Sensirion's. It answers a command after a while, and not before."""

    def command(self, command, *words):
        """Send a command, and what words (0 to 0xFFFF) belong to it."""
        data = bytearray((command >> 8, command & 255))
        for word in words:
            pair = bytes((word >> 8, word & 255))
            data += pair
            data.append(crc8(pair))
        self.transmit(data)

    def words(self, count):
        """The words of an answer, a list; SensorError if a checksum is wrong."""
        words = self._words(count)
        if words is None:
            raise self.error("wrong checksum")
        return words

    def _words(self, count):
        data = self.receive(3 * count)
        words = []
        for i in range(0, 3 * count, 3):
            if crc8(data[i : i + 2]) != data[i + 2]:
                return None
            words.append(data[i] << 8 | data[i + 1])
        return words

    def ask(self, command, count, wait_ms, tries=_TRIES):
        """A command's answer of so many words; a generator, which yields the wait for it.

        If a checksum is wrong the command is given again, until it was given `tries` times.
        """
        for _ in range(tries):
            self.command(command)
            yield wait_ms
            words = self._words(count)
            if words is not None:
                return words
        raise self.error("wrong checksum")

    def ask_at_once(self, command, count, wait_ms):
        """The same for `chip()`, which cannot yield: it sleeps for these few ms."""
        self.command(command)
        sleep_ms(wait_ms)
        return self.words(count)


class HumiditySensor(Sensirion):
    """An SHT chip. MODES: by repeatability the command, and the measurement's longest time in ms.

    repeatability: "high", "medium" or "low"; less is faster and noisier.
    """

    METRICS = {"temperature": "°C", "humidity": "%"}
    # SHT3x-DIS, section 1, and SHT4x, section 2: the specified range.
    RANGES = (
        "temperature", -40, 125,
        "humidity", 0, 100,
    )  # fmt: skip
    MODES = {}

    def __init__(self, bus, address=None, repeatability="high", any_id=False):
        from .checks import choice

        super().__init__(bus, address, any_id)
        choice("repeatability", repeatability, ("high", "medium", "low"))
        self._mode = self.MODES[repeatability]


# -45 + 175 * raw / 65535 and 100 * raw / 65535, in hundredths: the fractions are reduced, so that
# the products fit into 30 bits.


def celsius(raw):
    """°C from a word, rounded to hundredths (SHT3x-DIS datasheet, section 4.13)."""
    return ((raw * 3500 + 6553) // 13107 - 4500) / 100


def percent(raw):
    """Relative humidity in % from a word, rounded to hundredths (the same)."""
    return (raw * 2000 + 6553) // 13107 / 100


def check(name, value, minimum, maximum):
    """ValueError unless an option is a number in this range; None, for "not given", is too."""
    from .checks import check_number

    if value is not None:
        check_number(name, value, minimum, maximum)
