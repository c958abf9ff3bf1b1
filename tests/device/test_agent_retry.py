"""When the agent tries again: after failures, refusals, and without network, time or memory."""

from plexus.agent.agent import Agent
from plexus.clock import Clock
from plexus.websocket.error import WebSocketError
from support import equal, only
from talks import TIME_MS, URL, Room, Talk

TIMEOUT_S = 120
SHORT_NAMES = True


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
