"""A simulated one-wire bus, and the firmware's module `onewire` over it."""

from .bus import Clock

SEARCH, MATCH, SKIP, READ_ROM = 0xF0, 0x55, 0xCC, 0x33


def crc8(data):
    """The bus's own checksum: x^8 + x^5 + x^4 + 1, the lowest bit first."""
    crc = 0
    for byte in data:
        for i in range(8):
            odd = (crc ^ byte >> i) & 1
            crc >>= 1
            if odd:
                crc ^= 0x8C
    return crc


def rom(family, serial):
    """A ROM id of 8 bytes, with its checksum."""
    data = bytes([family]) + bytes([serial >> 8 * i & 255 for i in range(6)])
    return data + bytes([crc8(data)])


class Wire:
    """The wire with its chips (models), slot by slot; it may stand in for the Pin that it is at.

    shorted: to ground.
    """

    OPEN_DRAIN = PULL_UP = None

    def __init__(self, clock=None):
        self.clock = clock or Clock()
        self.chips = []
        self.shorted = False

    def init(self, mode, pull):
        pass

    def attach(self, chip):
        """Plug in a chip (a model); returns it."""
        chip.clock = self.clock
        self.chips.append(chip)
        chip.power_on()
        return chip

    def remove(self, chip):
        self.chips.remove(chip)

    def reset(self):
        """Whether there is a presence pulse."""
        for chip in self.chips:
            chip.reset()
        return bool(self.chips) or self.shorted

    def read_bit(self):
        bits = [chip.gives() for chip in self.chips]
        return 0 if self.shorted or 0 in bits else 1

    def write_bit(self, bit):
        for chip in self.chips:
            chip.takes(0 if self.shorted else bit)


class Chip:
    """What all chips on the wire do: the ROM commands. A subclass has `command(code)`, called
    when it is addressed and a command's byte is there; it may set `reply` (bytes to be read) and
    `wants` (bytes that it is to be given, to `given(data)`); `idle_bit()` is read when there is
    no reply.
    """

    clock = None

    def __init__(self, rom_id):
        self.rom = rom_id
        self.reset()

    def power_on(self):
        pass

    def reset(self):
        self._state = "rom command"
        self._bits = []
        self._place = 0
        self.reply = b""
        self.wants = 0

    def gives(self):
        if self._state == "search":
            bit = self.rom[self._place >> 3] >> (self._place & 7) & 1
            self._half += 1
            return bit if self._half == 1 else 1 - bit
        if self._state == "addressed":
            if not self.reply:
                return self.idle_bit()
            bit = self.reply[0] >> self._place & 1
            self._place += 1
            if self._place == 8:
                self._place = 0
                self.reply = self.reply[1:]
            return bit
        return 1

    def idle_bit(self):
        """What is read when there is no reply."""
        return int(not self.reply)

    def takes(self, bit):
        if self._state == "search":
            if bit != self.rom[self._place >> 3] >> (self._place & 7) & 1:
                self._state = "out"
            self._half = 0
            self._place += 1
            if self._place == 64:
                self._state = "out"
            return
        if self._state == "out":
            return
        self._bits.append(bit)
        if self._state == "match" and len(self._bits) == 64:
            self._state = "addressed" if self._bytes() == self.rom else "out"
        elif self._state == "rom command" and len(self._bits) == 8:
            self._rom_command(self._bytes()[0])
        elif self._state == "addressed":
            if self.wants and len(self._bits) == 8 * self.wants:
                self.wants = 0
                self.given(self._bytes())
            elif not self.wants and len(self._bits) == 8:
                self._place = 0
                self.command(self._bytes()[0])

    def _rom_command(self, code):
        self._place = self._half = 0
        if code == SEARCH:
            self._state = "search"
        elif code == MATCH:
            self._state = "match"
        elif code == SKIP:
            self._state = "addressed"
        elif code == READ_ROM:
            self._state = "addressed"
            self.reply = self.rom
        else:
            self._state = "out"

    def _bytes(self):
        bits, self._bits = self._bits, []
        return bytes([sum([bits[i + j] << j for j in range(8)]) for i in range(0, len(bits), 8)])


class OneWireError(Exception):
    pass


class OneWire:
    """The firmware's class. pin: a Wire, or what has one as `wire`."""

    SEARCH_ROM = SEARCH
    MATCH_ROM = MATCH
    SKIP_ROM = SKIP

    def __init__(self, pin):
        self.pin = pin
        self._wire = getattr(pin, "wire", pin)
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)

    def reset(self, required=False):
        present = self._wire.reset()
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        return self._wire.read_bit()

    def readbyte(self):
        return sum([self._wire.read_bit() << i for i in range(8)])

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = self.readbyte()

    def writebit(self, value):
        self._wire.write_bit(value & 1)

    def writebyte(self, value):
        for i in range(8):
            self._wire.write_bit(value >> i & 1)

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(MATCH)
        self.write(rom)

    def crc8(self, data):
        return crc8(data)

    def scan(self):
        """All ROM ids (bytearrays), found depth first: the branches left behind are a stack."""
        found = []
        branches = [[]]
        while branches:
            path = branches.pop()
            if not self.reset():
                return found
            self.writebyte(SEARCH)
            bits = []
            while len(bits) < 64:
                pair = self.readbit(), self.readbit()
                if pair == (1, 1):
                    return found
                if len(bits) < len(path):
                    bit = path[len(bits)]
                elif pair == (0, 0):
                    bit = 0
                    if len(branches) < 64:
                        branches.append(bits + [1])
                else:
                    bit = pair[0]
                bits.append(bit)
                self.writebit(bit)
            found.append(
                bytearray([sum([bits[i + j] << j for j in range(8)]) for i in range(0, 64, 8)])
            )
            if len(found) == 255:
                break
        return found
