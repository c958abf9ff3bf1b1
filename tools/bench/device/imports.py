"""For tools/bench/heap.py: runs a program's statements, and its imports one by one.

What is imported here first, and all that is made here, is there before anything is counted.
"""

import builtins
import gc
import json
import os
import sys

import micropython

_BOARD = "_thread esp32 machine neopixel network onewire ds18x20 socket tls"
_OURS = ("plexus", "firmware")
_CPYTHON = ("recv_into",)  # what the device's code tells CPython by


class StandIn:
    """Has every name of a board's, and may be called: enough for imports, and for a client."""

    def __getattr__(self, name):
        if name.startswith("__") or name in _CPYTHON:
            raise AttributeError(name)
        return self

    def __call__(self, *arguments, **options):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


class Esp32(StandIn):
    """One that has the heap of a bare ESP32."""

    HEAP_DATA = 4

    def idf_heap_info(self, capabilities):
        return [(200000, 100000, 90000, 80000)]  # size, free, largest piece, least free


class Sensor:
    """What a sampler can be given."""

    def read(self):
        return ()


def stand_in():
    """Put in what a board's MicroPython has and this one has not."""
    for name in _BOARD.split():
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = Esp32() if name == "esp32" else StandIn()
    if not hasattr(os, "urandom"):
        os.urandom = StandIn()


stand_in()
program = {"sensor": Sensor()}


def order(statements):
    """Run them; prints the modules that each loads and keeps, those it needs first, and others.

    The others are the interpreter's own.
    """
    done = []
    load = builtins.__import__

    def follow(*arguments):
        begun = set(sys.modules)
        module = load(*arguments)
        done.extend(sorted(set(sys.modules) - begun - set(done)))
        return module

    builtins.__import__ = follow
    loaded = []
    others = []
    for statement in statements:
        done.clear()
        exec(statement, program)
        ours = [name for name in done if name.split(".")[0] in _OURS]
        loaded.append([name for name in ours if name in sys.modules])
        others.extend([name for name in done if name not in ours and name in sys.modules])
    print(json.dumps([loaded, others]))


def intern(path):
    """Make the texts of a file's JSON list names of the interpreter."""
    with open(path) as file:
        for name in json.load(file):
            getattr(program, name, None)
    gc.collect()


def shift(size):
    """Keep a block of this size, so that what comes after it lies elsewhere."""
    program["shift"] = bytearray(size)
    gc.collect()


def load(name):
    """Import a module of this name."""
    __import__(name)
    gc.collect()


def perform(statement):
    """Run one statement of the program."""
    exec(statement, program)
    gc.collect()


def tell():
    """Print the bytes of heap in use, and what the names among them take."""
    print(gc.mem_alloc())
    micropython.qstr_info()


def names():
    """Print every name that is not in the firmware."""
    micropython.qstr_info(1)
