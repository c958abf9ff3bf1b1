"""The agent under stress, in a small heap: hostile servers, a hundred connections, a whole day."""

import asyncio
import gc

from agent_corpus import MAX_SIZE
from agent_corpus import messages as corpus
from agent_world import KEY, START_MS, Ingest, Probe, World, check, running
from plexus import Plexus
from plexus.agent.agent import Agent
from plexus.clock import Clock
from plexus.port import ticks_add, ticks_diff, ticks_ms
from plexus.sensors import Sampler
from support import Admin, equal, http, only, open_files, used_heap
from websocket_talks import CLOSE, CONTINUATION, PING, TEXT, frame, hexed, payload_of, sending

TIMEOUT_S = 240
COMPILED = True
HEAP = "600k"  # of 64-bit words
AUTHENTICATED = b'{"type":"authenticated","source_id":"dev-1"}'


# What servers say


def check_bounds(world):
    agent = world.agent
    streams = agent.live.streams
    check(len(streams) <= 8, streams)
    check(all(len(stream._due) <= 65 for stream in streams))
    check(len(running(agent)) <= 4)
    check(len(agent._link._outbox) <= 64, len(agent._link._outbox))


async def hear_all(world):
    await world.until(lambda: world.agent.connected)
    # At first the tables fill, whose size is bounded.
    await hear(world)
    before = used_heap()
    await hear(world)
    after = used_heap()
    check(after - before < 4096, before, after)


async def hear(world):
    agent, server = world.agent, world.server
    errors = agent.errors
    count = 0
    for text in corpus():
        before = agent.messages
        server.socket.say(text)
        await world.until(lambda before=before: agent.messages > before)
        check_bounds(world)
        count += 1
        server.messages.clear()
    check(count > 2000 and agent.errors > errors + count // 2, (count, agent.errors))
    equal((agent.connected, server.connects), (True, 1))
    await restore(world)


async def restore(world):
    """End what the corpus has begun, and see that all goes on."""
    agent, server = world.agent, world.server
    for name in ("steady", "kept", "shown"):
        server.socket.say(
            {
                "type": "configure",
                "sensor": name,
                "config": {"gain": 1, "fails": False, "label": "x", "interval_ms": 10},
            }
        )
    server.socket.say({"type": "cancel"})
    server.socket.say({"type": "stop_stream"})
    if world.px.session_id is not None:
        server.socket.say({"type": "stop_session", "session_id": world.px.session_id})
    await asyncio.sleep(1)
    equal((len(agent.live.streams), len(running(agent)), world.px.session_id), (0, 0, None))
    server.messages.clear()
    reads = world.steady.reads
    server.socket.say({"type": "ping"})
    await asyncio.sleep(1)
    equal(server.messages, [{"type": "pong"}])
    check(world.steady.reads >= reads + 95, world.steady.reads - reads)


def test_whatever_is_said_costs_an_error_and_no_memory():
    world = World(max_size=MAX_SIZE)
    world.run(hear_all(world))


# What servers do to frames


class Wired:
    """A device with real sockets and real time: px, sampler with a sensor at 100 Hz, agent."""

    def __init__(self, url, ticks=ticks_ms, ingest="http://127.0.0.1:9/api/ingest", **options):
        clock = Clock((), ticks=ticks, set_rtc=False)
        clock.observe(START_MS, ticks(), 1, "server")
        self.px = Plexus(KEY, "dev-1", endpoint=ingest, clock=clock, requests=Ingest())
        self.sampler = Sampler(self.px)
        self.probe = Probe("steady")
        self.sampler.add(self.probe, 10, name="steady")
        self.agent = Agent(self.px, self.sampler, url, **options)

    async def until(self, predicate, limit_ms=20000):
        began = ticks_ms()
        while not predicate():
            check(ticks_diff(ticks_ms(), began) < limit_ms, self.agent.status)
            await asyncio.sleep(0.01)

    def run(self, main):
        asyncio.run(self._main(main))

    async def _main(self, main):
        tasks = [asyncio.create_task(part.run()) for part in (self.agent, self.sampler)]
        try:
            await main
            check(not any(task.done() for task in tasks), "it has ended")
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                try:
                    await task
                except asyncio.CancelledError:
                    pass


HELLO = 5  # frames in which the device says what it is


def play(server, *steps, main=None, **options):
    """Let a device in, then do these steps; returns it, and what the server saw of it."""
    first = [{"frames": HELLO}, sending(frame(TEXT, AUTHENTICATED))]
    http("POST", server.control_url + "/script", first + list(steps))
    wired = Wired(server.url, **options)
    wired.run(main(wired) if main else ended(wired))
    http("POST", server.control_url + "/resume")
    return wired


def seen(server):
    """The frames that came."""
    return http("GET", server.control_url + "/seen", timeout_s=30)["frames"]


async def ended(wired):
    """The connection was there, and has ended; the sensor is read on."""
    agent = wired.agent
    await wired.until(lambda: agent.connects == 1)
    await wired.until(lambda: not agent.connected)
    wired.errors = agent.errors
    reads = wired.probe.reads
    await wired.until(lambda: wired.probe.reads > reads + 10)


def check_closed(server, wired, code):
    """The agent has said why it ended the connection, and counts it."""
    equal(wired.errors, 1)
    last = seen(server)[-1]
    equal((last["first"], last["payload"][:4]), (0x80 | CLOSE, "%04x" % code))


def test_frame_that_announces_more_than_there_is_memory_ends_the_connection(websocket_server):
    for length in ((2, MAX_SIZE + 1), (8, 1 << 40), (8, (1 << 63) - 1)):
        huge = frame(TEXT, b"x" * 100, length=length)
        check_closed(websocket_server, play(websocket_server, sending(huge)), 1009)


def test_fragments_without_end_do_not_fill_the_memory(websocket_server):
    fragment = hexed(frame(CONTINUATION, b"x" * 1000, fin=0))
    wired = play(
        websocket_server,
        sending(frame(TEXT, b"x", fin=0)),
        {"repeat": fragment, "times": 20},
    )
    check_closed(websocket_server, wired, 1009)


def test_frames_that_break_the_protocol_end_the_connection(websocket_server):
    for wrong, code in (
        (frame(3, b"x"), 1002),
        (frame(0, b"x"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (b"\xf1\x01x", 1002),
        (frame(TEXT, b"\xff"), 1007),
    ):
        check_closed(websocket_server, play(websocket_server, sending(wrong)), code)


async def flooded(wired):
    agent = wired.agent
    await wired.until(lambda: agent.messages == 2)  # authenticated, and what comes behind the flood
    reads = wired.probe.reads
    check(agent.connected, agent.status)
    await wired.until(lambda: wired.probe.reads > reads + 10)


def test_empty_fragments_and_pings_without_end_cost_time_alone(websocket_server):
    wired = play(
        websocket_server,
        sending(frame(TEXT, fin=0)),
        {"repeat": hexed(frame(CONTINUATION, fin=0) * 50, frame(PING, b"p")), "times": 100},
        sending(frame(CONTINUATION, b'{"type":"ping"}')),
        {"frames": HELLO + 101},
        main=flooded,
    )
    frames = seen(websocket_server)
    equal(len([f for f in frames if f["first"] == 0x8A]), 100)
    equal(len([f for f in frames if b"pong" in payload_of(f)]), 1)
    equal(wired.agent.errors, 0)


def test_messages_that_come_byte_by_byte_are_obeyed(websocket_server):
    play(
        websocket_server,
        sending(frame(TEXT, b'{"type":"ping"}'), chop=1),
        {"frames": HELLO + 1},
        main=flooded,
    )
    check(b"pong" in payload_of(seen(websocket_server)[HELLO]))


async def stalled(wired):
    agent, live = wired.agent, wired.agent.live
    await wired.until(lambda: live.streams)
    reads = wired.probe.reads
    while agent.connected:
        # Much more than the network takes, until the agent gives the connection up.
        for number in range(100):
            wired.px.send("much", number, tags={"a": "x" * 100})
        await asyncio.sleep(0.01)
    wired.words = agent._link.problem
    check(wired.probe.reads > reads)
    check(live.dropped > 0)


def test_stalled_server_loses_the_live_view_and_then_the_connection(websocket_server):
    wired = play(
        websocket_server,
        sending(frame(TEXT, b'{"type":"start_stream","id":"a"}')),
        {"stall": True},
        main=stalled,
        heartbeat_ms=1000,
    )
    check(wired.words.startswith(("nothing was heard", "the server has taken nothing")))


# Connections, again and again


class Hurried:
    """In place of asyncio in the agent: while nothing is connected its sleeps take no time."""

    def __init__(self):
        self.passed_ms = 0
        self.link = None

    def ticks_ms(self):
        return ticks_add(ticks_ms(), self.passed_ms)

    def __getattr__(self, name):
        return getattr(asyncio, name)

    def sleep(self, seconds):
        if self.link is None or self.link.close_code is not None:
            self.passed_ms += round(seconds * 1000)
            seconds = 0
        return asyncio.sleep(seconds)


async def reconnect(wired, url, admin, count):
    """Be thrown out so many times, each time in another way."""
    agent = wired.agent
    for number in range(count):
        connects = agent.connects
        device = url + "/admin/devices/dev-1/"
        how = number % 4
        if how == 3:
            admin.script({"status": 503, "path": "/party"}, {"socket": "drop", "on": "device_auth"})
        await asyncio.sleep(0)
        for command in ("start_stream", "start_session", "execute"):
            params = {"command": "echo"} if command == "execute" else {}
            http("POST", device + "commands", {"command": command, "params": params})
        await wired.until(lambda: len(agent.live.streams) == 2)
        http("POST", device + "commands", {"command": "stop_session"})
        http("POST", device + "disconnect", [{}, {"code": 1012}, {"code": 1000}, {}][how])
        await wired.until(lambda n=connects + 1: agent.connected and agent.connects == n)
        wired.px.flush()


async def settle(wired, url):
    """Return when nothing is under way any more: no session, no command, no answer."""
    agent, px = wired.agent, wired.px
    if px.session_id is not None:  # what was to stop it was lost with the last connection
        http("POST", url + "/admin/devices/dev-1/commands", {"command": "stop_session"})
    await wired.until(
        lambda: px.session_id is None and not running(agent) and not agent._link._outbox
    )
    px.flush()


async def hundred(wired, url):
    admin = Admin(url)
    await wired.until(lambda: wired.agent.connected)
    await reconnect(wired, url, admin, 12)
    await settle(wired, url)
    before = used_heap(), open_files()
    await reconnect(wired, url, admin, 100)
    await settle(wired, url)
    after = used_heap(), open_files()
    print("heap %d -> %d, files %d -> %d" % (before[0], after[0], before[1], after[1]))
    equal(after[1], before[1])
    check(after[0] - before[0] < 4096, before, after)
    (device,) = http("GET", url + "/admin/devices")["devices"]
    equal(device["violations"], [])
    equal(wired.agent.connects, 113)


@only("micropython")  # whose heap is the board's
def test_hundred_reconnects_leak_neither_memory_nor_sockets(server):
    import plexus.agent.agent as module

    hurried = Hurried()
    wired = Wired(server.ws, ticks=hurried.ticks_ms)
    connect = wired.agent._connect

    async def connect_slowly(*arguments, **options):
        hurried.link = Connecting
        ws = None
        try:
            ws = await connect(*arguments, **options)
        finally:
            hurried.link = ws
        return ws

    wired.agent._connect = connect_slowly

    @wired.agent.command("echo")
    async def echo(out):
        out("x")

    before = module.asyncio
    module.asyncio = hurried
    try:
        wired.run(hundred(wired, server.admin_url))
    finally:
        module.asyncio = before


class Connecting:
    close_code = None


# A day

MINUTE_MS = 60000
HOUR_MS = 60 * MINUTE_MS


def check_waits(tries, most_ms):
    """Waits between tries to connect (ms): each up to twice as long, none beyond `most_ms`."""
    waits = [later - sooner for sooner, later in zip(tries, tries[1:])]
    check(waits and min(waits) >= 1000 and max(waits) <= most_ms + 2000, waits)
    for index, wait_ms in enumerate(waits):
        # After the first, at most 2 s: doubled each time; a half of it is random.
        bound_ms = min(4000 << index, most_ms)
        check(bound_ms // 2 - 1 <= wait_ms <= bound_ms + 2000, index, waits)


async def deliver(world):
    while True:
        world.px.tick()
        await asyncio.sleep(10)


async def live_through(world):
    delivery = asyncio.create_task(deliver(world))
    await live_a_day(world)
    delivery.cancel()
    world.px.flush()


async def live_a_day(world):
    agent, server = world.agent, world.server
    for name, interval_ms in (("steady", 1000), ("kept", 10000), ("shown", 200)):
        world.channels[name].interval_ms = interval_ms
    await world.until(lambda: agent.connected)
    heaps = []
    for hour in range(24):
        began_ms = world.now_ms
        heartbeats, pings = server.heartbeats, server.pings
        socket = server.socket
        ident = "h%d" % hour
        socket.say({"type": "start_stream", "id": ident, "interval_ms": 1000 * (hour % 3)})
        socket.say({"type": "start_session", "session_id": ident, "metrics": ["kept"]})
        socket.say({"type": "execute", "id": ident, "command": "echo"})
        await asyncio.sleep(60)
        equal([stream.id for stream in agent.live.streams], [ident, "session:" + ident])
        socket.say({"type": "stop_stream", "id": ident})
        socket.say({"type": "stop_session"})
        await asyncio.sleep(600)
        equal(
            (len(server.heard("session_stopped", session_id=ident)), len(agent.live.streams)),
            (1, 0),
        )
        if hour % 4 == 1:
            # The connection ends, and the next tries fail for a while.
            server.accept = False
            tries = len(server.tries)
            socket.end()
            await asyncio.sleep(1200)
            check_waits(server.tries[tries:], MINUTE_MS)
            server.accept = True
            await world.until(lambda: agent.connected, 2 * MINUTE_MS)
        elif hour % 4 == 2:
            # It is there no more, but says nothing of it.
            server.answers = False
            await world.until(lambda: not agent.connected, 100000)
            check("heard" in agent.status, agent.status)
            server.answers = True
            await world.until(lambda: agent.connected)
        elif hour == 11:
            # For an hour the key is refused.
            server.authenticate = False
            server.accept = True
            tries = len(server.tries)
            refusals = asyncio.create_task(refuse(world))
            socket.end()
            await asyncio.sleep(3600)
            refusals.cancel()
            waits = server.tries[tries:]
            check(6 <= len(waits) <= 20, waits)
            check("refused" in agent.status, agent.status)
            server.authenticate = True
            await world.until(lambda: agent.connected, 16 * MINUTE_MS)
        else:
            await rest_of_hour(world, began_ms)
            check(agent.connected, agent.status)
            # One each 30 s of the hour, give or take those at its ends.
            count = server.heartbeats - heartbeats
            check(abs(count - HOUR_MS // 30000) <= 1, count)
            equal(server.pings - pings, count)
        server.messages.clear()
        server.tries.clear()
        await rest_of_hour(world, began_ms)
        heaps.append(used_heap())
    check(world.now_ms >= 24 * HOUR_MS, world.now_ms)
    world.heaps = heaps


async def rest_of_hour(world, began_ms):
    await asyncio.sleep(max(began_ms + HOUR_MS - world.now_ms, 1000) / 1000)


async def refuse(world):
    # As for a key that is not known: an error, and close 1008.
    socket = world.server.socket
    world.refusals = 0
    while True:
        if world.server.socket is not socket:
            socket = world.server.socket
            await asyncio.sleep(0.1)
            socket.say({"type": "error", "message": "invalid API key"})
            await asyncio.sleep(0.1)
            socket.end(1008)
            world.refusals += 1
        await asyncio.sleep(0.1)


@only("micropython")  # whose heap is the board's
def test_day_in_which_ticks_wrap_ends_as_it_began():
    # They are at their end after six hours.
    world = World(start_ticks=ticks_add(0, -6 * HOUR_MS))
    world.run(live_through(world))
    agent, ingest, px = world.agent, world.ingest, world.px
    sent = {"steady": world.steady.reads, "kept": world.kept.reads}
    shown = ingest.count.pop("shown", 0)
    equal(ingest.count, sent)
    equal((px.pending, px.dropped, agent.live.dropped), (0, 0, 0))
    equal(agent.errors, world.refusals)
    # A minute of sessions each hour, which `shown` was no part of; 66 readings, give or take one.
    equal((shown, ingest.calls), (0, 48))
    check(abs(ingest.in_session - 24 * 66) <= 48, ingest.in_session)
    check(max(world.heaps[2:]) - world.heaps[1] < 4096, world.heaps)
    equal(agent.live.sent, world.server.points)
    print(world.now_ms / HOUR_MS, agent.connects, world.server.heartbeats, world.heaps)


# Little memory


class Ballast:
    """Takes the heap, but for so many bytes; `drop()` gives it back."""

    def __init__(self, free):
        self._taken = [None] * 256
        count = 0
        gc.collect()
        for size in (8192, 1024, 256):
            try:
                while gc.mem_free() > free + size and count < 256:
                    self._taken[count] = bytearray(size)
                    count += 1
            except MemoryError:
                pass  # no piece of this size is left

    def drop(self):
        for index in range(len(self._taken)):
            self._taken[index] = None
        gc.collect()


async def starved(wired):
    agent = wired.agent
    await wired.until(lambda: agent.connected)
    ballast = Ballast(wired.free)
    # The server goes on when it has heard a heartbeat, with the largest message that is taken.
    try:
        await wired.until(lambda: not agent.connected or agent.messages > 1)
    finally:
        ballast.drop()
    connects = agent.connects
    await wired.until(lambda: agent.connected and agent.messages >= 4, 40000)
    check(agent.connects <= connects + 2, agent.status)
    reads = wired.probe.reads
    await wired.until(lambda: wired.probe.reads > reads + 10)


@only("micropython")
def test_message_for_which_there_is_no_memory_ends_no_more_than_the_connection(websocket_server):
    large = b'{"type":"x","x":"' + b"x" * (MAX_SIZE - 19) + b'"}'
    for free in (24576, 8192, 4096):
        http(
            "POST",
            websocket_server.control_url + "/script",
            [
                {"frames": HELLO},
                sending(frame(TEXT, AUTHENTICATED)),
                {"frames": HELLO + 2},
                sending(frame(TEXT, large)),
                sending(frame(TEXT, large)),
                sending(frame(TEXT, b'{"type":"ping"}')),
            ],
        )
        wired = Wired(websocket_server.url, heartbeat_ms=300)
        wired.free = free
        wired.run(starved(wired))
