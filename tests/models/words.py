"""What the models of chips with 16-bit registers have in common."""


class WordChip:
    """A chip with registers of two bytes, the high one first, behind a pointer.

    A subclass gives `word(register)` its value, and `wrote(register, value)` what a write does.
    BYTES: the registers that have one byte only.
    """

    BYTES = ()
    clock = None  # of the bus that it is attached to

    def __init__(self):
        self.pointer = 0

    def write(self, data):
        self.pointer = data[0]
        if len(data) > 1:
            if len(data) != 1 + self.width():
                raise AssertionError("register %d has %d bytes" % (self.pointer, self.width()))
            value = 0
            for byte in data[1:]:
                value = value << 8 | byte
            self.pass_time()
            self.wrote(self.pointer, value)

    def read(self, count):
        self.pass_time()
        value = self.word(self.pointer)
        data = bytes((value,)) if self.width() == 1 else bytes((value >> 8 & 255, value & 255))
        return (data * count)[:count]

    def width(self):
        return 1 if self.pointer in self.BYTES else 2

    def pass_time(self):
        """Do what is due by the clock."""

    def word(self, register):
        raise NotImplementedError

    def wrote(self, register, value):
        pass
