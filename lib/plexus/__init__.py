"""Plexus for MicroPython: public names, loaded when first used, and the version."""

import gc
import sys

__version__ = "0.1.0"

# The modules that a name needs, leaves first, its own last. After each the heap is collected: what
# stays then lies close together, and a large ring still finds its piece of a board's small heap.
_CLIENT = "ring render record buffer retry delivery clock tls wire http client"
_NAMES = {
    "Plexus": _CLIENT,
    "PlexusError": _CLIENT,
    "BufferFull": "ring render record buffer",
    "Clock": "clock",
}


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(name)
    for part in _NAMES[name].split():
        try:
            module = __import__("plexus." + part, None, None, (name,))
        except SyntaxError:
            from ._plain import load

            module = load(part)
        gc.collect()
    value = getattr(module, name)
    globals()[name] = value
    return value


def forget(*names):
    """Let go of modules of this package that are needed once; an import reads them again."""
    for name in names:
        if sys.modules.pop("plexus." + name, None):
            globals().pop(name, None)
    gc.collect()
