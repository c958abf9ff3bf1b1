"""Telemetry that the server acknowledges: kept until then, sent again on the next connection."""

import asyncio

from agent_world import beside
from clients import Randoms, client
from plexus.agent.agent import Agent
from plexus.sensors.sampling.sampler import Sampler
from support import Admin, equal, http
from talks import Room, Talk

TIMEOUT_S = 120
SHORT_NAMES = True

GATEWAY = "wss://gateway.example/ws/device"


class Counter:
    """Gives 0, 1, 2, ..."""

    METRICS = ("count",)

    def __init__(self):
        self.count = 0

    def read(self):
        self.count += 1
        return (("count", self.count - 1),)


def play(script, url=GATEWAY, acks=True, **options):
    talk = Talk(url=url, **options)
    talk.counter = talk.sampler.add(Counter(), interval_ms=10, on_demand=True)

    async def main():
        await begin(talk, acks)
        await script(talk)

    talk.play(main)
    return talk


async def nothing():
    pass


async def begin(talk, acks=True):
    await talk.authenticate(acks=acks)
    await talk.ask_typed("start_stream", store=True)


async def show(talk, count=1):
    """Have so many readings shown, in a frame each; those that went out, as (seq, values)."""
    before = len(talk.socket.of("telemetry"))
    for _ in range(count):
        talk.counter.tick(talk.counter.client)
        await talk.pass_ms(300)
    return seen(talk)[before:]


def seen(talk):
    frames = talk.socket.of("telemetry")
    return [(frame.get("seq"), [p["value"] for p in frame["points"]]) for frame in frames]


def told(talk, **message):
    talk.socket.say(message)
    return talk.pass_ms(50)


async def reconnect(talk, code=1006, acks=True):
    talk.socket.end(code)
    before = len(talk.sockets)
    while len(talk.sockets) == before:
        await talk.pass_ms(100)
    await begin(talk, acks)
    await talk.pass_ms(500)


def test_device_offers_acknowledgements_and_goodbyes_to_all_but_the_documented_server():
    for url, offered in ((GATEWAY, True), ("wss://app.example/party/org", False)):
        talk = Talk(url=url)
        talk.play(nothing)
        hello = talk.socket.sent[0]
        for name in ("acks", "hears_goodbye", "protocol"):
            equal(bool(hello.get(name)), offered)


def test_frames_are_numbered_from_1_and_kept_until_they_are_acknowledged():
    async def script(talk):
        live = talk.agent.live
        equal(await show(talk, 3), [(1, [0]), (2, [1]), (3, [2])])
        equal((live.pending, live.sent), (3, 3))
        await told(talk, type="telemetry_ack", seq=2)
        equal((live.pending, live.sent), (1, 3))
        await told(talk, type="telemetry_ack", seq=3)
        await told(talk, type="telemetry_ack", seq=3)
        await told(talk, type="telemetry_ack", seq=99)
        equal((live.pending, live.sent, live.dropped, talk.agent.errors), (0, 3, 0, 0))
        equal(await show(talk), [(4, [3])])

    play(script)


def test_what_was_not_acknowledged_goes_out_again_on_the_next_connection():
    async def script(talk):
        await show(talk, 3)
        await told(talk, type="telemetry_ack", seq=1)
        await reconnect(talk)
        equal(seen(talk), [(1, [1, 2])])
        live = talk.agent.live
        equal((live.sent, live.pending), (3, 2))
        equal(await show(talk), [(2, [3])])
        await told(talk, type="telemetry_ack", seq=2)
        equal((live.sent, live.pending, live.dropped), (4, 0, 0))

    play(script)


def test_what_waits_for_a_frame_when_the_connection_ends_is_not_lost():
    async def script(talk):
        await show(talk)
        talk.socket.stalled = True
        await show(talk, 3)
        await reconnect(talk)
        equal(seen(talk), [(1, [0, 1, 2, 3])])
        equal(talk.agent.live.dropped, 0)

    play(script)


def test_frame_that_the_server_does_not_keep_is_not_sent_again_and_counted():
    async def script(talk):
        await show(talk, 3)
        await told(talk, type="telemetry_ack", seq=1)
        await told(talk, type="error", code="INVALID_MESSAGE", seq=2)
        live = talk.agent.live
        equal((live.sent, live.pending, live.dropped), (2, 1, 1))
        await reconnect(talk)
        equal(seen(talk), [(1, [2])])

    play(script)


def test_server_whose_store_is_away_has_confirmed_nothing():
    async def script(talk):
        await show(talk, 2)
        await told(talk, type="error", code="REDIS_UNAVAILABLE")
        await reconnect(talk, 1013)
        equal(seen(talk), [(1, [0, 1])])

    play(script)


def test_server_that_does_not_offer_it_gets_no_numbers():
    async def script(talk):
        equal(await show(talk, 2), [(None, [0]), (None, [1])])
        equal(talk.agent.live.pending, 0)
        await told(talk, type="telemetry_ack", seq=1)
        equal(talk.agent.errors, 1)
        await reconnect(talk, acks=True)
        equal(await show(talk), [(1, [2])])
        await reconnect(talk, acks=False)
        equal(seen(talk), [(None, [2])])

    play(script, acks=False)


def test_documented_server_gets_no_numbers_whatever_it_says():
    async def script(talk):
        talk.px.send("count", 5)
        await talk.pass_ms(300)
        equal(seen(talk), [(None, [5])])
        equal("hears_goodbye" in talk.sockets[0].texts[0], False)

    play(script, "wss://app.example/party/org")


def test_frames_that_nobody_acknowledges_are_bounded_and_end_the_connection():
    async def script(talk):
        frames = await show(talk, 40)
        equal([seq for seq, _ in frames], list(range(1, 33)))
        equal((talk.agent.live.sent, talk.agent.live.pending), (32, 40))
        waited_ms = 0
        while talk.agent.connected:
            await talk.pass_ms(100)
            waited_ms += 100
        assert 15000 < waited_ms < 22000, waited_ms
        assert "no telemetry was acknowledged for 30 s" in talk.agent.status, talk.agent.status

    play(script)


def test_connection_whose_frames_are_acknowledged_lasts():
    async def script(talk):
        for seq in range(1, 60):
            await show(talk)
            if seq > 1:
                await told(talk, type="telemetry_ack", seq=seq - 1)
            await talk.pass_ms(1000)
        equal((len(talk.sockets), talk.agent.live.pending), (1, 1))

    play(script)


def test_full_ring_lets_the_oldest_go_and_what_is_left_goes_out_in_order():
    async def script(talk):
        live = talk.agent.live
        await show(talk, 2)
        for _ in range(600):
            talk.counter.tick(talk.counter.client)
            talk.time.jump_ms(10)
        dropped = live.dropped
        assert 0 < dropped < 600, dropped
        await talk.pass_ms(1000)
        values = [value for _, values in seen(talk)[2:] for value in values]
        equal(values, list(range(dropped, 602)))
        await told(talk, type="telemetry_ack", seq=seen(talk)[-1][0])
        equal((live.pending, live.dropped), (0, dropped))

    play(script, live_bytes=1024)


def test_goodbye_moves_to_the_next_gateway_within_half_a_second_and_is_no_failure():
    for random in (0, 1):

        async def script(talk):
            await show(talk, 2)
            talk.fails = [None] * 3
            for moves in range(1, 4):
                at_ms = talk.time.now_ms
                talk.socket.end(1001)
                await talk.pass_ms(20)
                assert talk.agent.status.startswith("not connected: "), talk.agent.status
                while len(talk.sockets) == moves:
                    await talk.pass_ms(10)
                took_ms = talk.tried_at_ms[-1] - at_ms
                assert 20 <= took_ms <= 300, took_ms
                await begin(talk)
                await talk.pass_ms(300)
                equal(seen(talk), [(1, [0, 1])])
            # A gateway that only ever says goodbye is one that fails.
            talk.socket.end(1001)
            await talk.pass_ms(20)
            assert "next try in " in talk.agent.status
            await talk.pass_ms(500)
            equal(len(talk.sockets), 4)
            await talk.pass_ms(2000)
            equal(len(talk.sockets), 5)

        play(script, random=random)


def test_goodbye_is_heard_while_the_server_leaves_the_connection_open():
    async def script(talk):
        talk.socket.close_code = 1001  # and recv() waits for the end
        await talk.pass_ms(600)
        equal(len(talk.sockets), 2)

    play(script)


def test_other_close_frames_are_no_goodbye():
    for code, wait_ms in ((1006, 1000), (1013, 1000), (1011, 1000), (1008, 60000)):

        async def script(talk, code=code, wait_ms=wait_ms):
            talk.socket.end(code)
            await talk.pass_ms(wait_ms - 100)
            equal(len(talk.sockets), 1)

        play(script, random=1)


def test_documented_server_that_goes_is_returned_to_as_before():
    async def script(talk):
        talk.socket.end(1001)
        await talk.pass_ms(900)
        equal(len(talk.sockets), 1)

    play(script, "wss://app.example/party/org", random=1)


def test_nothing_is_lost_or_stored_twice_at_the_platform(platform):
    px = client(platform)
    sampler = Sampler(px)
    counter = Counter()
    sampler.add(counter, interval_ms=20, on_demand=True)
    room = sampler.add(Room(), interval_ms=100, name="room")
    agent = Agent(px, sampler, platform.ws, random=Randoms(0))
    url = platform.admin_url + "/admin/devices/dev-1/"
    admin = Admin(platform.admin_url)

    async def until(done):
        while not done():
            await asyncio.sleep(0.02)

    async def main():
        for connects in range(1, 4):
            await until(lambda n=connects: agent.connected and agent.connects == n)
            http("POST", url + "commands", {"command": "start_stream", "params": {"store": True}})
            shown = counter.count + 15
            await until(lambda n=shown: counter.count >= n)
            if connects == 1:
                http("POST", url + "disconnect", {"code": 1001})
            elif connects == 2:
                # Its store is away for one frame, which it does not take.
                admin.script({"socket": "REDIS_UNAVAILABLE"})
        http("POST", url + "commands", {"command": "stop_stream", "params": {"id": "*"}})
        await until(lambda: not agent.live.streams)
        await until(lambda: not agent.live.pending)

    asyncio.run(beside((agent, sampler), main()))
    px.flush()
    points = [p["value"] for p in admin.points(metric="count")]
    equal(sorted(points), list(range(counter.count)))
    counts = admin.counts()
    equal(counts["duplicates"], 0)
    equal((agent.live.dropped, room.failures), (0, 0))
    (device,) = http("GET", platform.admin_url + "/admin/devices")["devices"]
    equal(device["violations"], [])
