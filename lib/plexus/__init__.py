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
    # The second line is what the client else loads on use: compound with the first tags, session
    # with the first of them, words with the first status. Beside an agent threads are usual, and
    # MicroPython gives a module that one thread is still loading to another, which fails. It is
    # 14 kB of heap where a word has 64 bits.
    "Agent": _CLIENT
    + " compound session words"
    + " live websocket commands message control link agent",
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
    gone = False
    for name in names:
        if sys.modules.pop("plexus." + name, None):
            globals().pop(name, None)
            gone = True
    if gone:
        gc.collect()
