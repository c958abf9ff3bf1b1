"""Stands in for CircuitPython's module: names for annotations."""


class I2C:
    pass


class SPI:
    pass


class UART:
    pass
