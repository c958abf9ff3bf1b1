"""The agent in a small heap, and whatever a server may do to frames, or nothing at all."""

import asyncio
import gc

from agent_corpus import MAX_SIZE
from agent_wired import AUTHENTICATED, HELLO, Wired
from agent_world import check
from support import equal, http, only
from websocket_talks import CLOSE, CONTINUATION, PING, TEXT, frame, hexed, payload_of, sending

TIMEOUT_S = 240
HEAP = "600k"  # of 64-bit words


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
        # Each time more than is kept for the live view, until the agent gives the connection up.
        for number in range(1000):
            wired.px.send("much", number, tags={"a": "x" * 100})
        await asyncio.sleep(0.01)
    wired.words = agent._connection.problem
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
