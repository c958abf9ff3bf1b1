"""A GPS receiver: once a second the sentences RMC, VTG, GGA, GSA, GSV and GLL."""

from .uart import Talker


def sentence(text):
    """The bytes of a sentence of these fields, with its checksum."""
    checksum = 0
    for byte in text.encode():
        checksum ^= byte
    return ("$%s*%02X\r\n" % (text, checksum)).encode()


class Model(Talker):
    """lat_e7 and lon_e7 in 1e-7 degrees (shown as minutes of `digits` decimals), alt_dm in dm,
    speed_mkn in 1/1000 knots, course_cd in 1/100 degrees (None: it stands still), fix: quality.
    """

    talker = "GP"
    digits = 5

    def __init__(self, period_ms=1000):
        super().__init__()
        self.period_ms = period_ms
        self.lat_e7, self.lon_e7, self.alt_dm = 472852332, 85652650, 4996
        self.speed_mkn, self.course_cd = 4, 7752
        self.satellites, self.hdop_c, self.fix = 8, 101, 1
        self.damaged = 0  # so many of the next sentences have a wrong bit
        self._next_ms = 0
        self._second = 9 * 3600 + 27 * 60 + 25

    def attached(self):
        self._next_ms = self.clock.now_ms + 210

    def vary(self, random):
        self.lat_e7 = random.randrange(-900000000, 900000001)
        self.lon_e7 = random.randrange(-1800000000, 1800000001)
        self.alt_dm = random.randrange(-4000, 90000)
        self.speed_mkn = random.randrange(500000)
        self.course_cd = random.randrange(36000)
        self.satellites = random.randrange(3, 25)
        self.hdop_c = random.randrange(50, 2000)

    def run(self, now_ms):
        while self._next_ms <= now_ms:
            for text in self.texts():
                data = bytearray(sentence(self.talker + text))
                if self.damaged:
                    self.damaged -= 1
                    data[20] ^= 1
                self.say(data, self._next_ms)
            self._second += 1
            self._next_ms += self.period_ms

    def texts(self):
        """The sentences about one moment, without the talker."""
        second = self._second
        time = "%02d%02d%02d.00" % (second // 3600 % 24, second // 60 % 60, second % 60)
        where = ",,,"
        alt = speed = course = ""
        if self.fix:
            where = "%s,%s" % (self.angle(self.lat_e7, 2, "NS"), self.angle(self.lon_e7, 3, "EW"))
            alt = self.decimal(self.alt_dm, 1)
            speed = self.decimal(self.speed_mkn, 3)
            if self.course_cd is not None:
                course = self.decimal(self.course_cd, 2)
        status, mode = ("A", "A") if self.fix else ("V", "N")
        hdop = self.decimal(self.hdop_c if self.fix else 9999, 2)
        count = self.satellites if self.fix else 0
        return (
            "RMC,%s,%s,%s,%s,%s,091202,,,%s" % (time, status, where, speed, course, mode),
            "VTG,%s,T,,M,%s,N,,K,%s" % (course, speed, mode),
            "GGA,%s,%s,%d,%02d,%s,%s,M,48.0,M,," % (time, where, self.fix, count, hdop, alt),
            "GSA,A,%d,23,29,07,08,09,18,26,28,,,,,1.94,1.18,1.54" % (3 if self.fix else 1),
            "GSV,1,1,02,23,38,230,44,29,71,156,47",
            "GLL,%s,%s,%s,%s" % (where, time, status, mode),
        )

    def angle(self, value_e7, width, sides):
        """[d]ddmm.mmmmm and its side; cut off, not rounded, as receivers do."""
        degrees, rest = divmod(abs(value_e7), 10000000)
        minutes_e7 = rest * 60
        minutes, fraction = divmod(minutes_e7, 10000000)
        side = sides[0] if value_e7 >= 0 else sides[1]
        degrees = "0" * (width - len(str(degrees))) + str(degrees)
        fraction = ("%07d" % fraction)[: self.digits]
        return "%s%02d.%s,%s" % (degrees, minutes, fraction, side)

    def decimal(self, value, digits):
        whole, fraction = divmod(abs(value), 10**digits)
        fraction = "0" * (digits - len(str(fraction))) + str(fraction)
        return "%s%d.%s" % ("-" if value < 0 else "", whole, fraction)
