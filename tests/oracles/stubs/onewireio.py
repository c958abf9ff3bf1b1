"""Stands in for CircuitPython's module: a name for annotations."""


class OneWire:
    pass
