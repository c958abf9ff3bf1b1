"""What the models of INA219, INA226 and INA260 share: words behind a pointer, triggered mode."""


class PowerChip:
    """16-bit registers, most significant byte first; the pointer stays where it is.

    A subclass has the numbers: RESET, the configuration at power-on; READ_ONLY. `registers` maps
    numbers to words; others read 0.
    """

    RESET = 0
    clock = None

    def __init__(self):
        self.pointer = 0
        self.done_ms = None
        self.power_on()

    def power_on(self):
        self.registers = {0: self.RESET}
        self.ready = False
        self.done_ms = None

    def wrong_id(self):
        """It shows what a chip of another kind might."""
        self.registers[0] = 0xB5B5

    def write(self, data):
        self.pointer = data[0]
        if len(data) >= 3:
            value = data[1] << 8 | data[2]
            if self.pointer == 0 and value & 0x8000:
                self.power_on()
                return
            if self.pointer in (0, 5, 6, 7):
                self.registers[self.pointer] = value
            if self.pointer == 0:
                self.ready = False
                self.done_ms = self.clock.now_ms + self.duration_ms(value) if value & 3 else None

    def read(self, count):
        if self.done_ms is not None and self.clock.now_ms >= self.done_ms:
            self.convert()
            self.ready = True
            # In continuous mode the next follows, in triggered mode nothing.
            self.done_ms = self.clock.now_ms + 1 if self.registers[0] & 4 else None
        value = self.word(self.pointer)
        return (bytes((value >> 8, value & 255)) * count)[:count]

    def word(self, register):
        return self.registers.get(register, 0)


class INA226Like(PowerChip):
    """INA226 and INA260: conversion times, averaging, and the ready flag that a read clears."""

    overflow = False
    DIE = 0

    def duration_ms(self, configuration):
        times_us = (154, 224, 365, 646, 1210, 2328, 4572, 9068)  # the longest
        samples = (1, 4, 16, 64, 128, 256, 512, 1024)[configuration >> 9 & 7]
        both = times_us[configuration >> 6 & 7] + times_us[configuration >> 3 & 7]
        return both * samples / 1000

    def word(self, register):
        if register == 0xFE:
            return 0x5449
        if register == 0xFF:
            return self.DIE
        if register == 6:
            flags = (8 if self.ready else 0) | (4 if self.overflow else 0)
            self.ready = False
            return self.registers.get(6, 0) | flags
        return self.registers.get(register, 0)

    def wrong_id(self):
        self.DIE = 0x3220  # an INA3221's
