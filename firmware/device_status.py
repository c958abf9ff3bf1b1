"""How a device does, for a person; loaded when one asks."""

import gc


def status(device):
    """How it does, for a person: (what, words) pairs."""
    yield "network", device.network.status
    yield "server", device.server()
    if device.remote:
        yield "agent", device.remote.status
    yield "time", _time(device)
    for name, words in device.sampler.status.items():
        yield name, words
    for problem in device.problems:
        yield "bus", problem
    for found in device.found:
        if found.driver is None:
            words = ", ".join(found.candidates)
            yield "i2c 0x%02x" % found.address, words and "one of " + words or "unknown"
    if hasattr(gc, "mem_free"):
        yield "memory", "%d B free" % gc.mem_free()
    yield "started by", device.crashes.cause + (", safe mode" if device.crashes.safe else "")
    late = ", ".join(device.watchdog.late)
    if late:
        yield "stuck", late
    if device.crashes.trace:
        yield "last crash", device.crashes.trace


def _time(device):
    clock = device.px.clock
    if not clock.known:
        return "not known yet"
    return "known to %d ms, by %s" % (clock.error_ms, clock.source)
