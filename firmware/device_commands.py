"""The agent of a device, and the commands that the device offers over it of itself."""

import asyncio
import gc

from plexus import Agent
from plexus.port import const, ticks_add, ticks_diff, ticks_ms

from .redact import redact

# Garbage is collected after so much of what is free, not only when all of it is used: what stays
# then lies close together, and a message of some kilobytes still finds its piece after days. It is
# a part and no fixed size, since a collection takes as long as the heap is large; and of what is
# free, as a part of the whole heap may be all that is left of it.
_COLLECT_PART = const(4)
_COLLECT_BYTES = const(8192)  # at the least
_ANSWER_MS = const(1000)  # for a command's answer to go out before the restart
_FLUSH_MS = const(20000)
_STATES = ("connected", "not connected", "refused", "waiting for the network")


class DeviceCommands:
    """DeviceCommands(device, url, secrets): `agent`, run beside the device's other parts.

    secrets: texts (a list of str) that its status shall not have, whatever a server says.
    A file commands.py in the board's root is its owner's: its register(agent, device) is called,
    to add commands.
    """

    def __init__(self, device, url, secrets):
        gc.collect()
        gc.threshold(max(gc.mem_free() // _COLLECT_PART, _COLLECT_BYTES))
        self._device = device
        self._secrets = secrets
        self.agent = Agent(device.px, device.sampler, url=url, ready=device.is_up)
        self._connects = 0
        _add_own(self.agent, device)
        _add_owners(self.agent, device)

    def tick(self):
        """Call it now and then: it tells a person, and the network, how the agent does."""
        if self.agent.connected:
            self._device.network.alive()
        if self.agent.connects != self._connects:
            self._connects = self.agent.connects
            self._device.px.retry_now()
        message = self.status
        state = message.split(":")[0].split(",")[0]
        # Each try in vain, and each stream, would be something new.
        if state in _STATES:
            self._device.say("agent", message, state)

    @property
    def status(self):
        """One line for a person."""
        return redact(self._secrets, self.agent.status)


def _add_own(agent, device):
    command = agent.command

    @command("status", description="How the device does: network, server, sensors, memory.")
    def status(out):
        for what, message in device.status():
            out("%-12s %s\n" % (what, message))

    @command("memory", description="Collect garbage; the bytes of the heap in use and free.")
    def memory(out):
        gc.collect()
        return {"used": gc.mem_alloc(), "free": gc.mem_free()}

    seconds = {"type": "number", "min": 1, "max": 300, "default": 10}
    blinking = []

    @command("identify", description="Let the LED blink.", params={"seconds": seconds})
    async def identify(out, seconds):
        if not device.lights.lamp:
            out("this board has no LED, or its configuration leaves it dark\n")
            return
        device.show("identify")
        blinking.append(out)
        try:
            await asyncio.sleep(seconds)
        finally:
            blinking.remove(out)
            if not blinking:  # it may have been asked for twice
                device.show(None)

    @command(
        "restart",
        description="End the session, send what waits, then restart the board.",
        danger="dangerous",
    )
    def restart(out):
        out("it restarts when its readings are sent, in %d s at the latest\n" % (_FLUSH_MS // 1000))
        asyncio.create_task(_restart(device))


def _add_owners(agent, device):
    try:
        import commands  # pyright: ignore[reportMissingImports] -- it is not ours
    except ImportError as error:
        if str(error).lower() != "no module named 'commands'":
            raise  # it is there, and what it needs is not
        return
    commands.register(agent, device)


async def _restart(device):
    px = device.px
    await asyncio.sleep(_ANSWER_MS / 1000)
    device.sampler.channels.clear()  # nothing is read that would be lost
    if px.session_id is not None:
        px.session(px.session_id).end()  # nobody else would
    device.uploader.flush_soon()
    ends = ticks_add(ticks_ms(), _FLUSH_MS)
    while (px.pending or px.session_requests) and ticks_diff(ends, ticks_ms()) > 0:
        await asyncio.sleep(0.1)
    device.reset()
