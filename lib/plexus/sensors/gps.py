"""GPS receivers (and GLONASS, Galileo, ...) of NMEA 0183: position, speed and course.

Sentences GGA and RMC of any talker (GP, GN, GL, GA, GB, ...), NMEA 0183 version 2 and later.
"""

from ..port import const
from ..readings.decimal import Decimal
from .uart import UARTDriver, check_ms

_LONGEST = const(120)  # of a sentence; 82 by the standard, some receivers' are longer
_STEP_MS = const(20)
_BURST_MS = const(500)  # from the first sentence about a moment to its last
_FIX = "123456"  # the qualities of a measured position; 7 and 8 are typed in or simulated


class GPS(UARTDriver):
    """Yields position {"lat", "lon" (°), "alt" (m above the sea)}, speed (m/s), course (°),
    satellites (used) and hdop, all of one moment; a read waits for the next one. lat beyond 90 or
    lon beyond 180 is an error.

    Without a fix it yields satellites alone, and what the receiver leaves out (the course of one
    that stands still) is left out. lat and lon are Decimals: no digit is lost on a board. With
    the sampler's average, the mean of longitudes on both sides of the 180th is none.
    period_ms: how often the receiver sends. Give the UART its baud rate, mostly 9600 or 38400,
    and rxbuf=1024.
    """

    METRICS = {
        "position": "° (alt: m)",
        "speed": "m/s",
        "course": "°",
        "satellites": "",
        "hdop": "",
    }
    # NMEA 0183: degrees, and what its fields hold; alt and speed as u-blox receivers are
    # limited to (80 km, 500 m/s), with some to spare. lat and lon are checked as they are read.
    RANGES = (
        "position", -1000, 100000,
        "speed", 0, 600,
        "course", 0, 360,
        "satellites", 0, 999,
        "hdop", 0, 100,
    )  # fmt: skip
    NO_MEAN = ("course",)

    def __init__(self, uart, period_ms=1000):
        super().__init__(uart)
        check_ms("period_ms", period_ms, 20)
        self._period_ms = period_ms

    def measure(self):
        gga, rmc = yield from self._moment()
        try:
            readings = _readings(gga, rmc)
        except ValueError as error:
            raise self.error("a sentence that makes no sense (%s)" % (error,))
        for reading in readings:
            yield reading

    def _moment(self):
        # Waits for a GGA and an RMC about the same time: their fields.
        self.discard()
        gga = rmc = None
        rest = b""
        heard = 0
        bare = False
        for _ in range(0, 2 * self._period_ms + _BURST_MS, _STEP_MS):
            yield _STEP_MS
            came = self.receive()
            heard += len(came)
            lines = (rest + came).split(b"\n")
            rest = lines.pop()[-_LONGEST:]
            for line in lines:
                fields = _fields(line)
                if fields is None:
                    bare = bare or (line[:2] in (b"$G", b"$B") and b"*" not in line)
                    continue
                if fields[0][2:] == "GGA" and len(fields) >= 10:
                    gga = fields
                elif fields[0][2:] == "RMC" and len(fields) >= 9:
                    rmc = fields
                if gga and rmc and gga[1] == rmc[1]:
                    return gga, rmc
        if gga or rmc:
            raise self.error("no GGA and RMC of one moment; turn both on in the receiver")
        if bare:
            raise self.error("sentences without checksums; turn them on in the receiver")
        raise self.misunderstood(heard)


def _fields(line):
    # The fields of a line if it is a whole sentence with the right checksum, else None.
    start = line.rfind(b"$") + 1
    star = line.find(b"*", start)
    if not start or not start < star <= min(start + _LONGEST, len(line) - 3):
        return None
    checksum = 0
    for byte in line[start:star]:
        checksum ^= byte
    try:
        if int(str(line[star + 1 : star + 3], "ascii"), 16) != checksum:
            return None
        return str(line[start:star], "ascii").split(",")
    except ValueError:  # of which UnicodeError is one
        return None


def _readings(gga, rmc):
    readings = []
    fix = len(gga[6]) == 1 and gga[6] in _FIX and rmc[2] == "A"
    if fix:
        latitude = _degrees(gga[2], gga[3], "NS", 90)
        position = {"lat": latitude, "lon": _degrees(gga[4], gga[5], "EW", 180)}
        if gga[9]:
            position["alt"] = _fixed(gga[9], 3) / 1000
        readings.append(("position", position))
        if rmc[7]:
            # Knots: 1852 m in 3600 s.
            readings.append(("speed", round(_fixed(rmc[7], 3) * 463 / 900000, 3)))
        if rmc[8]:
            readings.append(("course", _fixed(rmc[8], 2) / 100))
    if gga[7]:
        readings.append(("satellites", _fixed(gga[7], 0)))
    if fix and gga[8]:
        readings.append(("hdop", _fixed(gga[8], 2) / 100))
    return readings


def _degrees(text, side, sides, maximum):
    # [d]ddmm.mmmm and its side -> a Decimal of 1e-7 degrees, which are 11 mm.
    value = _fixed(text, 7)
    degrees, minutes = divmod(value, 1000000000)
    number = degrees * 10000000 + (minutes + 30) // 60
    if value < 0 or minutes >= 600000000 or number > maximum * 10000000:
        raise ValueError(text)
    if len(side) != 1 or side not in sides:
        raise ValueError(text + side)
    return Decimal(number if side == sides[0] else -number, 7)


def _fixed(text, digits):
    # A decimal number's text as an int of so many digits behind the point; more are cut off.
    whole, _, fraction = (text[1:] if text[:1] == "-" else text).partition(".")
    if not (whole + fraction).isdigit() or len(whole) > 8:
        raise ValueError(text or "a number is left out")
    number = int(whole + (fraction + "0" * digits)[:digits])
    return -number if text[:1] == "-" else number
