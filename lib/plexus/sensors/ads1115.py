"""TI ADS1115 and ADS1015: four analogue inputs, 16 or 12 bits.

Datasheets SBAS444D (ADS111x), sections 9.3.3 (full-scale range), 9.3.6 (data rate) and "Config
Register", and SBAS473E (ADS101x). Both chips have the same registers; the ADS1015's 12 bits are
the upper ones of the 16, so that one formula serves.
"""

from ..port import const
from .i2c import I2CDriver, signed

_CONVERSION = const(0)
_CONFIG = const(1)
_LOW_THRESHOLD = const(2)
_HIGH_THRESHOLD = const(3)
# Start one conversion, then power down; no comparator. The comparator's latch (bit 2) does nothing
# without it, and tells this from the settings at power-on.
_SINGLE_SHOT = const(0x8107)
# By their codes; that of the chips' default is 4.
_RATES = {
    "ADS1115": (8, 16, 32, 64, 128, 250, 475, 860),
    "ADS1015": (128, 250, 490, 920, 1600, 2400, 3300),
}
_FULL_SCALES_MV = (6144, 4096, 2048, 1024, 512, 256)
_CHANNELS = ("0-1", "0-3", "1-3", "2-3", 0, 1, 2, 3)


class ADS1115(I2CDriver):
    """Yields the voltage (V) of each channel, measured one after the other.

    model: "ADS1115" or "ADS1015".
    channels: 0 to 3 for that input against ground, which gives voltage_0 to voltage_3; "0-1",
    "0-3", "1-3" or "2-3" for the difference of two, which gives voltage_0_1 and so on.
    full_scale_mv: 6144, 4096, 2048, 1024, 512 or 256 mV in both directions; no input may be above
    the chip's supply all the same. A value beyond it is an error.
    data_rate: samples per second, 8, 16, 32, 64, 128, 250, 475 or 860 with the ADS1115, 128, 250,
    490, 920, 1600, 2400 or 3300 with the ADS1015; the slower, the less noise. 128 or 1600 if None.
    """

    ADDRESSES = (0x48, 0x49, 0x4A, 0x4B)
    METRICS = {
        "voltage_0": "V",
        "voltage_1": "V",
        "voltage_2": "V",
        "voltage_3": "V",
        "voltage_0_1": "V",
        "voltage_0_3": "V",
        "voltage_1_3": "V",
        "voltage_2_3": "V",
    }

    def __init__(
        self,
        bus,
        address=None,
        model="ADS1115",
        channels=(0, 1, 2, 3),
        full_scale_mv=4096,
        data_rate=None,
        any_id=False,
    ):
        from .checks import choice
        from .several import some

        super().__init__(bus, address, any_id)
        choice("model", model, ("ADS1115", "ADS1015"))
        rates = _RATES[model]
        rate = 4 if data_rate is None else choice("data_rate", data_rate, rates)
        full_scale = choice("full_scale_mv", full_scale_mv, _FULL_SCALES_MV)
        self._model = model
        self._channels = [_CHANNELS[i] for i in some("channels", channels, _CHANNELS)]
        self.METRICS = {_metric(channel): "V" for channel in self._channels}
        self._full_scale_mv = _FULL_SCALES_MV[full_scale]
        # Section 9.3.3: in both directions.
        volts = self._full_scale_mv / 1000
        self.RANGES = ()
        for metric in self.METRICS:
            self.RANGES += (metric, -volts, volts)
        self._config = _SINGLE_SHOT | full_scale << 9 | rate << 5
        # The rate may be 10 % lower, and the chip wakes within 25 us.
        self._wait_ms = (10000000 // (9 * rates[rate]) + 25) // 1000 + 1

    def chip(self):
        # There is no id, but no other chip has such thresholds at power-on, and nothing here
        # changes them. They are the same in both models.
        low, high = self.get(_LOW_THRESHOLD, 2), self.get(_HIGH_THRESHOLD, 2)
        return self._model if low == b"\x80\x00" and high == b"\x7f\xff" else None

    def measure(self):
        readings = []
        for channel in self._channels:
            voltage = yield from self._voltage(channel)
            readings.append((_metric(channel), voltage))
        yield from readings

    def _voltage(self, channel):
        config = self._config | _CHANNELS.index(channel) << 12
        config = bytes((config >> 8, config & 255))
        self.set(_CONFIG, *config)
        yield self._wait_ms
        # The highest bit reads 1 once the conversion has ended, so it all reads as it was written.
        if self.get(_CONFIG, 2) != config:
            raise self.error("channel %s: the conversion does not end" % (channel,))
        data = self.get(_CONVERSION, 2)
        raw = signed(data[0] << 8 | data[1], 16)
        if raw >> 4 == 0x7FF and (raw == 0x7FFF or self._model == "ADS1015") or raw == -0x8000:
            raise self.error(
                "channel %s: beyond %d mV; give a larger full_scale_mv"
                % (channel, self._full_scale_mv)
            )
        # Below 2^28 before the division, whose result has 16 significant bits: 24 suffice.
        return round(raw * self._full_scale_mv / 32768000, 6)


def _metric(channel):
    return "voltage_" + str(channel).replace("-", "_")
