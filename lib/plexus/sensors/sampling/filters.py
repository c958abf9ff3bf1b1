"""Calibrates, averages and thins out a sensor's readings before they are sent."""

from collections import OrderedDict

from ...port import const, ticks_diff
from ...readings.decimal import Decimal
from ..checks import check_number, check_whole

_DIGITS = "%.7g"  # what single precision holds
_MOST = const(1000000000)
_MOST_READS = const(10000)
_LONGEST_MS = const(86400000)
# Metrics with their tags of which a mean or the last value is kept. Tags that are ever new ones
# would fill the RAM: the oldest goes, and is then like one that has never been.
_MOST_KEYS = const(64)


class Filters:
    """The arguments are those of Sampler.add(). no_mean: metrics that have none, see Driver."""

    def __init__(self, calibration=None, deadband=None, average=1, heartbeat_ms=0, no_mean=()):
        self._lines = {}
        lines = calibration or {}
        if not isinstance(lines, dict):
            raise ValueError("calibration: %r; give {metric: (scale, offset)}" % (lines,))
        for name, line in lines.items():
            given = line
            if isinstance(line, dict) and not set(line) - {"scale", "offset"}:
                line = line.get("scale", 1), line.get("offset", 0)
            good = isinstance(line, (tuple, list)) and len(line) == 2
            if not good or not all(map(_is_finite, line)):
                raise ValueError("calibration: %r: %r; give scale, offset" % (name, given))
            self._lines[name] = line
        bands = deadband.values() if isinstance(deadband, dict) else (deadband,)
        for band in bands:
            if band is not None:
                check_number("deadband", band, 0)
        self._deadband = deadband
        check_whole("average", average, 1, _MOST)
        self._average = min(average, _MOST_READS)
        check_number("heartbeat_ms", heartbeat_ms, 0, _LONGEST_MS)
        self._heartbeat_ms = heartbeat_ms
        self._no_mean = no_mean
        self._reads = 0
        self._means = OrderedDict()  # by metric and tags: (the last reading, its _Mean)
        self._sent = OrderedDict()  # by metric and tags: (value, ticks)

    def reset(self):
        """Forget what has been: the sensor is another, or what it sends goes elsewhere."""
        self._reads = 0
        self._means.clear()
        self._sent.clear()

    def shaped(self, readings, ticks):
        """What is to be sent of the readings of one measurement, made at `ticks`."""
        if self._lines:
            readings = [self._calibrated(reading) for reading in readings]
        if self._average > 1:
            readings = self._averaged(readings)
        if self._deadband is not None:
            readings = [reading for reading in readings if self._is_news(reading, ticks)]
        return readings

    def _calibrated(self, reading):
        metric, value = reading[:2]
        if isinstance(value, dict):
            value = {name: self._on_line(metric, name, value[name]) for name in value}
        else:
            value = self._on_line(metric, None, value)
        return (metric, value) + tuple(reading[2:])

    def _on_line(self, metric, name, value):
        line = self._lines.get(metric)
        if name is not None:
            line = self._lines.get(metric + "." + name, line)
        if line is None:
            return value
        scale, offset = line
        if isinstance(value, Decimal):
            if isinstance(scale, int):
                shift = offset * 10**value.digits
                return Decimal(value.number * scale + _whole(shift), value.digits)
            value = float(value)
        elif not _is_number(value):
            return value
        value = value * scale + offset
        # A whole number stays one: it may have more digits than a float.
        return value if isinstance(value, int) else float(_DIGITS % value)

    def _averaged(self, readings):
        for reading in readings:
            key = _key(reading)
            mean = self._means[key][1] if key in self._means else _Mean()
            if reading[0] in self._no_mean:
                mean = _Mean()
            mean.add(reading[1])
            _keep(self._means, key, (reading, mean))
        self._reads += 1
        if self._reads < self._average:
            return []
        self._reads = 0
        # Of all the reads: so without an age, which only one of them has.
        readings = [
            (reading[0], mean.value()) + tuple(reading[2:3])
            for reading, mean in self._means.values()
        ]
        self._means.clear()
        return readings

    def _is_news(self, reading, ticks):
        band = self._deadband
        if isinstance(band, dict):
            band = band.get(reading[0])
            if band is None:
                return True
        key = _key(reading)
        value = reading[1]
        last = self._sent.get(key)
        if last is not None and not _differs(last[0], value, band):
            heartbeat_ms = self._heartbeat_ms
            if not heartbeat_ms or ticks_diff(ticks, last[1]) < heartbeat_ms:
                return False
        _keep(self._sent, key, (value, ticks))
        return True


class _Mean:
    # The mean of the numbers that it is given; of what is no number, the last.

    def __init__(self):
        self._count = 0
        self._digits = 0  # total / 10 ** digits is exact as long as no float has come: then None
        self._total = 0
        self._sum = self._lost = 0.0
        self._parts = {}  # of an object, by name
        self._last = None

    def add(self, value):
        self._last = value
        if isinstance(value, dict):
            for name in value:
                self._parts.setdefault(name, _Mean()).add(value[name])
            return
        if not (_is_number(value) or isinstance(value, Decimal)):
            return
        self._count = self._count + 1
        if self._digits is not None and not isinstance(value, float):
            number, digits = value, 0
            if isinstance(value, Decimal):
                number, digits = value.number, value.digits
            if digits > self._digits:
                self._total = self._total * 10 ** (digits - self._digits)
                self._digits = digits
            self._total = self._total + number * 10 ** (self._digits - digits)
            return
        if self._digits is not None:
            self._sum = self._total / 10**self._digits
            self._digits = None
        # Kahan's summation: what the sum has no digits for is part of the next addition.
        addend = float(value) - self._lost
        total = self._sum + addend
        self._lost = (total - self._sum) - addend
        self._sum = total

    def value(self):
        last = self._last
        if isinstance(last, dict):
            return {name: self._parts[name].value() for name in last}
        if not (_is_number(last) or isinstance(last, Decimal)):
            return last
        if self._digits is None:
            return float(_DIGITS % (self._sum / self._count))
        if self._digits:
            return Decimal(_quotient(self._total, self._count), self._digits)
        whole, rest = divmod(self._total, self._count)
        if not rest:
            return whole
        if abs(whole) >= 1000000:  # a float has no digits left for the rest
            return _quotient(self._total, self._count)
        return float(_DIGITS % (whole + rest / self._count))


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_finite(value):
    return _is_number(value) and value - value == 0


def _whole(number):
    return number if isinstance(number, int) else round(number)


def _quotient(total, count):
    return (2 * total + count) // (2 * count)


def _key(reading):
    tags = reading[2] if len(reading) > 2 else None
    return (reading[0], repr(sorted(tags.items()))) if tags else reading[0]


def _keep(table, key, value):
    # As the newest of the table.
    table.pop(key, None)
    if len(table) >= _MOST_KEYS:
        table.pop(next(iter(table)))
    table[key] = value


def _differs(before, value, band):
    if isinstance(value, dict) and isinstance(before, dict) and len(value) == len(before):
        for name in value:
            if name not in before or _differs(before[name], value[name], band):
                return True
        return False
    if isinstance(value, Decimal) and isinstance(before, Decimal):
        digits = max(value.digits, before.digits)
        change = abs(value.scaled(digits) - before.scaled(digits))
        return change > 0 and change >= _whole(band * 10**digits)
    if not _is_number(value) or not _is_number(before):
        return value != before
    if value == before:
        return False
    change = abs(value - before)  # pyright: ignore[reportOperatorIssue] -- numbers
    if isinstance(change, float):
        # 20.3 - 20.2 is a little less than 0.1, and in single precision much less.
        change += min(3e-7 * max(abs(value), abs(before)), band / 8)
    return change >= band
