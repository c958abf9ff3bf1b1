"""What interpreters do differently, found by feature tests; and modules loaded when needed.

A board has RAM for few modules at a time. load() and its like name a module as seen from `near`,
the __name__ of who asks: its neighbour or, where `near` is a package, one in it.
"""

# ruff: noqa: F401

import gc
import sys

try:
    from time import sleep_ms, ticks_add, ticks_diff, ticks_ms, ticks_us

    import micropython
    from micropython import const
except ImportError:
    from .host import const, micropython, sleep_ms, ticks_add, ticks_diff, ticks_ms, ticks_us

try:
    from uctypes import addressof, bytearray_at

    def bytes_of(numbers):
        """The bytes of an array.array of 8-byte items, in place; it must outlive them."""
        return bytearray_at(addressof(numbers), 8 * len(numbers))
except ImportError:
    from .host import bytes_of  # pyright: ignore[reportAssignmentType] -- a memoryview there

try:
    from _thread import allocate_lock as Lock
    from _thread import get_ident
except ImportError:
    from .host import Lock, get_ident

COMPILED = __file__.endswith(".mpy")  # else to load a module again would take seconds
_loading = Lock()
_loader = [0]  # the thread that has it


def load(near, name):
    """The module. It is whole: a thread that asks while another loads it waits for that one."""
    name = _full(near, name)
    thread = get_ident()
    below = _loader[0] == thread  # this is a callback on top of a load
    if not below:
        _loading.acquire()
        _loader[0] = thread
    try:
        return __import__(name, None, None, ("__name__",))
    finally:
        if not below:
            _loader[0] = 0
            _loading.release()


def load_once(near, name):
    """The same of a module that is not to stay: whoever has something of it keeps just that."""
    module = load(near, name)
    if COMPILED:
        _drop(_full(near, name))
    return module


def load_native(near, name):
    """The same of a module with machine code; as plain bytecode where the port has none."""
    try:
        return load(near, name)
    except SyntaxError:
        from .plain import load as load_plain

        return load_plain(_full(near, name))


def unload(near, *names):
    """Let go of modules that are needed once, or now and then; an import reads them again."""
    gone = False
    for name in names:
        gone = _drop(_full(near, name)) or gone
    if gone:
        gc.collect()


def _full(near, name):
    if not hasattr(sys.modules.get(near), "__path__"):
        near = near[: near.rfind(".")]
    return near + "." + name


def _drop(name):
    parent, _, leaf = name.rpartition(".")
    if parent in sys.modules:
        sys.modules[parent].__dict__.pop(leaf, None)
    return sys.modules.pop(name, None)
