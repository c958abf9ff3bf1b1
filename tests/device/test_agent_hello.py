"""The agent comes: what the device says of itself, and what it believes and shows of the answer."""

from clients import KEY, SECRET
from plexus.agent.agent import Agent
from plexus.clock import Clock
from support import IS_MICROPYTHON, equal, raises
from talks import TIME_MS, URL, Room, Talk

TIMEOUT_S = 120
SHORT_NAMES = True


async def nothing():
    pass


def test_first_message_authenticates_the_device_and_says_what_it_has():
    talk = Talk(max_size=4096)
    channel = talk.sampler.add(Room(), interval_ms=20, name="room", prefix="lab.")
    channel.tick(talk.px)

    @talk.agent.command("identify", description="Blink", params={"n": {"type": "integer"}})
    def identify(out, n=1):
        pass

    talk.play(nothing)
    equal((talk.asked[0], talk.asked[2]), (URL, 4096))
    equal(len(talk.socket.sent), 1)
    hello = talk.socket.sent[0]
    (sensor,) = hello.pop("sensors")
    equal(
        hello,
        {
            "type": "device_auth",
            "api_key": KEY,
            "source_id": "dev-1",
            "platform": "micropython" if IS_MICROPYTHON else "cpython",
            "agent_version": "0.1.0",
            "commands": [
                {"name": "identify", "description": "Blink", "params": {"n": {"type": "integer"}}}
            ],
        },
    )
    equal(sensor.pop("description"), channel.description)
    equal(
        sensor,
        {
            "name": "room",
            "metrics": ["lab.temperature", "lab.humidity"],
            "sample_rate": 50,
            "prefix": "lab.",
            "available": True,
        },
    )


def test_sensor_that_fails_is_told_as_not_available():
    talk = Talk()
    room = Room()
    room.broken = True
    talk.sampler.add(room, name="room").tick(talk.px)
    talk.play(nothing)
    equal(talk.socket.sent[0]["sensors"][0]["available"], False)


def test_status_tells_each_state():
    talk = Talk()
    equal(talk.agent.status, "not started")

    async def script():
        equal(talk.agent.status, "authenticating")
        equal((talk.agent.connected, talk.agent.connects), (False, 0))
        await talk.authenticate()
        equal((talk.agent.connected, talk.agent.connects), (True, 1))
        equal(talk.agent.status, "connected, 0 streams")
        await talk.ask("start_stream", id="a")
        equal(talk.agent.status, "connected, 1 stream")
        await talk.ask("start_stream", id="b")
        await talk.ask("start_session", session_id="s1")
        equal(talk.agent.status, "connected, 2 streams, session s1")

    talk.play(script)
    equal(talk.agent.status, "stopped")
    equal(talk.ended, True)
    equal(talk.socket.closed_with, 1000)
    equal((talk.agent.connected, talk.agent.live.connected), (False, False))


def test_time_of_the_server_sets_an_unknown_clock():
    talk = Talk(url="ws://h/")
    clock = Clock((), ticks=talk.time.ticks, set_rtc=False)
    talk.px.clock = clock

    async def script():
        await talk.pass_ms(380)  # and 20 before: it takes 400 ms to answer
        await talk.authenticate(server_time_ms=TIME_MS)

    talk.play(script)
    equal(clock.source, "websocket")
    equal(clock.known, True)
    # The answer was on its way for half the time that it took, give or take that half.
    passed_ms = talk.time.now_ms - 400
    off_ms = clock.now_ms() - TIME_MS - passed_ms
    assert 190 <= off_ms <= 210, off_ms
    assert 195 <= clock.error_ms <= 220, clock.error_ms


def test_time_of_the_server_does_not_set_a_clock_that_is_good():
    for source, error_ms, believed in (("ntp", 20, False), ("ntp", 2000, True), ("http", 20, True)):
        talk = Talk()
        clock = Clock((), ticks=talk.time.ticks, set_rtc=False)
        clock.observe(TIME_MS - 500, talk.time.ticks(), error_ms, source)
        talk.px.clock = clock

        async def script(talk=talk):
            await talk.authenticate(server_time_ms=TIME_MS)

        talk.play(script)
        equal(clock.source, "websocket" if believed else source)


def test_time_that_cannot_be_is_not_believed():
    for time_ms in (12.5, "1795329907655", 12, -1, 1 << 62, True, [TIME_MS], {}):
        talk = Talk(url="ws://h/")
        clock = Clock((), ticks=talk.time.ticks, set_rtc=False)
        talk.px.clock = clock

        async def script(talk=talk, time_ms=time_ms):
            await talk.authenticate(server_time_ms=time_ms)
            equal(talk.agent.connected, True)

        talk.play(script)
        equal((clock.known, talk.agent.errors), (False, 1))


def test_key_is_never_shown_whatever_the_server_says():
    for words in (KEY, "bad key " + KEY + "!", "x" * 195 + KEY):
        talk = Talk()

        async def script(talk=talk, words=words):
            for name in ("message", "error", "code", "detail"):
                talk.socket.say({"type": "error", name: words})
                await talk.pass_ms(100)
                assert SECRET[:4] not in talk.agent.status + repr(talk.agent)
            talk.socket.end(1008)
            await talk.pass_ms(100)
            assert SECRET[:4] not in talk.agent.status + repr(talk.agent)
            assert "refused" in repr(talk.agent)

        talk.play(script)


def test_words_of_the_server_are_bounded_and_printable():
    talk = Talk()

    async def script():
        await talk.authenticate()
        talk.socket.say({"type": "error", "code": "X", "detail": "\x1b[31m" + "y" * 5000})
        await talk.pass_ms(100)
        status = talk.agent.status
        assert "the server says: X:  [31myyy" in status, status
        assert len(status) < 260, len(status)

    talk.play(script)


def test_messages_before_the_authentication_are_not_obeyed():
    talk = Talk()

    async def script():
        await talk.ask("start_stream", id="a")
        await talk.ask("execute", id="e", command="x")
        equal(talk.agent.live.streams, ())
        equal(len(talk.socket.sent), 1)

    talk.play(script)


def test_arguments_that_are_wrong_are_named():
    talk = Talk()

    def agent(url=URL, **options):
        return Agent(talk.px, None, url, ssl=object(), **options)

    for url in (None, "http://h/", "ws:", "wss://", "ws://u@h/", 5):
        with raises(ValueError, "url"):
            agent(url)
    with raises(ValueError, "heartbeat_ms"):
        agent(heartbeat_ms=0)
    with raises(ValueError, "max_size"):
        agent(max_size=10)
    with raises(ValueError, "ring_bytes"):
        agent(live_bytes=1)


def test_tls_context_is_the_clients_own():
    talk = Talk()
    context = object()
    talk.px.credentials = lambda: (KEY, context)
    equal(Agent(talk.px, None, URL)._ssl, context)
    equal(Agent(talk.px, None, URL, ssl=talk)._ssl, talk)
    equal(Agent(talk.px, None, "ws://h/")._ssl, None)
