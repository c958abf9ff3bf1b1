"""A server that stores what comes over the socket: a reading reaches its store once."""

from agent_world import World
from clients import client, right_clock
from support import FakeTicks, equal
from talks import Room, Talk

TIMEOUT_S = 120
SHORT_NAMES = True

STORES = "wss://gateway.example/ws/device"


def play(script, url=STORES, authenticated=None, **options):
    """Run script(talk) on a connection that is authenticated, with a sensor that is not kept."""
    talk = Talk(url=url, **options)
    talk.hall = talk.sampler.add(Room(), name="hall", prefix="hall.", on_demand=True)

    async def main():
        await talk.authenticate(**authenticated or {})
        await script(talk)

    talk.play(main)
    return talk


def shown(talk):
    """The metrics of what was streamed since the last time."""
    metrics = [p["metric"] for m in talk.socket.of("telemetry") for p in m["points"]]
    del talk.socket.sent[:]
    return metrics


def test_kept_reading_is_not_shown_as_well():
    async def script(talk):
        await talk.ask_typed("start_stream", metrics=["n", "hall.temperature"])
        talk.px.send("n", 1)
        talk.hall.tick(talk.hall.client)
        await talk.pass_ms(500)
        equal(shown(talk), ["hall.temperature"])
        equal((talk.px.pending, talk.agent.live.sent, talk.agent.live.dropped), (1, 1, 0))

    play(script)


def test_reading_that_is_not_kept_goes_over_the_socket_alone_also_for_a_stream_that_stores():
    async def script(talk):
        await talk.ask_typed("start_stream", store=True)
        talk.hall.tick(talk.hall.client)
        await talk.pass_ms(500)
        equal(shown(talk), ["hall.temperature", "hall.humidity"])
        await talk.ask_typed("start_session", session_id="s1")
        await talk.pass_ms(1000)
        talk.hall.tick(talk.hall.client)
        await talk.pass_ms(500)
        equal(shown(talk), ["hall.temperature", "hall.humidity"])
        equal((talk.px.pending, talk.agent.live.sent), (0, 4))

    play(script)


def test_reading_of_another_source_goes_with_the_uploads_where_it_is_stored_as_its_own():
    async def script(talk):
        live = talk.agent.live
        live.send("n", 0, source_id="tank-2")  # nobody wants to see it
        await talk.ask_typed("start_stream", metrics=["n"])
        live.send("n", 1, source_id="tank-2")
        live.send("n", 2, source_id="dev-1")
        await talk.pass_ms(500)
        frames = talk.socket.of("telemetry")
        equal([p["value"] for frame in frames for p in frame["points"]], [2])
        equal((talk.px.pending, live.sent, live.dropped), (1, 1, 0))

    play(script)


def test_reading_of_a_session_goes_with_the_uploads_while_there_is_no_connection():
    async def script(talk):
        await talk.ask_typed("start_session", session_id="s1")
        talk.socket.end(1006)
        await talk.pass_ms(1000)
        talk.hall.tick(talk.hall.client)
        equal(talk.px.pending, 2)
        await talk.pass_ms(1500)
        await talk.authenticate()
        await talk.pass_ms(500)
        equal(shown(talk), [])

    play(script)


def test_no_sensor_is_read_on_demand_for_a_connection_that_is_gone():
    async def script(talk):
        await talk.ask_typed("start_stream")
        equal(talk.hall.client is talk.agent.live, True)
        talk.socket.end(1006)
        await talk.pass_ms(0)  # no time for a reading that would go nowhere
        equal((talk.hall.client, talk.agent.live.streams), (None, ()))

    play(script)


def test_what_waits_when_the_connection_ends_is_counted_as_dropped():
    async def script(talk):
        await talk.ask_typed("start_stream")
        talk.socket.stalled = True
        await talk.pass_ms(500)
        talk.hall.tick(talk.hall.client)
        talk.socket.end(1006)
        await talk.pass_ms(500)
        live = talk.agent.live
        equal((live.pending, live.sent + live.dropped), (0, 2))

    play(script)


def test_address_tells_who_stores_and_the_server_and_the_program_may_say_otherwise():
    documented = "wss://app.example/party/org"
    for url, authenticated, option, stores in (
        (documented, {}, None, False),
        (documented, {"protocol": 1}, None, True),
        (documented, {}, True, True),
        (documented, {"protocol": 1}, False, False),
        (STORES, {}, None, True),
        (STORES, {}, False, False),
        ("wss://gateway.example/", {}, None, True),
        ("wss://gateway.example/ws/party/x", {}, None, True),
    ):

        async def script(talk, stores=stores):
            await talk.ask("start_stream", id="a", metrics=["n"])
            talk.px.send("n", 1)
            await talk.pass_ms(500)
            equal(shown(talk), [] if stores else ["n"])
            equal((talk.px.pending, talk.px.watched), (1, stores))

        play(script, url, authenticated, stores=option)


def test_uploads_come_each_second_while_somebody_watches():
    async def script(talk):
        equal(talk.px.watched, False)
        await talk.ask_typed("start_stream")
        equal(talk.px.watched, True)
        await talk.ask_typed("stop_stream")
        equal(talk.px.watched, False)
        await talk.ask_typed("start_stream")
        talk.socket.end(1006)
        await talk.pass_ms(500)
        equal(talk.px.watched, False)

    play(script)


def test_watched_client_flushes_each_second_over_one_connection(server):
    ticks = FakeTicks(1000)
    px = client(server, clock=right_clock(ticks))
    connection = px.http.connection
    flushed_at = []
    for watched, interval_ms in ((True, 1000), (False, 10000)):
        px.watched = watched
        del flushed_at[:]
        for now_ms in range(0, 30000, 250):
            ticks.advance(250)
            px.send("n", now_ms)
            if px.tick():
                flushed_at.append(now_ms)
                equal(connection.sock is not None, watched)
        waits = [b - a for a, b in zip(flushed_at, flushed_at[1:])]
        equal(waits, [interval_ms] * (30000 // interval_ms - 1))


def test_quicker_flush_interval_stays_while_somebody_watches(server):
    ticks = FakeTicks(1000)
    px = client(server, clock=right_clock(ticks), flush_interval_ms=250)
    px.watched = True
    for _ in range(4):
        ticks.advance(250)
        px.send("n", 1)
        equal(px.tick(), 1)


def test_day_of_watching_stores_each_reading_once():
    world = World(url="ws://server.test/ws/device")
    stored = {}

    def judge(message):
        for point in message.get("points", ()):
            stored[point["metric"]] = stored.get(point["metric"], 0) + 1

    world.server.judge = judge

    async def main():
        await world.until(lambda: world.agent.connected)
        world.server.socket.say({"type": "start_stream", "id": "a", "interval_ms": 0})
        for _ in range(100):
            await world.until(lambda at=world.now_ms: world.now_ms >= at + 500)
            world.px.tick()

    world.run(main())
    world.px.flush()
    live = world.agent.live
    equal(sorted(stored), ["shown"])
    equal(world.shown.reads, stored["shown"] + live.pending + live.dropped)
    equal(world.ingest.count["steady"], world.steady.reads)
    equal(world.ingest.count["kept"], world.kept.reads)
    equal("shown" in world.ingest.count, False)
