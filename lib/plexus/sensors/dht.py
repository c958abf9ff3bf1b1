"""Aosong DHT22 (AM2302, AM2301) and DHT11: humidity and temperature at one pin.

Datasheets "AM2302" and "DHT11" of Aosong, section on the data format. The firmware's own module
`dht` takes the 40 bits; it blocks for a quarter of a second.
"""

from ..port import ticks_add, ticks_diff, ticks_ms
from .driver import Driver, SensorError
from .frozen import call

# By model: ms between reads (and until the first), lowest and highest temperature in 0.1 °C.
_MODELS = {"dht22": (2000, -400, 800), "dht11": (1000, -200, 600)}


class DHT(Driver):
    """Yields the relative humidity (%) and the temperature (°C).

    model: "dht22" (also the AM2302, AM2301 and DHT21) or "dht11". A DHT22 is read every 2 s at
    most, a DHT11 every second; a read that comes sooner waits.
    """

    BUS = "pin"
    METRICS = {"humidity": "%", "temperature": "°C"}
    # AM2302, section "Technical specification"; a DHT11 has less, see _MODELS.
    RANGES = (
        "humidity", 0, 100,
        "temperature", -40, 80,
    )  # fmt: skip
    INTERVAL_MS = 2000

    def __init__(self, pin, model="dht22"):
        from .checks import choice

        choice("model", model, ("dht22", "dht11"))
        self._pin = pin
        self._model = model
        self.INTERVAL_MS = _MODELS[model][0]
        self._next = None  # ticks before which it must not be read

    def setup(self):
        from dht import DHT11, DHT22

        self._sensor = (DHT22 if self._model == "dht22" else DHT11)(self._pin)

    def measure(self):
        interval_ms, minimum, maximum = _MODELS[self._model]
        # It may just have got its power, too.
        wait_ms = interval_ms
        if self._next is not None:
            wait_ms = min(ticks_diff(self._next, ticks_ms()), interval_ms)
        if wait_ms > 0:
            yield wait_ms
        self._next = ticks_add(ticks_ms(), interval_ms)
        call(self._model, self._sensor.measure)
        data = self._sensor.buf
        if not any(data):
            raise SensorError(self._model + ": zeros only")
        humidity, temperature = (_dht22 if self._model == "dht22" else _dht11)(data)
        if not 0 <= humidity <= 1000 or not minimum <= temperature <= maximum:
            other = "dht11" if self._model == "dht22" else "dht22"
            data = bytes(data).hex()
            raise SensorError("%s: %s makes no sense; is it a %s?" % (self._model, data, other))
        yield "humidity", humidity / 10
        yield "temperature", temperature / 10


def _dht22(data):
    # Humidity and temperature in tenths, from the bytes as they came.
    word = data[2] << 8 | data[3]
    # The sign and the magnitude, as the datasheet says.
    temperature = 0x8000 - word if word & 0x8000 else word
    # Some makes send a two's complement of 16 or 12 bits: what would else be below -40 or above
    # 80 °C (0xFE70 and more, 0x0E70 to 0x0FFF).
    if not -400 <= temperature <= 800 and word >> 12 in (0, 15):
        temperature = (word & 0xFFF) - 0x1000
    return data[0] << 8 | data[1], temperature


def _dht11(data):
    # Whole numbers, and the tenths, of which a newer make's have the temperature's sign.
    tenths = data[3] & 0x7F
    if data[1] > 9 or tenths > 9:
        return -1, 0
    temperature = data[2] * 10 + tenths
    return data[0] * 10 + data[1], -temperature if data[3] & 0x80 else temperature
