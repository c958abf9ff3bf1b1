"""Maxim DS18B20 (DS18S20 and DS1822 as well): thermometers on a one-wire bus, as many as there are.

Datasheet 19-7487, "DS18B20 Programmable Resolution 1-Wire Digital Thermometer". The firmware's
own modules `onewire` and `ds18x20` speak with them.
"""

from ..port import const
from .driver import Driver, SensorError
from .frozen import call

_CONVERSION_MS = const(750)  # at most, at 12 bits; fewer take less
_POWER_ON = 85.0  # what the register holds before the first conversion, or if that failed
_SEARCH_EVERY = const(30)
_FORGOTTEN_AFTER = const(10)  # reads


class DS18B20(Driver):
    """Yields the temperature (°C) of each, with its ROM id as a tag: {"rom": "28ff641e0f160351"}.

    If one does not answer, or its checksum is wrong, the others are still read. Its temperature is
    left out, and "temperature.status" says, once, what is wrong (a text), and "ok" when it is well
    again. New ones are looked for at once after that, and else every 30 reads; they begin with
    "ok". 85.0 °C is refused, as it may mean that there was no conversion.

    names: {rom: metric} for those that are to have a metric of their own. One that is named is
    missed if it is not there, any other only after it was there once, and is forgotten when it
    was missed 10 times.
    Power: three wires. On two ("parasite power") a conversion needs a stronger pull-up than a
    resistor, which a Pin does not give; most then stay at 85.0.
    """

    BUS = "onewire"
    METRICS = {"temperature": "°C", "temperature.status": ""}
    # Table "DC electrical characteristics".
    RANGES = ("temperature", -55, 125)
    INTERVAL_MS = 10000

    def __init__(self, pin, names=None):
        self._pin = pin
        self._probes = {}  # all that are known, by their ROM ids
        if names is not None and not isinstance(names, dict):
            raise ValueError("names: %r; give an object, a metric's name by ROM id" % (names,))
        if names:
            self.METRICS = dict(self.METRICS)
        for rom, metric in (names or {}).items():
            good = isinstance(rom, str) and len(rom) == 16 and isinstance(metric, str) and metric
            if not good or rom.lower().strip("0123456789abcdef"):
                raise ValueError(
                    "names: %r: %r; give 16 hexadecimal digits, and a metric" % (rom, metric)
                )
            self._probes[rom.lower()] = _Probe(metric, True)
            self.METRICS[metric] = "°C"
            self.METRICS[metric + ".status"] = ""
        self._search_in = 0
        self._searched = False

    def setup(self):
        from ds18x20 import DS18X20
        from onewire import OneWire

        self._bus = DS18X20(call("one-wire", OneWire, self._pin))
        self._search_in = 0

    def measure(self):
        bus = self._bus
        if self._search_in <= 0:
            self._search()
        self._search_in -= 1
        call("one-wire", bus.convert_temp)
        yield _CONVERSION_MS
        readings = []
        errors = {}
        for rom in self._probes:
            try:
                readings.append((self._probes[rom].metric, self._temperature(rom), {"rom": rom}))
            except OSError as error:
                errors[rom] = error
        if not readings:
            for rom in errors:
                raise errors[rom]
            raise SensorError("one-wire: no thermometer is found")
        for reading in readings:
            yield reading
        for rom, probe in list(self._probes.items()):
            error = errors.get(rom)
            if probe.well != (error is None):
                probe.well = error is None
                yield probe.metric + ".status", str(error or "ok"), {"rom": rom}
                self._search_in = 0  # another may be in its place
            probe.misses = probe.misses + 1 if error else 0
            if probe.misses >= _FORGOTTEN_AFTER and not probe.named:
                del self._probes[rom]

    def _search(self):
        for rom in call("one-wire", self._bus.scan):
            text = bytes(rom).hex()
            if not self._bus.ow.crc8(rom) and text not in self._probes:
                # One that comes later is told to be well: it may have been missed before.
                self._probes[text] = probe = _Probe("temperature", False)
                probe.well = not self._searched
        self._searched = bool(self._probes)
        self._search_in = _SEARCH_EVERY

    def _temperature(self, rom):
        bus = self._bus
        # Each by itself, so that the others go, and its own status tells.
        try:
            value = call(rom, bus.read_temp, bytes.fromhex(rom))
        except SensorError:
            if min(bus.buf) == 0xFF:
                raise SensorError(rom + ": no answer")
            raise
        except ZeroDivisionError:  # a DS18S20 of zeros
            value = 0.0
        # The checksum of zeros is right: a wire that is held low.
        if not any(bus.buf):
            raise SensorError(rom + ": zeros only; the wire may be shorted to ground")
        if value == _POWER_ON:
            raise SensorError(rom + ": 85.0 °C, which is its value at power-on")
        low, high = self.RANGES[1:]
        if not low <= value <= high:
            raise SensorError("%s: %s is not from %s to %s" % (rom, value, low, high))
        return round(value, 4)


class _Probe:
    def __init__(self, metric, named):
        self.metric = metric
        self.named = named
        self.well = True  # as was told last
        self.misses = 0  # in a row
