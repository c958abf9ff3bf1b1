"""The TSL2591: command bytes, gain, integration, and the status that tells that there is data."""

GAINS = (1, 25, 428, 9876)


class Model:
    """broadband and infrared are the light on its diodes, in counts at 100 ms and gain 1."""

    clock = None

    def __init__(self):
        self.broadband = 120.0
        self.infrared = 40.0
        self.power_on()

    def power_on(self):
        self.registers = bytearray(32)
        self.registers[0x12] = 0x50
        self.pointer = 0
        self.done_ms = None

    def vary(self, random):
        # From 0.004 to 20000 counts at gain 1, equally often in each decade.
        self.broadband = 10 ** (random.randrange(-240, 430) / 100)
        self.infrared = self.broadband * random.randrange(0, 65) / 100

    def wrong_id(self):
        self.registers[0x12] = 0x0A

    def write(self, data):
        if data[0] & 0xE0 != 0xA0:
            return  # a special function, or nothing
        self.pointer = data[0] & 0x1F
        for value in data[1:]:
            if self.pointer == 0:
                running = self.registers[0] & 3 == 3
                if value & 3 == 3 and not running:
                    steps = (self.registers[1] & 7) + 1
                    self.done_ms = self.clock.now_ms + 110 * steps
                elif value & 3 != 3:
                    self.done_ms = None
                    self.registers[0x13] = 0
            if self.pointer < 0x0D:
                self.registers[self.pointer] = value
            self.pointer = self.pointer + 1 & 31

    def read(self, count):
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms:
            self.convert()
        data = bytearray()
        for _ in range(count):
            data.append(self.registers[self.pointer])
            self.pointer = self.pointer + 1 & 31
        return data

    def convert(self):
        steps = (self.registers[1] & 7) + 1
        gain = GAINS[self.registers[1] >> 4 & 3]
        for register, light in ((0x14, self.broadband), (0x16, self.infrared)):
            counts = min(int(light * gain * steps), 36863 if steps == 1 else 65535)
            self.registers[register] = counts & 255
            self.registers[register + 1] = counts >> 8
        self.registers[0x13] = 1
