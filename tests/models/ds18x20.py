"""Stands in for the firmware's module `ds18x20`, over models on a simulated wire."""

_FAMILIES = (0x10, 0x22, 0x28)


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [found for found in self.ow.scan() if found[0] in _FAMILIES]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(0x44)

    def read_scratch(self, rom):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(0xBE)
        self.ow.readinto(self.buf)
        if self.ow.crc8(self.buf):
            raise Exception("CRC error")
        return self.buf

    def read_temp(self, rom):
        data = self.read_scratch(rom)
        raw = data[0] | data[1] << 8
        if raw & 0x8000:
            raw -= 0x10000
        if rom[0] == 0x10:
            return (raw >> 1) - 0.25 + (data[7] - data[6]) / data[7]
        return raw / 16
