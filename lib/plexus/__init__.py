"""Plexus for MicroPython: public names, loaded when first used, and the version."""

import gc
import sys

from ._port import Lock, get_ident

__version__ = "0.1.0"

# The modules that a name needs, leaves first, its own last. After each the heap is collected: what
# stays then lies close together, and a large ring still finds its piece of a board's small heap.
_CLIENT = "ring render record buffer retry delivery clock reserve stream wire http client"
_NAMES = {
    "Plexus": _CLIENT,
    "PlexusError": _CLIENT,
    "BufferFull": "ring render record buffer",
    "Clock": "clock",
    "Agent": _CLIENT + " live websocket commands message control link agent",
}


def __getattr__(name):
    if name not in _NAMES:
        try:
            return __import__("plexus." + name, None, None, (name,))
        except ImportError:
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


_loading = Lock()
_loader = [0]  # the thread that has it


def load(name):
    """Module `name` of this package, for who needs it now and then.

    It is whole: a thread that asks while another loads it waits for that one.
    """
    thread = get_ident()
    below = _loader[0] == thread  # this is a callback on top of a load
    if not below:
        _loading.acquire()
        _loader[0] = thread
    try:
        return __import__("plexus." + name, None, None, (name,))
    finally:
        if not below:
            _loader[0] = 0
            _loading.release()


def borrow(name):
    """The same of a module that is not to stay: whoever has something of it keeps just that."""
    module = load(name)
    if __file__.endswith(".mpy"):  # to compile it again would take seconds
        sys.modules.pop("plexus." + name, None)
        globals().pop(name, None)
    return module


def forget(*names):
    """Let go of modules of this package that are needed once; an import reads them again."""
    gone = False
    for name in names:
        if sys.modules.pop("plexus." + name, None):
            globals().pop(name, None)
            gone = True
    if gone:
        gc.collect()
