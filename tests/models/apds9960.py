"""The APDS-9960: light and proximity engines, their times, and the status of each."""

from .chip import RegisterChip

ENABLE, TIME, PULSES, CONTROL, ID, STATUS = 0x80, 0x81, 0x8E, 0x8F, 0x92, 0x93
COLOR, PROXIMITY = 0x94, 0x9C


class Model(RegisterChip):
    """light: clear, red, green and blue in counts a step at gain 1. distance_counts: proximity.

    dazzled: the proximity photodiodes are saturated by the light around.
    """

    WRITABLE = tuple(i for i in range(0x80, 0xB0) if i not in (0x92, 0x93) and not 0x94 <= i < 0x9D)

    def __init__(self):
        super().__init__()
        self.light = [20.0, 9.0, 7.0, 4.0]
        self.distance_counts = 30
        self.dazzled = False
        self.power_on()

    def power_on(self):
        self.put(0, bytes(256))
        self.registers[TIME] = 0xFF
        self.registers[PULSES] = 0x40
        self.registers[ID] = 0xAB
        self.awake_ms = self.light_ms = self.proximity_ms = None

    def vary(self, random):
        clear = random.randrange(1, 6300) / 25  # below saturation at the usual gain of 4
        self.light = [clear] + [clear * random.randrange(0, 100) / 100 for _ in range(3)]
        self.distance_counts = random.randrange(0, 256)

    def wrong_id(self):
        self.registers[ID] = 0x39

    def wrote(self, register, value):
        if register == ENABLE:
            now_ms = self.clock.now_ms
            if not value & 1:
                self.awake_ms = None
            elif self.awake_ms is None:
                self.awake_ms = now_ms + 7
            if value & 5 != 5:
                self.proximity_ms = None
                self.registers[STATUS] &= ~0x42 & 255
            elif self.proximity_ms is None:
                self.proximity_ms = max(now_ms, self.awake_ms or 0) + 3
            if value & 3 != 3:
                self.light_ms = None
                self.registers[STATUS] &= ~0x81 & 255
            elif self.light_ms is None:
                before_ms = self.proximity_ms or max(now_ms, self.awake_ms or 0)
                self.light_ms = before_ms + (256 - self.registers[TIME]) * 2.9

    def reads(self, register):
        now_ms = self.clock.now_ms
        if self.proximity_ms is not None and now_ms >= self.proximity_ms:
            self.registers[PROXIMITY] = self.distance_counts
            self.registers[STATUS] |= 0x42 if self.dazzled else 0x02
            self.proximity_ms = now_ms + 5
        if self.light_ms is not None and now_ms >= self.light_ms:
            self.expose()
            self.light_ms = now_ms + (256 - self.registers[TIME]) * 2.9
        value = self.registers[register]
        if COLOR <= register < COLOR + 8:
            self.registers[STATUS] &= ~1 & 255
        elif register == PROXIMITY:
            self.registers[STATUS] &= ~2 & 255
        return value

    def expose(self):
        steps = 256 - self.registers[TIME]
        gain = (1, 4, 16, 64)[self.registers[CONTROL] & 3]
        limit = min(1025 * steps, 65535)
        for i, light in enumerate(self.light):
            counts = int(light * gain * steps)
            if not i and counts > limit:
                self.registers[STATUS] |= 0x80
            counts = min(counts, limit)
            self.put(COLOR + 2 * i, (counts & 255, counts >> 8))
        self.registers[STATUS] |= 1
