"""The agent's connection while it lasts: heartbeats, and a server that is dead or takes nothing."""

from support import equal, only
from talks import Talk

TIMEOUT_S = 120
SHORT_NAMES = True


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
    fail = talk.agent._connection.fail

    def noted(problem, *step):
        talk.said += str(problem)
        fail(problem, *step)

    talk.agent._connection.fail = noted
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
