"""What the dashboard asks, field by field in both forms; wrong types in every field; hostility."""

import json

import plexus.delivery.sessions as session
from clients import values
from plexus.agent.message import parse, refused
from plexus.sensors.driver import Driver
from support import Admin, equal, raises
from talks import UUID, Talk, ack, error_of, result

SHORT_NAMES = True

WRONG = (None, True, 7, -1, 1e300, "", "x" * 3000, [], [[[[]]]], {}, {"a": {"b": []}})


class Room:
    def read(self):
        return [("temperature", 21.5)]


class Tuned(Driver):
    """A driver with an option."""

    METRICS = {"light": "lx"}

    def __init__(self):
        self.gain = 1

    def configure(self, gain):
        if gain not in (1, 2, 4):
            raise ValueError("gain: %r; give 1, 2 or 4" % (gain,))
        self.gain = gain

    def measure(self):
        yield "light", 100 * self.gain


def play(script, **options):
    """Run script(talk) on a connection that is authenticated; returns the talk."""
    talk = Talk(**options)
    talk.room = talk.sampler.add(Room(), interval_ms=1000, name="room")
    talk.tuned = talk.sampler.add(Tuned(), interval_ms=1000, name="tuned")

    async def main():
        await talk.authenticate()
        await script(talk)
        equal(talk.agent.connected, True)

    talk.play(main)
    return talk


def complaint(answers):
    """(source, error) of the only answer, a device_error."""
    (answer,) = answers
    equal((answer["type"], answer["source_id"]), ("device_error", "dev-1"))
    equal(answer["severity"], "warning")
    assert isinstance(answer["timestamp"], int)
    return answer["source"], answer["error"]


def shown(talk):
    """(metric, value) of what was streamed since the last time."""
    points = [(p["metric"], p["value"]) for m in talk.socket.of("telemetry") for p in m["points"]]
    del talk.socket.sent[:]
    return points


def test_start_stream_shows_what_it_names_and_stop_stream_ends_that():
    async def script(talk):
        equal(await talk.ask("start_stream", id="st1", metrics=["dev-1:n"], interval_ms=100), [])
        (stream,) = talk.agent.live.streams
        equal((stream.id, stream.interval_ms, stream.store), ("st1", 100, False))
        talk.px.send("n", 1)
        talk.px.send("m", 2)
        await talk.pass_ms(500)
        equal(shown(talk), [("n", 1)])
        equal(await talk.ask("stop_stream", id="st1"), [])
        talk.px.send("n", 3)
        await talk.pass_ms(500)
        equal(shown(talk), [])

    play(script)


def test_typed_stream_is_named_by_its_params_or_by_the_command():
    async def script(talk):
        answers = await talk.ask_typed(
            "start_stream", metrics=["n"], interval_ms=100, source_id="dev-1"
        )
        value = {"id": UUID, "interval_ms": 100, "store": False}
        equal(answers, [ack("start_stream"), result("start_stream", value)])
        for name in ("id", "stream_id"):
            answers = await talk.ask_typed("start_stream", **{name: "by " + name})
            equal(answers[1]["result"]["id"], "by " + name)
        equal([s.id for s in talk.agent.live.streams], [UUID, "by id", "by stream_id"])
        answers = await talk.ask_typed("stop_stream", stream_id=UUID)
        equal(answers, [ack("stop_stream"), result("stop_stream", {"stopped": 1})])
        answers = await talk.ask_typed("stop_stream")
        equal(answers[1]["result"], {"stopped": 2})

    play(script)


def test_star_or_no_id_stops_all_streams():
    async def script(talk):
        for fields in ({"id": "*"}, {}, {"stream_id": "*"}):
            await talk.ask("start_stream", id="a")
            await talk.ask("start_stream", id="b")
            equal(len(talk.agent.live.streams), 2)
            await talk.ask("stop_stream", **fields)
            equal(talk.agent.live.streams, ())

    play(script)


def test_stream_that_stores_keeps_what_is_else_not_kept():
    async def script(talk):
        channel = talk.sampler.add(Room(), name="hall", prefix="hall.", on_demand=True)
        await talk.ask("start_stream", id="a", metrics=["hall.temperature"])
        channel.tick(channel.client)
        await talk.pass_ms(500)
        equal((shown(talk), talk.px.pending), ([("hall.temperature", 21.5)], 0))
        await talk.ask("start_stream", id="a", metrics=["hall.temperature"], store=True)
        await talk.pass_ms(1000)
        channel.tick(channel.client)
        equal(talk.px.pending, 1)

    play(script)


def test_sensor_that_is_not_kept_is_read_only_while_it_is_wanted():
    async def script(talk):
        channel = talk.sampler.add(Tuned(), name="lamp", on_demand=True)
        equal(channel.client, None)
        await talk.ask("start_stream", id="a", metrics=["temperature"])
        equal(channel.client, None)
        await talk.ask("start_stream", id="b", metrics=["light"])
        equal(channel.client, talk.agent.live)
        await talk.ask("stop_stream", id="b")
        equal(channel.client, None)
        await talk.ask("start_session", session_id="s1")
        equal(channel.client, talk.agent.live)
        await talk.ask("stop_session", session_id="s1")
        equal(channel.client, None)
        await talk.ask("start_stream", id="c")
        equal(channel.client, talk.agent.live)
        talk.socket.end(1006)
        await talk.pass_ms(100)
        equal(channel.client, None)
        await talk.pass_ms(2000)
        await talk.authenticate()

    play(script)


def test_ninth_stream_is_refused():
    async def script(talk):
        for number in range(8):
            await talk.ask("start_stream", id="s%d" % number)
        source, error = complaint(await talk.ask("start_stream", id="s8"))
        equal(source, "start_stream")
        assert "8 streams" in error, error
        assert "8 streams" in error_of((await talk.ask_typed("start_stream"))[1])
        equal(len(talk.agent.live.streams), 8)

    play(script)


def test_stream_without_an_id_is_instead_of_the_one_before():
    async def script(talk):
        await talk.ask("start_stream", id="named")
        for number in range(20):  # a page that is loaded again and again
            ident = "%d" % number
            talk.socket.say(
                {
                    "type": "typed_command",
                    "id": ident,
                    "command": "start_stream",
                    "params": {"metrics": ["n%d" % number], "interval_ms": 100},
                }
            )
            await talk.pass_ms(500)
            equal(talk.socket.sent[-1]["result"]["id"], ident)
        equal([s.id for s in talk.agent.live.streams], ["named", "19"])
        equal(await talk.ask("start_stream", metrics=["n"]), [])
        equal([s.id for s in talk.agent.live.streams], ["named", "unnamed"])
        equal(talk.agent.errors, 0)

    play(script)


def test_stream_without_an_id_that_is_wrong_leaves_the_one_before():
    async def script(talk):
        await talk.ask_typed("start_stream", metrics=["n"])
        for wrong in ({"metrics": "n"}, {"metrics": ["%0256d" % n for n in range(17)]}):
            error_of((await talk.ask_typed("start_stream", **wrong))[1])
        equal([(s.id, s.metrics) for s in talk.agent.live.streams], [(UUID, {"n"})])

    play(script)


def test_stop_with_an_unknown_id_stops_nothing_and_tells_the_ids_that_there_are():
    async def script(talk):
        await talk.ask("start_session", session_id="s1")
        await talk.ask_typed("start_stream")
        await talk.ask("start_stream", id="b")
        answers = await talk.ask_typed("stop_stream", stream_id="stream_1795329907655")
        value = {"stopped": 0, "streams": [UUID, "b"]}
        equal(answers[1:], [result("stop_stream", value)])
        equal(await talk.ask("stop_stream", id="stream_1795329907655"), [])
        equal(len(talk.agent.live.streams), 3)
        answers = await talk.ask_typed("stop_stream", stream_id=UUID)
        equal(answers[1:], [result("stop_stream", {"stopped": 1})])

    play(script)


def test_day_of_loading_watching_and_stopping_never_locks_streaming():
    async def script(talk):
        for number in range(100):
            for command, params in (
                ("start_stream", {"metrics": ["n"], "interval_ms": 100}),
                ("start_stream", {"metrics": ["n"], "interval_ms": 100}),  # a second panel
                ("stop_stream", {"stream_id": "stream_%d" % number}),
            ):
                answers = await talk.ask_typed(command, **params)
                equal(answers[1]["event"], "result")
            talk.px.send("n", number)
            await talk.pass_ms(300)
            equal(shown(talk), [("n", number)])
        equal(len(talk.agent.live.streams), 1)
        await talk.ask_typed("stop_stream", stream_id="*")
        equal(talk.agent.live.streams, ())

    play(script)


def test_session_is_confirmed_recorded_and_ended():
    async def script(talk):
        answers = await talk.ask(
            "start_session", source_id="dev-1", session_id="s1", session_name="Motor", metrics=[]
        )
        equal(
            answers,
            [{"type": "session_started", "session_id": "s1", "session_name": "Motor"}],
        )
        equal(talk.px.session_id, "s1")
        talk.px.send("n", 1)
        await talk.pass_ms(500)
        (frame,) = talk.socket.of("telemetry")
        equal(frame["session_id"], "s1")
        equal(frame["points"][0]["tags"], {"session_id": "s1"})
        equal(talk.px.pending, 1)
        answers = await talk.ask("stop_session", session_id="s1")
        equal(answers, [{"type": "session_stopped", "session_id": "s1"}])
        equal((talk.px.session_id, talk.agent.live.streams), (None, ()))

    play(script)


def test_typed_session_has_its_results():
    async def script(talk):
        equal(
            await talk.ask_typed("start_session", session_id="s1"),
            [ack("start_session"), result("start_session", {"session_id": "s1"})],
        )
        equal(
            await talk.ask_typed("stop_session"),
            [ack("stop_session"), result("stop_session", {"session_id": "s1"})],
        )

    play(script)


def test_session_that_is_open_is_confirmed_again_and_another_refused():
    async def script(talk):
        await talk.ask("start_session", session_id="s1")
        (answer,) = await talk.ask("start_session", session_id="s1")
        equal(answer["type"], "session_started")
        source, error = complaint(await talk.ask("start_session", session_id="s2"))
        equal(source, "start_session")
        assert "s1" in error and "stop_session" in error, error
        equal(talk.px.session_id, "s1")
        complaint(await talk.ask("stop_session", session_id="s2"))
        equal(talk.px.session_id, "s1")

    play(script)


def test_session_that_the_program_ends_is_told():
    async def script(talk):
        await talk.ask("start_session", session_id="s1")
        talk.px.session("s1").end()
        await talk.pass_ms(500)
        equal(talk.socket.sent[-1], {"type": "session_stopped", "session_id": "s1"})
        equal(talk.agent.live.streams, ())
        equal(talk.agent.status, "connected, 0 streams")

    play(script)


def test_stop_stream_leaves_a_session_alone():
    async def script(talk):
        await talk.ask("start_session", session_id="s1")
        await talk.ask("stop_stream", id="*")
        complaint(await talk.ask("stop_stream", id="session:s1"))
        complaint(await talk.ask("start_stream", id="session:s1"))
        equal([s.session for s in talk.agent.live.streams], [True])

    play(script)


def test_recorded_session_is_at_the_server_once(server):
    from clients import client, right_clock
    from plexus.agent.agent import Agent

    talk = Talk()
    talk.px = client(server, clock=right_clock(talk.time.ticks))
    talk.agent = Agent(talk.px, None, "ws://h/", connect=talk.connect)

    async def script():
        await talk.authenticate()
        await talk.ask("start_stream", id="a")
        await talk.ask("start_session", session_id="s1", session_name="Motor")
        for value in range(20):
            talk.px.send("n", value)
        await talk.pass_ms(500)
        await talk.ask("stop_session", session_id="s1")

    talk.play(script)
    talk.px.flush()
    admin = Admin(server.admin_url)
    equal(values(admin), list(range(20)))
    (session,) = admin.sessions()
    equal((session["session_id"], session["name"], session["status"]), ("s1", "Motor", "completed"))


def test_configure_changes_rate_prefix_and_options():
    async def script(talk):
        config = {"sample_rate": 50, "prefix": "lab.", "gain": 4}
        equal(await talk.ask("configure", sensor="tuned", config=config), [])
        equal((talk.tuned.interval_ms, talk.tuned.prefix), (20, "lab."))
        equal(talk.tuned.sensor.gain, 4)
        answers = await talk.ask_typed("configure", sensor="tuned", config={"sample_rate": 10})
        equal(answers[0], ack("configure"))
        value = answers[1]["result"]
        equal((value["sample_rate"], value["interval_ms"], value["prefix"]), (10, 100, "lab."))

    play(script)


def test_configure_refuses_with_the_field_and_the_remedy():
    async def script(talk):
        for config, word in (
            ({"sample_rate": 0}, "sample_rate"),
            ({"sample_rate": 5, "gain": 3}, "gain"),
            ({"prefix": 5}, "prefix"),
            (None, "config"),
            ([], "config"),
        ):
            source, error = complaint(await talk.ask("configure", sensor="tuned", config=config))
            equal(source, "tuned")
            assert error.startswith(word), error
            assert word in error_of(
                (await talk.ask_typed("configure", sensor="tuned", config=config))[1]
            )
        equal((talk.tuned.interval_ms, talk.tuned.sensor.gain), (1000, 1))
        source, error = complaint(await talk.ask("configure", sensor="lamp", config={}))
        equal((source, error), ("lamp", "sensor: 'lamp'; give one of: room, tuned"))

    play(script)


def test_ping_is_answered_in_both_forms():
    async def script(talk):
        equal(await talk.ask("ping"), [{"type": "pong"}])
        equal(await talk.ask_typed("ping"), [ack("ping"), result("ping", {})])

    play(script)


def test_what_is_for_another_device_is_ignored():
    async def script(talk):
        equal(await talk.ask("start_stream", id="a", source_id="dev-2"), [])
        equal(await talk.ask_typed("start_stream", source_id="dev-2"), [])
        talk.socket.say({"type": "typed_command", "id": "u", "command": "ping", "source_id": "x"})
        await talk.pass_ms(500)
        equal((len(talk.socket.sent), talk.agent.live.streams, talk.agent.errors), (1, (), 0))

    play(script)


def test_unknown_commands_and_types_are_refused():
    async def script(talk):
        answers = await talk.ask_typed("start_camera", camera_id=0)
        equal(answers[0], ack("start_camera"))
        assert "start_camera" in error_of(answers[1])
        source, error = complaint(await talk.ask("telemetry_ack", seq=3))
        equal(source, "agent")
        assert error.startswith("type: 'telemetry_ack'; give one of: start_stream"), error
        source, error = complaint(await talk.ask(None))
        assert error.startswith("type: no value; give one of"), error
        equal(talk.agent.errors, 3)

    play(script)


def test_what_is_no_message_is_told_with_the_remedy():
    async def script(talk):
        for text, words in (
            ("hello", "message: no JSON object that can be read; send one"),
            (b"{}", "message: binary; send text"),
            ("[" * 65, "message: more than 64 objects and arrays; send less at a time"),
        ):
            del talk.socket.sent[:]
            talk.socket.say(text)
            await talk.pass_ms(500)
            equal(complaint(talk.socket.sent), ("agent", words))
        equal(talk.agent.errors, 3)

    play(script)


def test_typed_command_needs_an_id_a_name_and_params():
    async def script(talk):
        for message in (
            {"command": "ping"},
            {"id": 5, "command": "ping"},
            {"id": "", "command": "ping"},
            {"id": "x" * 129, "command": "ping"},
            {"id": "u"},
            {"id": "u", "command": 5},
        ):
            complaint(await talk.ask("typed_command", **message))
        answers = await talk.ask("typed_command", id="u", command="ping", params=[1])
        equal(answers[0], ack("ping", "u"))
        equal(error_of(answers[1]), "params: no object; give one, such as {}")
        equal(
            await talk.ask("typed_command", id="u", command="ping", params=None),
            [
                ack("ping", "u"),
                result("ping", {}, "u"),
            ],
        )
        equal(talk.agent.errors, 7)

    play(script)


def test_wrong_types_in_every_field_cost_an_answer_and_a_count():
    fields = {
        "start_stream": ("id", "metrics", "interval_ms", "store"),
        "stop_stream": ("id", "stream_id"),
        "start_session": ("session_id", "session_name", "metrics", "interval_ms"),
        "stop_session": ("session_id",),
        "configure": ("sensor", "config"),
        "execute": ("id", "command", "params", "timeout_seconds"),
        "cancel": ("id",),
        "ping": ("source_id",),
        "typed_command": ("id", "command", "params"),
    }
    good = {
        "id": "a",
        "metrics": ["n"],
        "session_id": "s1",
        "sensor": "room",
        "config": {},
        "command": "go",
    }

    async def script(talk):
        @talk.agent.command("go", params={"n": {"type": "integer"}})
        def go(out, n=0):
            pass

        asked = 0
        for kind in fields:
            for field in fields[kind]:
                for value in WRONG:
                    message = dict(good)
                    message["type"] = kind
                    message[field] = value
                    talk.socket.say(message)
                    if kind != "typed_command":
                        typed = {"type": "typed_command", "id": UUID, "command": kind}
                        del message["type"], message["id"]
                        if field != "id":
                            message[field] = value
                        typed["params"] = message
                        talk.socket.say(typed)
                        asked += 1
                    asked += 1
            await talk.pass_ms(3000)
        equal(talk.agent.messages, asked + 1)
        for answer in talk.socket.sent:
            for words in (answer.get("error", "x"), answer.get("source", "x")):
                assert 0 < len(words) <= 256, answer
        assert talk.agent.errors > 100, talk.agent.errors
        await talk.ask("cancel")
        await talk.ask("stop_session")
        await talk.ask("stop_stream")
        equal(await talk.ask("ping"), [{"type": "pong"}])

    play(script)


HOSTILE = (
    "",
    "{",
    "null",
    "5",
    '"x"',
    "[]",
    "[" * 4000,
    '{"a":' * 1000,
    "[" + "[]," * 2000 + "[]]",
    '{"type":"ping","x":' + "[" * 100 + "]" * 100 + "}",
    '{"type":"start_stream","id":"a","metrics":' + "[" * 60 + "]" * 60 + "}",
    '{"type":"configure","sensor":"room","config":' + '{"a":' * 60 + "1" + "}" * 61,
    '{"type":"configure","sensor":"room","config":{"sample_rate":' + "[" * 50 + "]" * 50 + "}}",
    '{"type":"start_stream","id":"a","metrics":['
    + ",".join(['"m%d"' % i for i in range(300)])
    + "]}",
    '{"type":"start_stream","id":"a","interval_ms":' + "9" * 3000 + "}",
    '{"type":"start_stream","id":"a","interval_ms":1e999}',
    '{"type":"start_stream","id":"a","interval_ms":NaN}',
    '{"type":"start_stream","id":"a","interval_ms":-Infinity}',
    '{"type":"start_session","session_id":"\\ud800"}',
    '{"type":"execute","id":"\\udfff","command":"go"}',
    '{"type":"typed_command","id":"\\ud800","command":"ping"}',
    '{"type":"ping","type":[]}',
    "{[1]:2}",
    "{{}:2}",
    "{1:2}",
    '{"type":"configure","sensor":"room","config":{1:2}}',
    '{"type":"typed_command","id":"u","command":"execute","params":{1:2}}',
    '{"type":"__init__"}',
    '{"type":"typed_command","id":"u","command":"handle","params":{}}',
    '{"type":"typed_command","id":"u","command":"_say","params":{}}',
    '{"type":{"a":1}}',
    '{"type":["ping"]}',
    '{"type":"ping","source_id":{"a":[]}}',
    "\x00\x01\x02",
    '{"type":"stop_stream","id":"' + "\\u0000" * 50 + '"}',
)


def test_hostile_messages_cost_a_count_and_never_the_connection():
    async def script(talk):
        await talk.ask("start_stream", id="mine", metrics=["n"])
        for text in HOSTILE + (b"", b"\xff\xfe", b'{"type":"ping"}'):
            talk.socket.say(text)
            await talk.pass_ms(50)
        await talk.pass_ms(1000)
        equal(await talk.ask("ping"), [{"type": "pong"}])
        talk.px.send("n", 1)
        await talk.pass_ms(500)
        assert ("n", 1) in shown(talk)
        assert talk.agent.errors >= len(HOSTILE) - 6, talk.agent.errors

    play(script)


def test_what_is_sent_back_is_whole_utf8():
    async def script(talk):
        for ident in ("κόσμε", '"\\\n', "\U0001f600"):
            talk.socket.say({"type": "typed_command", "id": ident, "command": "ping"})
            await talk.pass_ms(500)
        got = [m["id"] for m in talk.socket.of("command_result") if m["event"] == "result"]
        assert "κόσμε" in got and '"\\\n' in got, got
        for text in talk.socket.texts:
            text.encode()

    play(script)


def test_out_of_memory_in_a_handler_is_an_error_and_no_more():
    async def script(talk):
        def fail(*_):
            raise MemoryError("memory allocation failed")

        talk.agent.live.start = fail
        source, error = complaint(await talk.ask("start_stream", id="a"))
        equal((source, error), ("start_stream", "memory allocation failed"))

    play(script)


def test_parse_refuses_what_would_take_much_memory_before_it_looks():
    equal(parse('{"type":"ping"}'), {"type": "ping"})
    parse('{"a":' + "[" * 63 + "]" * 63 + "}")
    parse('{"a":[' + "1," * 1022 + "1]}")
    parse('{"a":' + "9" * 24 + "}")
    for text, words in (
        ('{"a":' + "[" * 64 + "]" * 64 + "}", "64 objects and arrays"),
        ('{"a":[' + "1," * 1023 + "1]}", "1024 values"),
        ('{"a":[' + "null " * 1100 + "]}", "1024 values"),
        ('{"a":[' + '""' * 1100 + "]}", "1024 values"),
        ('{"a":' + "9" * 25 + "}", "24 digits"),
        ('{"a":0.' + "0" * 8000 + "1}", "24 digits"),
        (b'{"type":"ping"}', "binary"),
        (json.dumps([1]), "no JSON object"),
        ('{"a":"', "no JSON object"),
        ('{"a":"\\', "no JSON object"),
    ):
        with raises(ValueError, words):
            parse(text)


def test_parse_lets_strings_have_any_commas_brackets_and_digits():
    for text in (
        "[" * 100,
        "," * 2000,
        "9" * 2000,
        "{" * 100,
        'a"b' * 100,
        "\\" * 99,
        "\n\t\u00e9",
    ):
        equal(parse(json.dumps({"a": text}))["a"], text)


def test_parse_refuses_escapes_of_half_a_character():
    for escape in ("d800", "D83d", "dBff", "dc00", "DFFF", "12g4", "12", "", "uuuu"):
        with raises(ValueError, "message: an escape of half a character"):
            parse('{"a":"\\u%s"}' % escape)
    for escape, char in (
        ("d7ff", "\ud7ff"),
        ("e000", "\ue000"),
        ("00e9", "\u00e9"),
        ("00E9", "\u00e9"),
    ):
        equal(parse('{"a":"\\u%s"}' % escape)["a"], char)
    equal(parse('{"a":"\\\\ud800"}')["a"], "\\ud800")  # it is a backslash


def test_characters_escaped_as_two_halves_are_whole():
    for text, character in (
        ("\\ud83d\\ude00", "\U0001f600"),
        ("\\uD800\\uDC00", "\U00010000"),
        ("\\udbff\\udfff", "\U0010ffff"),
        ("a\\\\\\ud83d\\ude00\\n\\u00e9", "a\\\U0001f600\n\xe9"),
        ("\\ud83d\\ude00\\ud83d\\ude01", "\U0001f600\U0001f601"),
    ):
        equal(parse('{"%s":["%s"]}' % (text, text)), {character: [character]})
    for text in (
        "\\ud83d",
        "\\ude00",
        "\\ud83dx",
        "\\ud83d\\n",
        "\\ud83d\\ud83d\\ude00",
        "\\ud83d\\u0041",
    ):
        with raises(ValueError, "half a character"):
            parse('{"a":"%s"}' % text)


def test_numbers_and_lists_of_any_length_are_refused_in_few_words():
    for value in (10**5000, -(10**5000), [1] * 5000, {"a": "x" * 5000}, "x" * 5000):
        for words in (str(refused("n", value, "less")),):
            assert words.startswith("n: ") and len(words) < 64, words


class Closing:
    """A sensor whose close() fails."""

    METRICS = {"x": ""}

    def __init__(self, exception, gain=1):
        self._exception = exception

    def read(self):
        return [("x", 1)]

    def close(self):
        raise self._exception


def test_driver_that_fails_in_configure_does_not_end_the_agent():
    async def script(talk):
        for exc in (OSError(5), AttributeError("pin"), KeyError("x")):
            name = type(exc).__name__

            def factory(gain, exc=exc):
                return Closing(exc)

            channel = talk.sampler.add(Closing(exc), name=name, factory=factory)

            def restart(sensor=None, exc=exc):
                raise exc

            channel.restart = restart
            source, error = complaint(await talk.ask("configure", sensor=name, config={"gain": 2}))
            equal(source, name)
            assert error.startswith("config: " + name), error

    play(script)


def test_both_ids_are_ours_if_the_server_has_another():
    talk = Talk()

    async def script():
        await talk.authenticate(source_id="dev-1-2")
        equal(await talk.ask("ping", source_id="dev-1-2"), [{"type": "pong"}])
        equal(await talk.ask("ping", source_id="dev-1"), [{"type": "pong"}])
        equal((await talk.ask_typed("ping", source_id="dev-1-2"))[0], ack("ping"))
        equal(await talk.ask("ping", source_id="dev-2"), [])

    talk.play(script)


def test_session_of_the_program_is_left_alone():
    async def script(talk):
        session = talk.px.session("s1").start()
        for session_id in ("s1", "s2"):
            source, error = complaint(await talk.ask("start_session", session_id=session_id))
            assert "'s1' is open; the device's program has to end it" in error, error
            complaint(await talk.ask("stop_session", session_id=session_id))
        complaint(await talk.ask("stop_session"))
        equal((talk.px.session_id, talk.agent.live.streams), ("s1", ()))
        session.end()
        await talk.ask("start_session", session_id="s2")
        with raises(ValueError, "'s2' is still open"):
            talk.px.session("s3").start()

    play(script)


def test_same_session_again_renews_the_stream_and_keeps_the_name():
    async def script(talk):
        await talk.ask("start_session", session_id="s1", session_name="Motor")
        answers = await talk.ask(
            "start_session", session_id="s1", session_name="Other", metrics=["n"]
        )
        equal(answers, [{"type": "session_started", "session_id": "s1", "session_name": "Motor"}])
        equal([s.metrics for s in talk.agent.live.streams], [{"n"}])
        equal(len(talk.px.session_requests._calls), 1)

    play(script)


def test_session_that_the_program_ended_just_now_gives_way():
    async def script(talk):
        await talk.ask("start_session", session_id="s1")
        talk.px.session("s1").end()
        talk.agent._dispatcher.handle({"type": "start_session", "session_id": "s2"})
        await talk.pass_ms(500)
        equal(
            [(m["type"], m["session_id"]) for m in talk.socket.sent[-2:]],
            [("session_stopped", "s1"), ("session_started", "s2")],
        )
        equal([s.id for s in talk.agent.live.streams], ["session:s2"])

    play(script)


def test_session_begins_however_many_requests_wait():
    async def script(talk):
        for number in range(20):
            answers = await talk.ask("start_session", session_id="s%d" % number)
            equal([answer["type"] for answer in answers], ["session_started"])
            await talk.ask("stop_session")
        equal((talk.px.session_requests.waiting, talk.px.session_requests.dropped), (32, 8))

    play(script)


def test_session_that_cannot_begin_leaves_no_stream():
    async def script(talk):
        def fail(*_):
            raise MemoryError("memory allocation failed")

        before, session.set_session = session.set_session, fail
        try:
            complaint(await talk.ask("start_session", session_id="s1"))
        finally:
            session.set_session = before
        equal((talk.agent.live.streams, talk.agent.status), ((), "connected, 0 streams"))

    play(script)
