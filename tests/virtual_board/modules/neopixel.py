"""The module `neopixel` of a virtual board: the computer is told the colours."""

import _host


class NeoPixel:
    ORDER = (1, 0, 2, 3)

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, i, colour):
        for j in range(self.bpp):
            self.buf[i * self.bpp + self.ORDER[j]] = colour[j]

    def __getitem__(self, i):
        return tuple(self.buf[i * self.bpp + self.ORDER[j]] for j in range(self.bpp))

    def fill(self, colour):
        for i in range(self.n):
            self[i] = colour

    def write(self):
        _host.tell("neopixel", pin=self.pin.id, colours=[list(self[i]) for i in range(self.n)])
