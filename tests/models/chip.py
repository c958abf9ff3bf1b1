"""What the models of chips have in common."""


class RegisterChip:
    """A chip with 8-bit registers behind a pointer that counts up with each byte.

    A subclass fills `registers` (a bytearray of 256) with the state at power-on, and overrides
    `wrote(register, value)` and `reads(register)` where a register does something. WRITABLE: the
    registers that keep what is written.
    """

    WRITABLE = ()
    clock = None  # of the bus that it is attached to

    def __init__(self):
        self.registers = bytearray(256)
        self.pointer = 0

    def write(self, data):
        self.pointer = data[0]
        for value in data[1:]:
            if self.pointer in self.WRITABLE:
                self.registers[self.pointer] = value
            self.wrote(self.pointer, value)
            self.pointer = self.pointer + 1 & 255

    def read(self, count):
        data = bytearray()
        for _ in range(count):
            data.append(self.reads(self.pointer))
            self.pointer = self.pointer + 1 & 255
        return data

    def wrote(self, register, value):
        pass

    def reads(self, register):
        return self.registers[register]

    def put(self, register, data):
        """Set registers from there on."""
        self.registers[register : register + len(data)] = bytes(data)
