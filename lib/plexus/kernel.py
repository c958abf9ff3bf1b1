"""Chooses how the inner loops run: machine code where the port has viper, else plain bytecode."""

# ruff: noqa: F401

try:
    from ._viper import append, digits, walk
except SyntaxError:
    from ._plain import load

    load("_viper")
    from ._viper import append, digits, walk
