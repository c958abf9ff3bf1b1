"""A DHT22 or DHT11 at a pin, and the firmware's module `dht` that reads it."""

from .bus import Clock


class Model:
    """humidity and temperature in tenths; a DHT11's has 40 bits of another kind.

    present: whether it is plugged in. damaged: so many of the next answers have a wrong bit.
    complement: negative numbers as some makes send them. raw: the 4 bytes, whatever the rest says.
    """

    def __init__(self, dht11=False, clock=None):
        self.clock = clock or Clock()
        self.dht11 = dht11
        self.humidity, self.temperature = 652, 351
        self.present = True
        self.damaged = 0
        self.complement = False
        self.raw = None
        self._ready_ms = self.clock.now_ms + self._rest_ms()

    def vary(self, random):
        self.humidity = random.randrange(1, 1001)
        self.temperature = random.randrange(-400, 801)
        if self.dht11:
            self.humidity = random.randrange(5, 96) * 10
            self.temperature = random.randrange(0, 501)

    def data(self):
        """Its 5 bytes; None if it does not answer: too early, or not there."""
        if not self.present or self.clock.now_ms < self._ready_ms:
            return None
        self._ready_ms = self.clock.now_ms + self._rest_ms()
        data = bytearray(self.raw or self._encoded())
        data.append(sum(data) & 255)
        if self.damaged:
            self.damaged -= 1
            data[1] ^= 1
        return data

    def pulses(self):
        """The same as durations on the line in µs: low, high, low, ..."""
        data = self.data()
        if data is None:
            return []
        pulses = []
        for byte in data:
            for i in range(7, -1, -1):
                pulses += [50, 70 if byte >> i & 1 else 26]
        return pulses + [50]

    def _rest_ms(self):
        return 1000 if self.dht11 else 2000

    def _encoded(self):
        humidity, temperature = self.humidity, self.temperature
        whole, tenths = divmod(abs(temperature), 10)
        if self.dht11:
            sign = 0x80 if temperature < 0 else 0
            return [humidity // 10, humidity % 10, whole, tenths | sign]
        if temperature < 0 and self.complement:
            temperature &= 0xFFFF
        elif temperature < 0:
            temperature = 0x8000 - temperature
        return [humidity >> 8, humidity & 255, temperature >> 8, temperature & 255]


class DHTBase:
    """pin: a Model, or what has one as `chip`."""

    def __init__(self, pin):
        self.pin = pin
        self._chip = getattr(pin, "chip", pin)
        self.buf = bytearray(5)

    def measure(self):
        data = self._chip.data()
        if data is None:
            raise OSError(110)  # ETIMEDOUT
        self.buf[:] = data
        if sum(data[:4]) & 255 != data[4]:
            raise Exception("checksum error")


class DHT11(DHTBase):
    def humidity(self):
        return self.buf[0]

    def temperature(self):
        return self.buf[2]


class DHT22(DHTBase):
    def humidity(self):
        return (self.buf[0] << 8 | self.buf[1]) * 0.1

    def temperature(self):
        temperature = ((self.buf[2] & 0x7F) << 8 | self.buf[3]) * 0.1
        return -temperature if self.buf[2] & 0x80 else temperature
