"""A battery node: wakes, reads its sensors once, sends at every n-th wake, and sleeps again."""

import asyncio
import gc

import machine

from plexus import PlexusError
from plexus.port import const, reserve, sleep_ms, ticks_add, ticks_diff, ticks_ms

from .button import ask_for_portal
from .factory import make_client, make_network, make_sampler, unload_board, unload_sensors
from .redact import redact
from .watchdog import Watchdog

_WINDOW_MS = const(5000)  # at power-on, for a person
_AWAKE_MS = const(60000)  # what takes longer is no battery's matter
_TIMEOUT_MS = const(10000)
_TRIES = const(3)
_AGAIN_MS = const(1100)  # a second is between two refusals that count
_SAFE_S = const(1800)  # the least sleep in safe mode
_RING_BYTES = const(1024)  # for what one wake reads, where RAM is scarce
_MAGIC = b"plx1"


def main(config, profile, crashes, store=None):
    """One wake. It ends in deep sleep, whatever becomes of it.

    store: what carries readings over deep sleep: `load(px)` puts back what `save(px)` kept.
    Without one nothing is kept, so every wake sends. In safe mode it reads no sensor, and sleeps
    for half an hour at least.
    """
    started = ticks_ms()
    crashes.wake()
    if machine.reset_cause() != machine.DEEPSLEEP_RESET and asyncio.run(portal_wanted(profile)):
        ask_for_portal()
        crashes.stopped()
        machine.reset()
    interval_s = config["sleep"]["interval_s"]
    awake_ms = longest_ms(config)
    ends = ticks_add(ticks_ms(), awake_ms)
    # Fed between the steps, each of which is shorter: only a wake that hangs is ended by it.
    watchdog = Watchdog(config["watchdog_s"])
    count = wake_count()
    # One request is a step, too.
    config["timeout_ms"] = min(config.get("timeout_ms", _TIMEOUT_MS), awake_ms // 2)
    if not store and reserve.free() is not None:
        config.setdefault("ring_bytes", _RING_BYTES)
    px = make_client(config)
    if store:
        store.load(px)
    if crashes.safe:
        print("plexus: mode: safe mode after three crashes: no sensor is read")
        interval_s = max(interval_s, _SAFE_S)
    sampler, _, problems = make_sampler(config, profile, px, crashes.safe)
    unload_board()
    for problem in problems:
        print("plexus: " + problem)
        px.event("device.problem", problem)
    if not crashes.safe:
        read_once(sampler, px, awake_ms // 2)
    for name, message in sampler.status.items():
        if message not in ("ok", "idle"):
            print("plexus: %s: %s" % (name, message))
    watchdog.tick()
    # 25 kB that serve no more: what comes needs them.
    sampler = None
    unload_sensors()
    if store is None or crashes.safe or count % config["sleep"].get("send_every", 1) == 0:
        reserve.keep(reserve.START)
        network = make_network(config, profile, _nothing)
        network.power_up()
        reserve.keep(0)  # what WiFi uses from now on; before, Python would have taken it
        report = crashes.report()
        if report:
            px.event("device.crash", report)
        if px.pending and deliver(px, network, ends, watchdog.tick, crashes.secrets):
            crashes.told()
    if store:
        store.save(px)
    elif px.pending:
        print("plexus: %d readings are lost by the sleep" % px.pending)
    crashes.stopped()
    gc.collect()
    # From wake to wake, so that the time awake does not add up.
    machine.deepsleep(max(interval_s * 1000 - ticks_diff(ticks_ms(), started), 1000))


async def portal_wanted(profile):
    """Stay awake for a while, and tell whether the button was held: a node that sleeps answers
    neither a person nor USB."""
    from .button import held

    until = ticks_add(ticks_ms(), _WINDOW_MS)
    print("plexus: awake for %d s: hold the button, or press Ctrl-C" % (_WINDOW_MS // 1000))
    if await held(profile, _WINDOW_MS):
        return True
    await asyncio.sleep(max(ticks_diff(until, ticks_ms()), 0) / 1000)
    return False


def longest_ms(config):
    """After how many ms awake nothing new is begun any more."""
    longest = min(_AWAKE_MS, config["sleep"]["interval_s"] * 1000)
    if config["watchdog_s"]:
        longest = min(longest, config["watchdog_s"] * 500)
    return longest


def _nothing():
    pass  # a link that is beyond help: the sleep is a reset, too


def wake_count():
    """Which wake this is, from 0 on; it is counted in the memory that survives deep sleep."""
    memory = machine.RTC().memory
    kept = memory()
    count = 0
    if machine.reset_cause() == machine.DEEPSLEEP_RESET and kept[:4] == _MAGIC and len(kept) >= 6:
        count = (kept[4] | kept[5] << 8) + 1 & 0xFFFF
    memory(_MAGIC + bytes((count & 255, count >> 8)) + bytes(kept[6:]))
    return count


def read_once(sampler, px, limit_ms):
    """Read each sensor that is kept until it has given its readings, or has failed three times."""
    until = ticks_add(ticks_ms(), limit_ms)
    waiting = [channel for channel in sampler.channels if not channel.on_demand]
    while waiting and ticks_diff(until, ticks_ms()) > 0:
        wait_ms = 1000
        for channel in list(waiting):
            if channel.failures:
                channel.due = ticks_ms()  # at once: there is no later
            wait_ms = min(wait_ms, channel.tick(px))
            if channel.status == "ok" or channel.failures >= _TRIES:
                waiting.remove(channel)
        if waiting:
            sleep_ms(min(max(wait_ms, 1), 100))


def deliver(px, network, ends, feed, secrets=()):
    """Join the network and send all; True if the server has confirmed it.

    From ticks_ms `ends` on nothing is begun but the first try of a node that has joined. feed() is
    called before each. secrets: what the server may repeat, and nobody is to read.
    """

    async def joined():
        task = asyncio.create_task(network.run())
        while network.state != "connected" and ticks_diff(ends, ticks_ms()) > 0:
            await asyncio.sleep(0.05)
        task.cancel()
        return network.state == "connected"

    if not asyncio.run(joined()):
        print("plexus: network:", network.status)
        return False
    tries = _TRIES
    while tries:
        tries -= 1
        feed()
        try:
            px.flush()
            print("plexus: first readings confirmed")
            return True
        except PlexusError as error:
            print("plexus: server:", redact(secrets, str(error)))
            if error.status == 400 or error.status == 413:
                # The reading that it is about is given up when it is refused at another time.
                tries += 1
                sleep_ms(_AGAIN_MS)
            elif error.status:
                break  # it answers, and will answer the same again
        except MemoryError:
            gc.collect()
        if ticks_diff(ends, ticks_ms()) <= 0:
            break
    return False
