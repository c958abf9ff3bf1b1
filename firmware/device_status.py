"""How a device does, for a person; loaded when one asks."""

import gc


def status(device):
    """How it does, for a person: (what, words) pairs."""
    yield "network", device.network.status
    yield "server", device.server()
    if device.device_commands:
        yield "agent", device.device_commands.status
    yield "time", _time(device)
    for name, message in device.sampler.status.items():
        yield name, message
    for problem in device.problems:
        yield "bus", problem
    for found in device.found:
        if found.driver is None:
            message = ", ".join(found.candidates)
            yield "i2c 0x%02x" % found.address, message and "one of " + message or "unknown"
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
