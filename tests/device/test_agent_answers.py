"""What the agent has to say: in order, bounded, and what of it outlives a connection."""

import asyncio
import gc

from plexus.clock import Clock
from support import IS_MICROPYTHON, equal
from talks import Room, Talk

TIMEOUT_S = 120
SHORT_NAMES = True


def test_messages_go_out_once_when_two_tasks_would_send_them():
    talk = Talk()
    channel = talk.add_broken_room()

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


def test_session_is_announced_on_a_slow_connection_before_its_readings_are_shown():
    talk = Talk()

    @talk.agent.command("late")
    async def late(out):
        return "done"

    async def script():
        await talk.authenticate()
        await talk.ask("start_session", session_id="s1")
        talk.socket.stalled = True
        await talk.ask_typed("execute", command="late")  # its answers wait
        talk.socket.close_code = 1006
        await talk.pass_ms(5000)
        equal(len(talk.sockets), 2)
        talk.socket.send_ms = 300
        await talk.authenticate()
        talk.px.send("n", 1)
        await talk.pass_ms(5000)
        kinds = [message["type"] for message in talk.socket.sent[1:]]
        assert kinds.index("session_started") < kinds.index("telemetry"), kinds

    talk.play(script)


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
        assert len(talk.agent._connection._outbox) < 40, len(talk.agent._connection._outbox)
        talk.socket.stalled = False
        await talk.pass_ms(30000)
        equal(len(talk.socket.of("pong")), 500)

    talk.play(script)


def test_answers_are_bounded_too_while_another_task_sends():
    talk = Talk(heartbeat_ms=3600000)
    channel = talk.add_broken_room()

    async def script():
        await talk.authenticate()
        talk.socket.stalled = True
        channel.tick(talk.px)
        await talk.pass_ms(1000)  # its error is being sent
        for _ in range(500):
            talk.socket.say({"type": "ping"})
        await talk.pass_ms(30000)
        assert len(talk.agent._connection._outbox) < 40, len(talk.agent._connection._outbox)

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
        assert len(talk.agent._connection._outbox) < 64, len(talk.agent._connection._outbox)

    talk.play(script)


def test_answers_of_a_connection_do_not_go_to_the_next():
    talk = Talk()
    channel = talk.add_broken_room()

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
    channel = talk.add_broken_room()

    async def script():
        await talk.authenticate()
        channel.tick(talk.px)
        await talk.pass_ms(1000)
        equal(len(talk.socket.of("device_error")), 1)
        channel.restart()
        await talk.pass_ms(1000)
        equal((channel.status, len(talk.socket.of("device_error"))), ("starting", 1))
        channel.sensor.broken = False
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
    channel = talk.add_broken_room()

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
