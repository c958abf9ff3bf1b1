"""A battery node: wakes, reads its sensors once, sends at every n-th wake, and sleeps again."""

import asyncio
import gc

import machine

import plexus
from plexus.port import const, load_once, reserve, sleep_ms, ticks_add, ticks_diff, ticks_ms

from . import rtc_memory
from .watchdog import Watchdog

_AWAKE_MS = const(60000)  # what takes longer is no battery's matter
_TIMEOUT_MS = const(10000)
_TRIES = const(3)
_SAFE_S = const(1800)  # the least sleep in safe mode
_RING_BYTES = const(1024)  # for what one wake reads, where RAM is scarce


def main(config, profile, crashes, kept):
    """One wake. It ends in deep sleep, whatever becomes of it.

    kept: the RtcMemory, which tells whether to send, and has what the wakes before did not. In safe
    mode no sensor is read, and the node sleeps for half an hour at least.
    """
    started = ticks_ms()
    crashes.wake()
    if machine.reset_cause() != machine.DEEPSLEEP_RESET:
        button = load_once(__name__, "button")
        if asyncio.run(button.portal_wanted(profile)):
            button.ask_for_portal()
            crashes.stopped()
            machine.reset()
        button = None
    interval_s = config["sleep"]["interval_s"]
    awake_ms = longest_ms(config)
    ends = ticks_add(ticks_ms(), awake_ms)
    # Fed between the steps, each of which is shorter: only a wake that hangs is ended by it.
    watchdog = Watchdog(config["watchdog_s"])
    sending = kept.due
    store = config.pop("store", None)
    # What serves for a moment is let go of: a connection needs its room.
    factory = load_once(__name__, "factory")
    if sending:
        if store is not None and _files().count(store):
            config["store"] = store
        px = factory.make_client(_options(config, kept, awake_ms))
    else:
        px = _recorder(config)
    before = len(kept.segment)
    restore(px, kept, interval_s * 1000)
    woken = px.ticks_ms()
    known_ms = px.clock.now_ms()
    if crashes.safe:
        print("plexus: mode: safe mode after three crashes: no sensor is read")
        interval_s = max(interval_s, _SAFE_S)
    sampler, _, problems = factory.make_sampler(config, profile, px, crashes.safe)
    factory.unload_board()
    for problem in problems:
        print("plexus: " + problem)
    if not crashes.safe:
        if not sending:
            _leave_radio_off(sampler)
        read_once(sampler, px, awake_ms // 2)
    for name, message in sampler.status.items():
        if message not in ("ok", "idle"):
            print("plexus: %s: %s" % (name, message))
    watchdog.tick()
    if sending:
        # 25 kB that serve no more: what comes needs them.
        sampler = None
        factory.unload_sensors()
        factory = None
        _save(kept, *packed(px, kept, None, False))  # should the wake not come to its end
        network = load_once(__name__, "factory").make_network(config, profile, _nothing)
        _send(px, network, crashes, kept, problems, ends, watchdog.tick)
        load_once(__name__, "rtc_time").synced(kept, px.clock, known_ms, woken)
        kept.wakes = 0
    kept.wakes += 1
    try:
        segment, count = packed(px, kept, store)
        kept.lost += px.buffer.dropped
        if not sending and not kept.failed and 2 * len(segment) - before > rtc_memory.ROOM:
            # As many again would not fit: better that the next wake sends.
            if store is None or not _files().has_room(store):
                kept.wakes = 0
        fine = _save(kept, segment, count)
        if count:
            print("plexus: %d readings are %s" % (count, "kept" if fine else "lost by the sleep"))
    except MemoryError:  # beside what a connection has left of the heap
        print("plexus: no RAM to keep what is left: it is as before the network was joined")
    crashes.stopped()
    gc.collect()
    # From wake to wake, so that the time awake does not add up.
    machine.deepsleep(max(interval_s * 1000 - ticks_diff(ticks_ms(), started), 1000))


def _options(config, kept, awake_ms):
    # One request is a step, too.
    config["timeout_ms"] = min(config.get("timeout_ms", _TIMEOUT_MS), awake_ms // 2)
    if reserve.free() is not None:
        config.setdefault("ring_bytes", _RING_BYTES)
    if "ring_bytes" in config:
        config["ring_bytes"] += len(kept.segment)
    return config


def _recorder(config):
    plexus.BufferFull  # with machine code, where there is some
    from .recorder import Recorder

    return Recorder(rtc_memory.ROOM + min(config.get("ring_bytes", _RING_BYTES), rtc_memory.ROOM))


def restore(px, kept, interval_ms):
    """Put what was kept into the ring of a client, or a Recorder, that has just been made.

    What cannot be believed is passed over, and counted as lost: readings whose checksum is wrong,
    and those of before a loss of power, which would get a wrong time.
    """
    believed = load_once(__name__, "rtc_time").resume(px.clock, kept, interval_ms)
    store = px.buffer.store
    if store:
        # Files that lack their times may be of wakes before; if it is known already, none are.
        store.line = _files().name_of(kept.line)
        store.stale = False
    segment, kept.segment = kept.segment, b""
    if not segment:
        return
    try:
        if not believed:
            raise ValueError("the clock has stood still")
        load_once("plexus", "readings.segment").refill(px.buffer.ring, segment)
    except ValueError as error:
        print("plexus: %d readings are lost: %s" % (kept.count, error))
        kept.lost += kept.count


def packed(px, kept, store=None, drop=True):
    """(segment, count) of all that waits. The oldest of what does not fit go into the files of the
    store, or they are dropped and counted as lost.

    drop=False: they stay in the ring, and the segment has as many of the oldest as fit.
    """
    buffer = px.buffer
    with buffer.lock:
        buffer.add_deferred()
    ring = buffer.ring
    while True:
        segment, count = load_once("plexus", "readings.segment").pack(ring, rtc_memory.ROOM)
        missing = ring.pending - count
        if not missing or not drop:
            return segment, count
        if store is not None and _files().spill(store, px, kept.line):
            continue
        store = None
        kept.lost += missing
        while missing:
            ring.drop()
            missing -= 1


def _files():
    return load_once(__name__, "wake_store")


def _save(kept, segment, count):
    kept.saved_ms = load_once(__name__, "rtc_time").now_ms()
    return kept.save(segment, count)


def _send(px, network, crashes, kept, problems, ends, feed):
    from .wake_delivery import deliver

    reserve.keep(reserve.START)
    network.power_up()
    reserve.keep(0)  # what WiFi uses from now on; before, Python would have taken it
    report = crashes.report()
    events = [("device.crash", report)] if report else []
    events += [("device.problem", problem) for problem in problems]
    if kept.damaged:
        events.append(("device.problem", "RTC memory: damaged, or of another version: passed over"))
    if kept.lost:
        events.append(("device.problem", "%d readings that were kept are lost" % kept.lost))
    if px.pending or events:
        kept.failed = not deliver(px, network, ends, feed, crashes.secrets, events)
        if not events:  # the ring has them
            kept.damaged = False
            kept.lost = 0
        if not kept.failed:
            crashes.told()
    if px.store:
        kept.lost += px.store.damaged
        if px.store.stale:
            load_once("plexus", "store.writing").rename(px.store)


def _leave_radio_off(sampler):
    # A board asks it for its signal, and it would be switched on for that.
    for channel in sampler.channels:
        if hasattr(channel.sensor, "wifi"):
            channel.sensor.wifi = False


def longest_ms(config):
    """After how many ms awake nothing new is begun any more."""
    longest = min(_AWAKE_MS, config["sleep"]["interval_s"] * 1000)
    if config["watchdog_s"]:
        longest = min(longest, config["watchdog_s"] * 500)
    return longest


def _nothing():
    pass  # a link that is beyond help: the sleep is a reset, too


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
