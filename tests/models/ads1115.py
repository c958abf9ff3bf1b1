"""The ADS1115 and the ADS1015: single-shot conversions of four inputs."""

FULL_SCALES_UV = (6144000, 4096000, 2048000, 1024000, 512000, 256000, 256000, 256000)
RATES = {
    "ADS1115": (8, 16, 32, 64, 128, 250, 475, 860),
    "ADS1015": (128, 250, 490, 920, 1600, 2400, 3300, 3300),
}
# The inputs between which each code of the multiplexer measures; None is ground.
INPUTS = ((0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None))


class Model:
    """inputs_uv: the voltages at the four inputs. Its oscillator is the slowest allowed."""

    clock = None  # of the bus that it is attached to

    def __init__(self, model="ADS1115"):
        self.model = model
        self.inputs_uv = [0, 0, 0, 0]
        self.pointer = 0
        self.power_on()

    def power_on(self):
        self.registers = [0, 0x8583, 0x8000, 0x7FFF]
        self.done_ms = None  # when the conversion that runs ends

    def vary(self, random):
        self.inputs_uv = [random.randrange(3300000) for _ in range(4)]

    def wrong_id(self):
        self.registers[2:] = [0x4B00, 0x5000]  # an LM75's

    def write(self, data):
        self.pointer = data[0] & 3
        if len(data) == 3 and self.pointer:
            self.update()
            value = data[1] << 8 | data[2]
            start = self.pointer == 1 and value & 0x8000 and self.done_ms is None
            self.registers[self.pointer] = value
            if start and value & 0x0100:
                rate = RATES[self.model][value >> 5 & 7]
                self.done_ms = self.clock.now_ms + 1000 / (0.9 * rate) + 0.025

    def read(self, count):
        self.update()
        value = self.registers[self.pointer]
        if self.pointer == 1:
            value = value & 0x7FFF | (0x8000 if self.done_ms is None else 0)
        return (bytes((value >> 8, value & 255)) * count)[:count]

    def update(self):
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms:
            self.done_ms = None
            self.registers[0] = self.converted()

    def converted(self):
        config = self.registers[1]
        plus, minus = INPUTS[config >> 12 & 7]
        level_uv = self.inputs_uv[plus] - (0 if minus is None else self.inputs_uv[minus])
        full_scale_uv = FULL_SCALES_UV[config >> 9 & 7]
        raw = (level_uv * 65536 + full_scale_uv) // (2 * full_scale_uv)  # rounded
        raw = min(max(raw, -0x8000), 0x7FFF) & 0xFFFF
        return raw & 0xFFF0 if self.model == "ADS1015" else raw
