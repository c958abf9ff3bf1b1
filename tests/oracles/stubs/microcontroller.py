"""Stands in for CircuitPython's module: a name for annotations."""


class Pin:
    pass
