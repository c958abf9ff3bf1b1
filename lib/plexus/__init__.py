"""Plexus for MicroPython: public names, loaded when first used, and the version."""

import gc

from .port import load_native

__version__ = "0.1.0"

_NAMES = {
    "Plexus": "client",
    "PlexusError": "client",
    "BufferFull": "readings.buffer",
    "Clock": "clock",
    "Agent": "agent.agent",
}
# In the order in which they are loaded, up to the one that is wanted: leaves first. After each the
# heap is collected: what stays then lies close together, and a large ring still finds its piece of
# a board's small heap.
_ORDER = (
    "clock readings.ring readings.render readings.record readings.buffer delivery "
    "delivery.request client websocket agent.streams agent.live agent.agent"
)


def __getattr__(name):
    wanted = _NAMES.get(name)
    if wanted is None:
        try:
            return load_native("plexus", name)
        except ImportError:
            raise AttributeError(name)
    for part in _ORDER.split():
        module = load_native("plexus", part)
        gc.collect()
        if part == wanted:
            break
    value = getattr(module, name)
    globals()[name] = value
    return value
