"""The DS18B20, and the DS18S20 by its family code: conversions, scratchpad with its checksum."""

from .onewire import Chip, crc8, rom

_CONVERSION_MS = (93.75, 187.5, 375, 750)


class Model(Chip):
    """raw: the temperature in 1/16 °C. damaged: so many of the next scratchpads have a wrong bit.
    parasite: fed by the wire alone, which cannot feed a conversion."""

    def __init__(self, serial=0x16FF641E0F03, family=0x28):
        super().__init__(rom(family, serial))
        self.raw = 0x0191  # 25.0625 °C
        self.damaged = 0
        self.parasite = False

    def power_on(self):
        self.done_ms = None
        self.bits = 3  # of the setting: 12 bits
        self.scratch = bytearray(b"\x50\x05\x4b\x46\x7f\xff\x0c\x10")
        if self.rom[0] == 0x10:
            self.scratch = bytearray(b"\xaa\x00\x4b\x46\xff\xff\x0c\x10")

    def vary(self, random):
        self.raw = random.randrange(-55 * 16, 125 * 16 + 1)
        if self.raw == 85 * 16:
            self.raw += 1

    def command(self, code):
        if code == 0x44:
            self.done_ms = self.clock.now_ms + _CONVERSION_MS[self.bits]
        elif code == 0xBE:
            self._convert()
            data = self.scratch + bytes([crc8(self.scratch)])
            if self.damaged:
                self.damaged -= 1
                data[0] ^= 2
            self.reply = bytes(data)
        elif code == 0x4E:
            self.wants = 3
        elif code == 0xB4:
            self.reply = bytes([0 if self.parasite else 255])

    def given(self, data):
        self.scratch[2:5] = data
        self.bits = data[2] >> 5 & 3

    def idle_bit(self):
        # 0 as long as it converts.
        self._convert()
        return 1 if self.done_ms is None else 0

    def _convert(self):
        if self.done_ms is None or self.clock.now_ms < self.done_ms:
            return
        self.done_ms = None
        if self.parasite:
            self.power_on()
            return
        raw = self.raw
        if self.rom[0] == 0x10:
            # The temperature is whole degrees - 0.25 + (16 - remain) / 16.
            whole, sixteenths = divmod(raw + 4, 16)
            self.scratch[6] = 16 - sixteenths
            raw = whole * 2
        else:
            raw &= -(1 << 3 - self.bits)
            self.scratch[6] = 16 - (raw & 15)
        self.scratch[0], self.scratch[1] = raw & 255, raw >> 8 & 255
