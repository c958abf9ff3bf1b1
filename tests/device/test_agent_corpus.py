"""The agent in a small heap, and whatever a server may say: an error each, and no memory."""

import asyncio

from agent_corpus import MAX_SIZE, platform_messages
from agent_corpus import messages as corpus
from agent_world import World, check, running
from support import equal, used_heap

TIMEOUT_S = 240
HEAP = "700k"  # of 64-bit words


def check_bounds(world):
    agent = world.agent
    streams = agent.live.streams
    check(len(streams) <= 9, streams)  # 8, and a session's
    check(all(len(stream._due) <= 65 for stream in streams))
    check(len(running(agent)) <= 4)
    check(len(agent._connection._outbox) <= 64, len(agent._connection._outbox))


async def hear_all(world):
    await world.until(lambda: world.agent.connected)
    # At first the tables fill, whose size is bounded.
    await hear(world)
    before = used_heap()
    await hear(world)
    after = used_heap()
    check(after - before < 4096, before, after)


async def hear_platform(world):
    await world.until(lambda: world.agent.connected)
    await hear(world, platform_messages, 1800)
    # What is remembered of runs is full by now, and of other lengths from one to the next.
    before = used_heap()
    await hear(world, platform_messages, 1800)
    after = used_heap()
    check(after - before < 16384, before, after)
    statuses = world.agent._dispatcher._statuses
    check(len(statuses._records) <= 36 and len(statuses._kept) <= 32)


async def hear(world, corpus=corpus, least=2000):
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
    check(count > least and agent.errors > errors + count // 4, (count, agent.errors))
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
    await world.until(lambda: not agent._connection._outbox)
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


def test_whatever_the_platform_says_costs_an_answer_and_no_memory():
    world = World(max_size=MAX_SIZE, url="ws://server.test/ws/device")
    world.server.authenticated = {"protocol": 1, "acks": True, "max_frame_bytes": 65536}
    world.run(hear_platform(world))
