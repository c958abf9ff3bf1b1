"""The agent in a small heap, through a whole day: sessions, outages, refusals, ticks that wrap."""

import asyncio

from agent_world import World, check
from plexus.port import ticks_add
from support import equal, only, used_heap

TIMEOUT_S = 240
HEAP = "600k"  # of 64-bit words

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
