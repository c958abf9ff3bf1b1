"""The board's own analogue-to-digital converter, on one pin."""

from .driver import Driver, SensorError

_ATTENUATIONS_DB = (0, 2.5, 6, 11)
_ATTENUATIONS = ("ATTN_0DB", "ATTN_2_5DB", "ATTN_6DB", "ATTN_11DB")


class ADC(Driver):
    """Yields the mean voltage (V) of some samples: that of the pin times `divider`.

    pin: a machine.Pin, on the ESP32 one of ADC1: ADC2 does not work beside WiFi.
    divider: the voltage before the divider over that at the pin, (R1 + R2) / R2.
    samples: how many at once, from 1 to 256.
    scale, offset: what is yielded is the voltage * scale + offset.
    attenuation_db: 0, 2.5, 6 or 11, the ESP32's ranges; up to about 0.95, 1.25, 1.75 and 2.45 V at
    the pin they are accurate. Ports that have none ignore it.
    metric: its name.
    reference_mv: the full scale, for ports whose converter is not calibrated in volts.

    A pin above what the converter can tell is an error.
    """

    BUS = "pin"
    METRICS = {"voltage": "V"}

    def __init__(
        self,
        pin,
        divider=1.0,
        samples=16,
        scale=1.0,
        offset=0.0,
        attenuation_db=11,
        metric="voltage",
        reference_mv=3300,
    ):
        from .checks import check_number, check_whole, choice

        check_number("divider", divider, 1, 1000)
        check_whole("samples", samples, 1, 256)
        check_number("scale", scale)
        check_number("offset", offset)
        attenuation = choice("attenuation_db", attenuation_db, _ATTENUATIONS_DB)
        if not isinstance(metric, str) or not metric:
            raise ValueError("metric: %r; give its name" % (metric,))
        check_whole("reference_mv", reference_mv, 1, 10000)
        # What comes of a calibration has a unit that only its author knows.
        self.METRICS = {metric: "V" if scale == 1 and offset == 0 else ""}
        # From 0 to the highest supply of an ESP32 (its datasheet, "Recommended Operating
        # Conditions"), or to what the full scale is said to be.
        end = max(3600, reference_mv) * divider / 1000 * scale + offset
        self.RANGES = (metric, min(offset, end), max(offset, end))
        self.pin = pin
        self._divider = divider
        self._samples = samples
        self._scale = scale
        self._offset = offset
        self._attenuation = _ATTENUATIONS[attenuation]
        self._metric = metric
        self._reference_mv = reference_mv

    def setup(self):
        try:
            from machine import ADC as Converter
        except ImportError:
            raise SensorError("%s: this port has no machine.ADC" % (self.pin,))
        self._converter = Converter(self.pin)
        if hasattr(Converter, self._attenuation):
            self._converter.atten(getattr(Converter, self._attenuation))

    def measure(self):
        converter = self._converter
        if converter.read_u16() == 65535:
            raise SensorError("%s: the voltage is beyond the converter's range" % (self.pin,))
        total = 0
        if hasattr(converter, "read_uv"):
            # 256 samples of 3.3 V are below 2^30: no int on the heap.
            for _ in range(self._samples):
                total += converter.read_uv()
        else:
            for _ in range(self._samples):
                total += converter.read_u16()
            total = total * self._reference_mv * 1000 // 65535
        # A pin's microvolts have 22 bits. 0.1 mV is finer than the noise of the mean.
        voltage = round(total // self._samples * self._divider / 1000000, 4)
        yield self._metric, voltage * self._scale + self._offset
