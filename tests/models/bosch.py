"""What the models of the newer Bosch chips have in common."""

from .chip import RegisterChip


class BoschChip(RegisterChip):
    """A write of several bytes is pairs of register and value: no register counts up."""

    def write(self, data):
        self.pointer = data[0]
        for i in range(1, len(data), 2):
            register, value = data[i - 1], data[i]
            if register in self.WRITABLE:
                self.registers[register] = value
            self.wrote(register, value)

    def read(self, count):
        self.pass_time()
        return super().read(count)

    def pass_time(self):
        """Do what is due by the clock."""
