"""The agent's connection: authentication, heartbeat, death, coming back, and what it never does."""

import asyncio
import binascii
import gc
import json

from clients import KEY, SECRET, Randoms, client, right_clock
from plexus.agent.agent import Agent
from plexus.clock import Clock
from plexus.sensors.sampling.sampler import Sampler
from plexus.websocket.error import WebSocketError
from support import IS_MICROPYTHON, Admin, equal, http, only, raises
from talks import ENDPOINT, TIME_MS, URL, Talk

TIMEOUT_S = 120
SHORT_NAMES = True


class Room:
    """A sensor that the test can break."""

    def __init__(self):
        self.broken = False

    def read(self):
        if self.broken:
            raise OSError("no answer on the bus")
        return [("temperature", 21.5), ("humidity", 40)]


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


def test_heartbeat_and_ping_go_out_each_interval():
    talk = Talk()

    async def script():
        await talk.authenticate()
        await talk.pass_ms(91000)

    talk.play(script)
    beats = talk.socket.of("heartbeat")
    equal([beat["source_id"] for beat in beats], ["dev-1"] * 3)
    equal([beat["uptime_s"] for beat in beats], [30, 60, 90])
    equal(talk.socket.pings, 3)


@only("cpython")  # the Unix port's ticks do not wrap
def test_uptime_outlives_the_wrap_of_the_ticks():
    talk = Talk(start_ms=(1 << 30) - 2000, heartbeat_ms=3600000)  # they begin anew in a moment

    async def script():
        await talk.authenticate()
        await talk.pass_ms(3601000)

    talk.play(script)
    equal([beat["uptime_s"] for beat in talk.socket.of("heartbeat")], [3600])


def test_heartbeats_that_were_missed_are_not_made_up_for():
    talk = Talk()

    async def script():
        await talk.authenticate()
        talk.time.jump_ms(300000)
        await talk.pass_ms(5000)
        equal(len(talk.socket.of("heartbeat")), 1)
        await talk.pass_ms(30000)
        equal(len(talk.socket.of("heartbeat")), 2)

    talk.play(script)


def test_frames_without_end_leave_a_turn_for_heartbeats_and_answers():
    talk = Talk(heartbeat_ms=1000)

    async def script():
        await talk.authenticate()
        talk.agent.live.frame = lambda: b'{"type":"telemetry","points":[]}'
        await talk.pass_ms(3500)
        equal(len(talk.socket.of("heartbeat")), 3)
        assert len(talk.socket.sent) < 350, len(talk.socket.sent)

    talk.play(script)


def test_server_that_does_not_answer_the_authentication_is_left():
    talk = Talk()

    async def script():
        await talk.pass_ms(9000)
        equal(talk.socket.close_code, None)
        await talk.pass_ms(2000)
        equal(talk.socket.close_code, 1000)
        assert "no answer to the authentication" in talk.agent.status, talk.agent.status
        await talk.pass_ms(2500)
        equal(len(talk.sockets), 2)

    talk.play(script)


def test_dead_server_is_left_after_two_intervals_without_a_word():
    talk = Talk()

    async def script():
        await talk.authenticate()
        talk.socket.answers = False
        await talk.pass_ms(59000)
        equal(talk.agent.connected, True)
        await talk.pass_ms(3000)
        equal(talk.agent.connected, False)
        assert "nothing was heard of the server for 60 s" in talk.agent.status, talk.agent.status
        await talk.pass_ms(2500)
        equal(len(talk.sockets), 2)

    talk.play(script)


def test_server_that_answers_pings_alone_lives():
    talk = Talk()

    async def script():
        await talk.authenticate()
        await talk.pass_ms(600000)
        equal(talk.agent.connected, True)

    talk.play(script)
    equal(len(talk.sockets), 1)


def test_program_that_is_busy_for_long_does_not_take_the_server_for_dead():
    talk = Talk()

    async def script():
        await talk.authenticate()
        await talk.pass_ms(1000)
        talk.time.jump_ms(300000)
        await talk.pass_ms(5000)
        equal(talk.agent.connected, True)

    talk.play(script)


def test_stalled_socket_counts_as_dead_even_if_the_server_talks():
    talk = Talk()

    async def script():
        await talk.authenticate()
        talk.socket.stalled = True
        talk.px.send("n", 1)
        for _ in range(100):
            talk.socket.heard_at += 1
            await talk.pass_ms(1000)
        equal(len(talk.sockets) > 1, True)
        assert "taken nothing for 60 s" in talk.said, talk.said

    talk.said = ""
    fail = talk.agent._link.fail

    def noted(problem, *step):
        talk.said += str(problem)
        fail(problem, *step)

    talk.agent._link.fail = noted
    talk.play(script)


def test_stalled_socket_drops_live_readings_and_keeps_the_rest():
    talk = Talk(live_bytes=1024)

    async def script():
        await talk.authenticate()
        await talk.ask("start_stream", id="a", metrics=["n"])
        talk.socket.stalled = True
        for value in range(1000):
            talk.px.send("n", value)
            await talk.pass_ms(20)
        equal(talk.px.pending, 1000)
        equal(talk.px.dropped, 0)
        dropped = talk.agent.live.dropped
        assert dropped > 0
        talk.socket.stalled = False
        await talk.pass_ms(2000)
        shown = [p["value"] for m in talk.socket.of("telemetry") for p in m["points"]]
        equal(len(shown) + dropped, 1000)
        equal(shown[-1], 999)

    talk.play(script)


def test_waits_double_up_to_a_minute_and_are_half_random():
    for fraction, minimum in ((0, 1), (1, 0.5)):
        talk = Talk(random=fraction)
        talk.fails = [OSError(111)] * 8

        async def script(talk=talk):
            await talk.pass_ms(400000)

        talk.play(script)
        tried = talk.tried_at_ms[:9]
        waits = [int((b - a) / 1000 / minimum + 0.5) for a, b in zip(tried, tried[1:])]
        equal(waits, [2, 4, 8, 16, 32, 60, 60, 60])


def test_status_tells_why_there_is_no_connection_and_when_it_tries_again():
    talk = Talk()
    talk.fails = [OSError(111), WebSocketError("no WebSocket handshake within 10000 ms")]

    async def script():
        equal(
            talk.agent.status,
            "not connected: could not connect to gateway.example: it refused the connection; "
            "next try in 2 s",
        )
        await talk.pass_ms(2500)
        assert "no WebSocket handshake within 10000 ms; next try in 4 s" in talk.agent.status

    talk.play(script)


def test_connection_that_lived_long_resets_the_wait():
    talk = Talk()
    talk.fails = [OSError(111)] * 5

    async def script():
        await talk.pass_ms(62000)  # 2 + 4 + 8 + 16 + 32
        await talk.authenticate()
        await talk.pass_ms(29000)
        talk.socket.end(1012)
        await talk.pass_ms(100)
        assert "next try in 60 s" in talk.agent.status, talk.agent.status
        await talk.pass_ms(60000)
        await talk.authenticate()
        await talk.pass_ms(31000)
        talk.socket.end(1012)
        await talk.pass_ms(100)
        assert "(1012); next try in 2 s" in talk.agent.status, talk.agent.status

    talk.play(script)


def test_nothing_is_tried_without_a_network_and_its_return_resets_the_wait():
    there = [False]
    talk = Talk(ready=lambda: there[0])
    talk.fails = [OSError(111)] * 5

    async def script():
        await talk.pass_ms(60000)
        equal((talk.tried_at_ms, talk.agent.status), ([], "waiting for the network"))
        there[0] = True
        await talk.pass_ms(16000)
        equal(len(talk.tried_at_ms), 4)
        there[0] = False
        await talk.pass_ms(2000)
        there[0] = True
        await talk.pass_ms(3100)
        equal(len(talk.tried_at_ms), 6)

    talk.play(script)


def test_with_tls_nothing_is_tried_before_the_time_is_known():
    talk = Talk()
    talk.px.clock = Clock((), ticks=talk.time.ticks, set_rtc=False)

    async def script():
        await talk.pass_ms(60000)
        equal((talk.tried_at_ms, talk.agent.status), ([], "waiting for the time"))
        talk.px.clock.observe(TIME_MS, talk.time.ticks(), 5, "http")
        await talk.pass_ms(1100)
        equal(len(talk.sockets), 1)

    talk.play(script)


def test_without_tls_it_is_tried_at_once():
    talk = Talk(url="ws://h/")
    talk.px.clock = Clock((), ticks=talk.time.ticks, set_rtc=False)

    async def script():
        equal(len(talk.sockets), 1)

    talk.play(script)


def test_certificate_that_nobody_verifies_needs_no_time():
    class Unverified:
        verify_mode = 0

    talk = Talk()
    agent = Agent(talk.px, None, URL, ssl=Unverified())
    equal((agent._needs_time, talk.agent._needs_time), (False, True))


@only("cpython")
def test_network_that_comes_after_weeks_is_used_at_once():
    there = [False]
    talk = Talk(ready=lambda: there[0])

    async def script():
        for _ in range(4):
            talk.time.jump_ms(1 << 28)  # 3 days
            await talk.pass_ms(2000)
        there[0] = True
        await talk.pass_ms(2000)
        equal(len(talk.sockets), 1)

    talk.play(script)


def test_refusals_are_retried_slowly_and_shown():
    async def by_error(talk):
        talk.socket.say({"type": "error", "message": "invalid API key"})
        await talk.pass_ms(100)
        talk.socket.end(1006)

    async def by_error_alone(talk):
        talk.socket.say({"type": "error", "message": "invalid API key"})
        await talk.pass_ms(11000)

    async def by_close(talk):
        talk.socket.end(1008)

    async def by_handshake(talk):
        pass

    for refuse in (by_error, by_error_alone, by_close, by_handshake):
        talk = Talk()
        if refuse is by_handshake:
            talk.fails = [WebSocketError("the server refused the handshake: HTTP 401", 401)] * 9

        async def script(talk=talk, refuse=refuse):
            for seconds in (120, 240, 480, 900, 900):
                await refuse(talk)
                await talk.pass_ms(200)
                status = talk.agent.status
                assert status.startswith("refused: "), status
                left_s = int(status.split()[-2])
                assert seconds - 5 <= left_s <= seconds, status
                if refuse in (by_error, by_error_alone):
                    assert "invalid API key" in status, status
                await talk.pass_ms(seconds * 1000)

        talk.play(script)
        equal(len(talk.tried_at_ms), 6)


def test_trouble_of_the_server_is_no_refusal():
    talk = Talk()

    async def script():
        talk.socket.say({"type": "error", "code": "REDIS_UNAVAILABLE"})
        talk.socket.end(1013)
        await talk.pass_ms(100)
        status = talk.agent.status
        equal(status, "not connected: REDIS_UNAVAILABLE; next try in 2 s")

    talk.play(script)


def test_refusal_after_failures_begins_with_its_own_wait():
    talk = Talk()
    talk.fails = [OSError(111)] * 5

    async def script():
        await talk.pass_ms(62000)
        talk.socket.end(1008)
        await talk.pass_ms(100)
        assert talk.agent.status.endswith("next try in 120 s"), talk.agent.status
        await talk.pass_ms(120000)
        talk.socket.end(1001)
        await talk.pass_ms(100)
        assert talk.agent.status.endswith("next try in 2 s"), talk.agent.status

    talk.play(script)


def test_connection_of_weeks_resets_the_wait():
    talk = Talk()
    talk.fails = [OSError(111)] * 5

    async def script():
        await talk.pass_ms(62000)
        await talk.authenticate()
        for _ in range(4):
            talk.time.jump_ms(1 << 28)  # 3 days: ticks tell no more than 6
            await talk.pass_ms(1100)
        talk.socket.end(1012)
        await talk.pass_ms(100)
        assert "next try in 2 s" in talk.agent.status, talk.agent.status

    talk.play(script)


def test_refusal_is_shown_until_the_next_try():
    talk = Talk()

    async def script():
        talk.socket.end(1008)
        await talk.pass_ms(100)
        assert talk.agent.status.startswith("refused: "), talk.agent.status
        await talk.pass_ms(121000)
        await talk.authenticate()
        talk.socket.answers = False
        await talk.pass_ms(62000)
        assert talk.agent.status.startswith("not connected: "), talk.agent.status

    talk.play(script)


def test_error_of_the_server_is_shown_until_its_next_message():
    talk = Talk()

    async def script():
        await talk.authenticate()
        talk.socket.say({"type": "error", "code": "RATE_LIMITED"})
        await talk.pass_ms(100)
        equal(talk.agent.status, "connected, 0 streams; the server says: RATE_LIMITED")
        await talk.ask("ping")
        equal(talk.agent.status, "connected, 0 streams")
        talk.socket.say({"type": "error", "code": "RATE_LIMITED"})
        talk.socket.end(1006)
        await talk.pass_ms(100)
        assert "RATE_LIMITED" in talk.agent.status, talk.agent.status
        await talk.pass_ms(2000)
        talk.socket.end(1006)
        await talk.pass_ms(100)
        assert "RATE_LIMITED" not in talk.agent.status, talk.agent.status

    talk.play(script)


def test_close_codes_that_complain_of_a_message_are_counted():
    talk = Talk()

    async def script():
        for code, errors in ((1002, 1), (1003, 2), (1007, 3), (1009, 4), (1000, 4), (1011, 4)):
            await talk.authenticate()
            await talk.pass_ms(31000)
            talk.socket.end(code)
            await talk.pass_ms(2500)
            equal(talk.agent.errors, errors)

    talk.play(script)


def test_messages_go_out_once_when_two_tasks_would_send_them():
    talk = Talk()
    room = Room()
    room.broken = True
    channel = talk.sampler.add(room, name="room")

    async def script():
        await talk.authenticate()
        talk.socket.stalled = True
        channel.tick(talk.px)
        await talk.pass_ms(1000)  # its error is being sent
        talk.socket.say({"type": "ping"})
        await talk.pass_ms(1000)
        talk.socket.stalled = False
        await talk.pass_ms(1000)
        equal([m["type"] for m in talk.socket.sent[1:]], ["device_error", "pong"])

    talk.play(script)


class Scarce:
    """In place of asyncio: `event` or `create_task` fails as often as is said."""

    def __init__(self, time, **fails):
        self._time = time
        self.fails = fails

    def __getattr__(self, name):
        if self.fails.get(name):
            self.fails[name] -= 1
            return self._fail
        return getattr(self._time, name)

    def _fail(self, work=None):
        if work:
            work.close()
        raise MemoryError("memory allocation failed")


def test_too_little_memory_for_a_connection_is_one_that_failed():
    for fails in ({"Event": 1}, {"create_task": 1}, {"create_task": 2}):
        talk = Talk()
        scarce = Scarce(talk.time, **fails)

        async def script(talk=talk):
            await talk.pass_ms(100)
            assert "out of memory" in talk.agent.status, talk.agent.status
            assert talk.sockets[0].close_code is not None
            await talk.pass_ms(9000)
            await talk.authenticate()
            equal(talk.agent.connected, True)

        talk.play(script, connection=scarce)


def test_network_that_cannot_be_asked_for_does_not_end_the_agent():
    raised = [ValueError("no such interface"), MemoryError(), OSError(5)]

    def ready():
        if raised:
            raise raised.pop()
        return True

    talk = Talk(ready=ready)

    async def script():
        await talk.pass_ms(5000)
        equal(len(talk.sockets), 1)

    talk.play(script)


def test_sensor_that_cannot_be_described_does_not_end_the_agent():
    talk = Talk()

    class Odd(Room):
        @property
        def METRICS(self):
            if not talk.sockets[1:]:
                raise KeyError("bus")
            return ("temperature",)

    talk.sampler.add(Odd(), name="odd")

    async def script():
        assert talk.agent.status.startswith("not connected: KeyError: "), talk.agent.status
        await talk.pass_ms(4000)
        await talk.authenticate()
        equal(talk.agent.connected, True)

    talk.play(script)


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


def test_streams_end_with_the_connection():
    talk = Talk()

    async def script():
        await talk.authenticate()
        await talk.ask("start_stream", id="a")
        talk.px.send("n", 1)
        await talk.pass_ms(500)
        equal(len(talk.socket.of("telemetry")), 1)
        talk.socket.end(1006)
        await talk.pass_ms(100)
        equal(talk.agent.live.streams, ())
        await talk.pass_ms(2000)
        await talk.authenticate()
        talk.px.send("n", 2)
        await talk.pass_ms(500)
        equal(talk.socket.of("telemetry"), [])
        await talk.ask("start_stream", id="a")
        talk.px.send("n", 3)
        await talk.pass_ms(500)
        (frame,) = talk.socket.of("telemetry")
        equal([p["value"] for p in frame["points"]], [3])

    talk.play(script)
    equal(talk.agent.connects, 2)


def test_session_goes_on_across_a_reconnect_and_is_announced_again():
    talk = Talk()

    async def script():
        await talk.authenticate()
        await talk.ask("start_session", session_id="s1", session_name="Motor")
        talk.socket.end(1006)
        await talk.pass_ms(100)
        equal(talk.px.session_id, "s1")
        talk.px.send("n", 1)
        await talk.pass_ms(2000)
        equal(talk.socket.of("session_started"), [])
        await talk.authenticate()
        equal(
            talk.socket.of("session_started"),
            [{"type": "session_started", "session_id": "s1", "session_name": "Motor"}],
        )
        talk.px.send("n", 2)
        await talk.pass_ms(500)
        (frame,) = talk.socket.of("telemetry")
        equal((frame["session_id"], [p["value"] for p in frame["points"]]), ("s1", [2]))

    talk.play(script)
    equal(talk.px.session_id, "s1")
    equal(talk.px.pending, 2)


def test_sensor_that_begins_to_fail_is_reported_once_and_when_it_is_well_again():
    talk = Talk()
    room = Room()
    channel = talk.sampler.add(room, interval_ms=1000, name="room")

    async def script():
        await talk.authenticate()
        channel.tick(talk.px)
        await talk.pass_ms(1000)
        equal(talk.socket.of("device_error"), [])
        room.broken = True
        channel.tick(talk.px)
        await talk.pass_ms(5000)
        channel.tick(talk.px)
        await talk.pass_ms(1000)
        (error,) = talk.socket.of("device_error")
        assert isinstance(error.pop("timestamp"), int)
        equal(
            error,
            {
                "type": "device_error",
                "source_id": "dev-1",
                "source": "room",
                "error": "OSError: no answer on the bus",
                "severity": "warning",
            },
        )
        room.broken = False
        await talk.pass_ms(60000)
        channel.tick(talk.px)
        await talk.pass_ms(1000)
        equal(
            [(e["error"], e["severity"]) for e in talk.socket.of("device_error")][1:],
            [("ok", "info")],
        )

    talk.play(script)


def test_timestamp_of_an_error_is_left_out_while_the_time_is_unknown():
    talk = Talk(url="ws://h/")
    talk.px.clock = Clock((), ticks=talk.time.ticks, set_rtc=False)

    async def script():
        await talk.authenticate()
        (error,) = await talk.ask("stop_session")
        equal("timestamp" in error, False)

    talk.play(script)


def test_cancelled_run_closes_in_every_state():
    async def at_once(talk):
        pass

    async def authenticated(talk):
        await talk.authenticate()

    async def stalled(talk):
        await talk.authenticate()
        talk.socket.stalled = True
        talk.socket.say({"type": "ping"})
        await talk.pass_ms(500)

    async def waiting(talk):
        talk.socket.end(1006)
        await talk.pass_ms(500)

    for state in (at_once, authenticated, stalled, waiting):
        talk = Talk()

        async def script(talk=talk, state=state):
            await state(talk)

        talk.play(script)
        equal((talk.ended, talk.agent.status), (True, "stopped"))
        assert talk.socket.close_code is not None


def test_flood_of_messages_leaves_time_for_others():
    talk = Talk()
    turns = [0]

    async def other():
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    async def script():
        await talk.authenticate()
        task = asyncio.create_task(other())
        for number in range(300):
            talk.socket.say({"type": "start_stream", "id": "s%d" % number})
        await talk.pass_ms(5000)
        task.cancel()

    talk.play(script)
    assert turns[0] > 300, turns
    equal(talk.agent.messages, 301)
    equal(talk.agent.errors, 292)


def test_server_that_reads_no_answer_gets_no_more_of_them_kept():
    talk = Talk(heartbeat_ms=3600000)

    async def script():
        await talk.authenticate()
        talk.socket.stalled = True
        for _ in range(500):
            talk.socket.say({"type": "ping"})
        await talk.pass_ms(30000)
        assert len(talk.agent._link._outbox) < 40, len(talk.agent._link._outbox)
        talk.socket.stalled = False
        await talk.pass_ms(30000)
        equal(len(talk.socket.of("pong")), 500)

    talk.play(script)


def test_answers_are_bounded_too_while_another_task_sends():
    talk = Talk(heartbeat_ms=3600000)
    room = Room()
    room.broken = True
    channel = talk.sampler.add(room, name="room")

    async def script():
        await talk.authenticate()
        talk.socket.stalled = True
        channel.tick(talk.px)
        await talk.pass_ms(1000)  # its error is being sent
        for _ in range(500):
            talk.socket.say({"type": "ping"})
        await talk.pass_ms(30000)
        assert len(talk.agent._link._outbox) < 40, len(talk.agent._link._outbox)

    talk.play(script)


def test_output_of_commands_is_bounded_while_the_network_takes_nothing():
    talk = Talk(heartbeat_ms=3600000)

    @talk.agent.command("loud")
    async def loud(out):
        while True:
            out("x" * 4096)
            await talk.time.sleep(0.05)

    async def script():
        await talk.authenticate()
        for number in range(4):
            await talk.ask("execute", id="e%d" % number, command="loud")
        talk.socket.stalled = True
        for _ in range(10):
            talk.socket.say({"type": "ping"})
        await talk.pass_ms(30000)
        assert len(talk.agent._link._outbox) < 64, len(talk.agent._link._outbox)

    talk.play(script)


def test_answers_of_a_connection_do_not_go_to_the_next():
    talk = Talk()
    room = Room()
    room.broken = True
    channel = talk.sampler.add(room, name="room")

    async def script():
        await talk.authenticate()
        talk.socket.stalled = True
        channel.tick(talk.px)
        await talk.pass_ms(1000)  # its error is being sent
        for _ in range(5):
            await talk.ask("ping")
        talk.socket.close_code = 1006
        await talk.pass_ms(2500)
        await talk.authenticate()
        await talk.pass_ms(1000)
        equal([m["type"] for m in talk.socket.sent], ["device_auth", "device_error"])

    talk.play(script)


def test_sensor_that_begins_anew_is_no_news_before_it_has_been_read():
    talk = Talk()
    room = Room()
    room.broken = True
    channel = talk.sampler.add(room, name="room")

    async def script():
        await talk.authenticate()
        channel.tick(talk.px)
        await talk.pass_ms(1000)
        equal(len(talk.socket.of("device_error")), 1)
        channel.restart()
        await talk.pass_ms(1000)
        equal((channel.status, len(talk.socket.of("device_error"))), ("starting", 1))
        room.broken = False
        channel.tick(talk.px)
        await talk.pass_ms(1000)
        (_, error) = talk.socket.of("device_error")
        equal((error["error"], error["severity"]), ("ok", "info"))

    talk.play(script)


def test_session_that_the_program_ended_meanwhile_is_not_announced_again():
    talk = Talk()

    async def script():
        await talk.authenticate()
        await talk.ask("start_session", session_id="s1")
        talk.socket.end(1006)
        await talk.pass_ms(100)
        talk.px.session("s1").end()
        await talk.pass_ms(2000)
        await talk.authenticate()
        equal(
            [m["type"] for m in talk.socket.sent[1:]],
            ["session_stopped"],
        )

    talk.play(script)


def test_sensor_that_fails_is_reported_on_each_connection():
    talk = Talk()
    room = Room()
    room.broken = True
    channel = talk.sampler.add(room, name="room")

    async def script():
        channel.tick(talk.px)
        for _ in range(2):
            await talk.authenticate()
            await talk.pass_ms(500)
            equal(len(talk.socket.of("device_error")), 1)
            talk.socket.end(1006)
            await talk.pass_ms(5000)

    talk.play(script)


def test_a_hundred_reconnects_leave_no_memory_behind():
    talk = Talk()
    used = []

    async def script():
        for number in range(100):
            await talk.authenticate()
            await talk.ask("start_stream", id="a")
            await talk.ask("ping")
            talk.socket.end(1006)
            await talk.pass_ms(1000)
            while talk.socket.close_code is not None:
                await talk.pass_ms(1000)
            del talk.sockets[:-1]
            del talk.tried_at_ms[:]
            if number in (10, 99):
                gc.collect()
                used.append(gc.mem_alloc() if IS_MICROPYTHON else len(asyncio.all_tasks()))

    talk.play(script)
    equal(talk.agent.connects, 100)
    # A collection leaves a few blocks more or less.
    assert used[1] - used[0] < (2048 if IS_MICROPYTHON else 1), used


def test_an_hour_of_heartbeats_and_two_streams():
    talk = Talk()
    shown = []

    async def script():
        await talk.authenticate()
        await talk.ask("start_stream", id="fast", metrics=["n"], interval_ms=100)
        await talk.ask("start_stream", id="slow", metrics=["m"], interval_ms=10000)
        beats = 0
        for second in range(3600):
            talk.px.send("n", second)
            talk.px.send("m", second)
            await talk.pass_ms(1000)
            if second % 60 == 59:
                shown.extend(p["metric"] for m in talk.socket.of("telemetry") for p in m["points"])
                beats += len(talk.socket.of("heartbeat"))
                del talk.socket.sent[:], talk.socket.texts[:]
                with talk.px.buffer.lock:
                    talk.px.buffer.ring.commit(talk.px.buffer.ring.head)
        equal(beats, 120)

    talk.play(script)
    equal((shown.count("n"), shown.count("m")), (3600, 361))  # the first, and each 10 s
    equal((talk.agent.connects, talk.agent.errors, talk.agent.live.dropped), (1, 0, 0))


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


def test_agent_streams_over_a_real_socket(websocket_server):
    def text(message):
        data = json.dumps(message).encode()
        head = b"\x81" + (
            bytes((len(data),)) if len(data) < 126 else b"\x7e\x00" + bytes((len(data),))
        )
        return {"send": (head + data).hex()}

    http(
        "POST",
        websocket_server.control_url + "/script",
        [
            {"frames": 4},
            text({"type": "authenticated", "source_id": "dev-1", "server_time_ms": TIME_MS}),
            text({"type": "start_stream", "id": "a", "metrics": ["dev-1:n"], "interval_ms": 20}),
            text({"type": "typed_command", "id": "u1", "command": "ping"}),
            {"frames": 8},
            {"end": "fin"},
        ],
    )
    px = client(ENDPOINT, clock=right_clock())
    agent = Agent(px, None, websocket_server.url, random=Randoms(0))

    async def main():
        task = asyncio.create_task(agent.run())
        value = 0
        while agent.connects == 0 or agent.connected:
            px.send("n", value)
            value += 1
            await asyncio.sleep(0.02)
        equal("the server has ended the connection" in agent.status, True)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    asyncio.run(main())
    http("POST", websocket_server.control_url + "/resume")
    seen = http("GET", websocket_server.control_url + "/seen", timeout_s=30)
    messages = []
    begun = b""
    for frame in seen["frames"]:
        if frame["first"] & 15 <= 1:  # a text, or more of it
            begun += bytes.fromhex(frame["payload"])
            if frame["first"] & 128:
                messages.append(json.loads(begun))
                begun = b""
    equal(messages[0]["type"], "device_auth")
    equal([m["event"] for m in messages if m["type"] == "command_result"], ["ack", "result"])
    assert [m for m in messages if m["type"] == "telemetry"], messages


class Dashboard:
    """What a person does at the mock server, while the agent runs."""

    def __init__(self, server):
        self._url = server.admin_url + "/admin/devices/dev-1/"

    def ask(self, kind, **params):
        http("POST", self._url + "commands", {"command": kind, "params": params})

    def disconnect(self, code):
        http("POST", self._url + "disconnect", {"code": code})

    def said(self, kind):
        """The device's messages of a type."""
        messages = http("GET", self._url + "messages?limit=2000")["messages"]
        messages = [m["message"] for m in messages if m["from"] == "device"]
        return [m for m in messages if isinstance(m, dict) and m["type"] == kind]

    async def wait_for(self, kind, count=1):
        for _ in range(200):
            said = self.said(kind)
            if len(said) >= count:
                return said
            await asyncio.sleep(0.05)
        raise AssertionError("no %s" % kind)


async def evening(server, agent, px, sampler, typed):
    """Everything once, against a server: a stream, a session, a rate, a command, a reconnect."""
    dashboard = Dashboard(server)
    task = asyncio.create_task(agent.run())
    sampling = asyncio.create_task(sampler.run())
    try:
        while not agent.connected:
            await asyncio.sleep(0.05)
        dashboard.ask("start_stream", id="a", metrics=["temperature"], interval_ms=20)
        await dashboard.wait_for("telemetry")
        dashboard.ask("start_session", session_id="s1", session_name="Motor")
        await dashboard.wait_for("command_result" if typed else "session_started")
        dashboard.ask("configure", sensor="room", config={"sample_rate": 50})
        dashboard.ask("execute", id="e1", command="go n=3", timeout_seconds=10)
        output = await dashboard.wait_for("output", 3)
        equal([m["event"] for m in output], ["start", "data", "exit"])
        equal(output[1]["data"], "n is 3")
        await asyncio.sleep(0.3)
        px.flush()
        dashboard.disconnect(1012)
        while agent.connected:
            await asyncio.sleep(0.05)
        while not agent.connected:
            await asyncio.sleep(0.05)
        (again,) = (await dashboard.wait_for("session_started", 1 if typed else 2))[-1:]
        equal(again["session_id"], "s1")
        equal(agent.live.streams[0].session, True)
        dashboard.ask("stop_session", session_id="s1")
        while px.session_id is not None:
            await asyncio.sleep(0.05)
        if typed:
            await dashboard.wait_for("command_result", 10)
            results = [m for m in dashboard.said("command_result") if m["event"] != "ack"]
            equal([m["event"] for m in results], ["result"] * 5)
            equal(results[-2]["result"], {"code": 0, "result": 6})
    finally:
        for one in (task, sampling):
            one.cancel()
            try:
                await one
            except asyncio.CancelledError:
                pass
    equal(agent.errors, 0)


def play_evening(server, typed, url=None, **options):
    px = client(server if url is None else url, **options)
    sampler = Sampler(px)
    channel = sampler.add(Room(), interval_ms=100, name="room")
    agent = Agent(px, sampler, server.ws, random=Randoms(0))

    @agent.command("go", params={"n": {"type": "integer"}})
    async def go(out, n):
        await asyncio.sleep(0.01)
        out("n is %d" % n)
        return 2 * n

    asyncio.run(evening(server, agent, px, sampler, typed))
    px.flush()
    equal(channel.interval_ms, 20)
    admin = Admin(server.admin_url)
    equal(px.pending, 0)
    points = admin.points(metric="temperature")
    times = [point["timestamp"] for point in points]
    equal(len(set(times)), len(times))
    assert [p for p in points if p["session_id"] == "s1"]
    (session,) = admin.sessions()
    equal((session["session_id"], session["name"], session["status"]), ("s1", "Motor", "completed"))


def test_agent_obeys_the_documented_server(server):
    play_evening(server, False)


def test_agent_obeys_the_gateway(gateway):
    play_evening(gateway, True)


def test_agent_verifies_the_server_with_the_clients_roots(tls_server):
    ca = binascii.unhexlify(tls_server.ca)
    play_evening(tls_server, False, tls_server.good, ca=ca)


def test_agent_does_not_talk_to_a_server_that_it_cannot_verify(tls_server):
    px = client(ENDPOINT)
    from plexus.tls import verifying_context

    agent = Agent(px, None, tls_server.ws, ssl=verifying_context())

    async def main():
        task = asyncio.create_task(agent.run())
        while "next try" not in agent.status:
            await asyncio.sleep(0.05)
        status = agent.status
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        return status

    status = asyncio.run(main())
    assert "no trusted authority signed the server's certificate" in status, status


def test_key_that_the_server_refuses_is_shown_as_such(gateway):
    from plexus import Plexus

    px = Plexus("not_a_key", "dev-1", endpoint=gateway.ingest, clock=right_clock())
    agent = Agent(px, None, gateway.ws, random=Randoms(0))

    async def main():
        task = asyncio.create_task(agent.run())
        while "next try" not in agent.status:
            await asyncio.sleep(0.05)
        status = agent.status
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        return status

    status = asyncio.run(main())
    assert status.startswith("refused: "), status
    assert status.endswith("next try in 120 s"), status
    assert "not_a_key" not in status, status
