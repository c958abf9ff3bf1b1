"""Commands of a device's owner: registered, checked, run, limited, cancelled; in both forms."""

from asyncio import CancelledError

from plexus.agent.command_params import split_command, values_of
from plexus.agent.command_schema import check_schema
from support import equal, raises
from talks import MODULES, UUID, Talk, ack, error_of, result


def play(script, register=None):
    """Run script(talk) on a connection that is authenticated; register(talk) comes before."""
    talk = Talk()
    if register:
        register(talk)

    async def main():
        await talk.authenticate()
        await script(talk)
        equal(talk.agent.connected, True)

    talk.play(main)
    return talk


def output(event, **more):
    return dict({"type": "output", "id": "e1", "event": event}, **more)


def echo(talk):
    @talk.agent.command("echo", params={"text": {"type": "string", "required": True}})
    def run(out, text):
        out(text)
        return {"length": len(text)}


def endless(talk):
    talk.ended = []

    @talk.agent.command("endless")
    async def run(out):
        out("begun\n")
        try:
            while True:
                await talk.time.sleep(1)
        finally:
            talk.ended.append(True)


def test_bare_execute_puts_out_start_data_and_exit():
    async def script(talk):
        answers = await talk.ask("execute", id="e1", command='echo text="a b"')
        equal(
            answers,
            [
                output("start", command='echo text="a b"'),
                output("data", data="a b"),
                output("exit", code=0),
            ],
        )

    play(script, echo)


def test_typed_execute_has_the_output_and_a_result():
    async def script(talk):
        answers = await talk.ask_typed("execute", command="echo", params={"text": "hi"})
        for answer in answers[1:4]:
            equal((answer.pop("id"), answer.pop("type")), (UUID, "output"))
        equal(
            answers,
            [
                ack("execute"),
                {"event": "start", "command": "echo"},
                {"event": "data", "data": "hi"},
                {"event": "exit", "code": 0},
                result("execute", {"code": 0, "result": {"length": 2}}),
            ],
        )

    play(script, echo)


def test_typed_command_of_a_registered_name_runs_it():
    async def script(talk):
        answers = await talk.ask_typed("echo", text="hi", source_id="dev-1")
        equal(answers[0], ack("echo"))
        equal(answers[-1], result("echo", {"code": 0, "result": {"length": 2}}))

    play(script, echo)


def test_unknown_command_and_missing_or_wrong_parameters_are_errors():
    async def script(talk):
        for command, words in (
            ("reboot", "command: no 'reboot' here; there is: echo"),
            ("__import__('os')", "command: no"),
            ("echo", "text: missing; give a text"),
            ("echo text=a text=b", "text: it is there twice"),
            ("echo hello", "command: 'hello'; give key=value"),
            ("echo txt=hello", "txt: no such parameter; there is: text"),
            ('echo text="hello', "command: a quote is not closed"),
            (" ", "command: there is none in it"),
        ):
            (answer,) = await talk.ask("execute", id="e1", command=command)
            words_said = answer.pop("error")
            equal(answer, {"type": "output", "id": "e1", "event": "error"})
            assert words_said.startswith(words), words_said
            answers = await talk.ask_typed("execute", command=command)
            equal(answers[0], ack("execute"))
            assert error_of(answers[1]).startswith(words), answers

    play(script, echo)


def test_function_that_raises_is_an_error_with_its_words():
    def register(talk):
        @talk.agent.command("fail")
        def fail(out):
            out("so far\n")
            raise OSError("the valve is stuck " + "!" * 500)

        @talk.agent.command("fail-later")
        async def fail_later(out):
            await talk.time.sleep(0.1)
            raise KeyError("valve")

    async def script(talk):
        answers = await talk.ask("execute", id="e1", command="fail")
        equal([a["event"] for a in answers], ["start", "data", "error"])
        assert answers[2]["error"].startswith("OSError: the valve is stuck !"), answers
        equal(len(answers[2]["error"]), 200)
        answers = await talk.ask_typed("fail-later")
        assert error_of(answers[-1]).startswith("KeyError: "), answers

    play(script, register)


def test_result_that_is_no_json_is_an_error():
    def register(talk):
        for name, value in (("nan", float("nan")), ("object", object()), ("long", "x" * 5000)):
            talk.agent.command(name)(lambda out, value=value: value)

    async def script(talk):
        for name in ("nan", "object", "long"):
            answers = await talk.ask_typed(name)
            assert error_of(answers[-1]).startswith("ValueError: the result's "), answers

    play(script, register)


def test_time_limit_ends_a_command():
    async def script(talk):
        answers = await talk.ask("execute", id="e1", command="endless", timeout_seconds=5)
        equal([a["event"] for a in answers], ["start", "data"])
        await talk.pass_ms(3500)
        equal(talk.ended, [])
        await talk.pass_ms(1500)
        equal(talk.ended, [True])
        equal(talk.socket.sent[-1], output("timeout", error="stopped after 5 s"))
        await talk.ask_typed("execute", command="endless")
        await talk.pass_ms(299000)
        equal(len(talk.ended), 1)
        await talk.pass_ms(2000)
        equal(error_of(talk.socket.sent[-1]), "stopped after 300 s")

    play(script, endless)


def test_time_limit_is_from_a_second_to_an_hour():
    async def script(talk):
        for limit in (0, 3601, -5, 1.5, "5", True):
            (answer,) = await talk.ask("execute", id="e1", command="endless", timeout_seconds=limit)
            assert answer["error"].startswith("timeout_seconds: "), answer
        answers = await talk.ask("execute", id="e1", command="endless", timeout_seconds=3600.0)
        equal(answers[0]["event"], "start")

    play(script, endless)


def test_cancel_ends_the_one_that_is_named_or_all():
    async def script(talk):
        for ident in ("e1", "e2", "e3"):
            await talk.ask("execute", id=ident, command="endless")
        answers = await talk.ask("cancel", id="e1")
        equal(answers, [output("error", error="cancelled")])
        equal(len(talk.ended), 1)
        answers = await talk.ask_typed("cancel")
        equal(answers[:2], [ack("cancel"), result("cancel", {"cancelled": 2})])
        equal(
            [(a["id"], a["error"]) for a in answers[2:]], [("e2", "cancelled"), ("e3", "cancelled")]
        )
        equal(len(talk.ended), 3)
        equal(await talk.ask("cancel"), [])
        (answer,) = await talk.ask("cancel", id="e9")
        equal((answer["type"], answer["source"]), ("device_error", "cancel"))

    play(script, endless)


def test_cancelled_before_it_began_is_told_as_well():
    async def script(talk):
        control = talk.agent._dispatcher
        control.handle({"type": "execute", "id": "e1", "command": "endless"})
        control.handle({"type": "cancel", "id": "e1"})
        await talk.pass_ms(500)
        equal([m["event"] for m in talk.socket.of("output")], ["start", "error"])
        equal((talk.running, talk.ended), ([], []))

    play(script, endless)


def test_command_that_does_not_heed_is_cancelled_again_until_it_ends():
    def register(talk):
        talk.cancelled = []

        @talk.agent.command("deaf")
        async def deaf(out):
            while len(talk.cancelled) < 4:
                try:
                    await talk.time.sleep(3600)
                except CancelledError:
                    talk.cancelled.append(talk.time.now_ms)

    async def script(talk):
        for kind, last in (("cancel", "error"), ("none", "timeout")):
            del talk.cancelled[:]
            await talk.ask("execute", id="e1", command="deaf", timeout_seconds=5)
            if kind == "cancel":
                await talk.ask("cancel")
            else:
                await talk.pass_ms(5000)
            assert 0 < len(talk.cancelled) < 4
            equal(len(talk.running), 1)  # it has its place until it has really ended
            await talk.pass_ms(2000)
            equal((len(talk.cancelled), talk.running), (4, []))
            equal(talk.socket.sent[-1]["event"], last)
            gaps = [b - a for a, b in zip(talk.cancelled, talk.cancelled[1:])]
            assert max(gaps) <= 260, gaps

    play(script, register)


def test_time_limit_holds_while_the_agent_connects():
    async def script(talk):
        await talk.ask("execute", id="e1", command="endless", timeout_seconds=5)

        async def connect(*_, **__):
            await talk.time.sleep(20)
            raise OSError(110)

        talk.agent._connect = connect
        talk.socket.end(1006)
        await talk.pass_ms(5000)
        equal((talk.agent.connected, talk.ended), (False, [True]))

    talk = Talk()
    endless(talk)

    async def main():
        await talk.authenticate()
        await script(talk)

    talk.play(main)


def test_commands_end_with_the_agent():
    talk = Talk()
    ended = []

    @talk.agent.command("endless")
    async def run(out):
        try:
            while True:
                await talk.time.sleep(1)
        finally:
            ended.append(True)

    async def script():
        await talk.authenticate()
        await talk.ask("execute", id="e1", command="endless")
        equal(ended, [])

    talk.play(script, after=lambda: equal(ended, [True]))


def test_too_little_memory_to_run_a_command_is_an_error():
    class Low:
        CancelledError = CancelledError

        def create_task(self, work):
            work.close()
            raise MemoryError("memory allocation failed")

    async def script(talk):
        await talk.authenticate()
        await talk.ask("execute", id="e1", command="echo text=a")
        runs = MODULES["command_runs"]
        before, runs.asyncio = runs.asyncio, Low()
        answers = await talk.ask("execute", id="e2", command="echo text=a")
        runs.asyncio = before
        equal([a["event"] for a in answers], ["start", "error"])
        equal((talk.running, talk.agent.connected), ([], True))
        answers = await talk.ask("execute", id="e2", command="echo text=a")
        equal(answers[-1]["event"], "exit")

    play(script, echo)


def test_command_of_which_nothing_got_out_is_told_whole_on_the_next_connection():
    async def script(talk):
        talk.socket.stalled = True
        talk.socket.say({"type": "ping"})
        await talk.pass_ms(200)
        talk.agent._dispatcher.handle(
            {"type": "typed_command", "id": UUID, "command": "echo", "params": {"text": "a"}}
        )
        await talk.pass_ms(1000)
        talk.socket.close_code = 1006
        await talk.pass_ms(3500)
        await talk.authenticate()
        await talk.pass_ms(500)
        equal(
            [m["event"] for m in talk.socket.sent[1:]], ["ack", "start", "data", "exit", "result"]
        )

    play(script, echo)


def test_end_that_did_not_get_out_is_told_on_the_next_connection():
    def register(talk):
        @talk.agent.command("slow")
        async def slow(out):
            await talk.time.sleep(2)
            return 5

    async def script(talk):
        await talk.ask_typed("slow")
        talk.socket.stalled = True
        await talk.pass_ms(4000)  # it ends, and its end waits to be sent
        talk.socket.close_code = 1006
        await talk.pass_ms(3500)
        talk.socket.say("no message")  # before the authentication nothing is told
        await talk.pass_ms(100)
        equal(len(talk.socket.sent), 1)
        await talk.authenticate()
        await talk.pass_ms(500)
        equal([m["event"] for m in talk.socket.of("output")], ["exit"])
        equal(talk.socket.sent[-1], result("slow", {"code": 0, "result": 5}))
        equal(talk.running, [])
        talk.socket.end(1006)
        await talk.pass_ms(6000)
        await talk.authenticate()
        await talk.pass_ms(500)
        equal(talk.socket.of("output", "command_result"), [])

    play(script, register)


def test_fifth_command_and_an_id_twice_are_refused():
    async def script(talk):
        for number in range(4):
            await talk.ask("execute", id="e%d" % number, command="endless")
        (answer,) = await talk.ask("execute", id="e1", command="endless")
        assert answer["error"].startswith("id: 'e1' runs already"), answer
        (answer,) = await talk.ask("execute", id="e9", command="endless")
        assert answer["error"].startswith("command: 4 run already"), answer
        await talk.ask("cancel", id="e0")
        answers = await talk.ask("execute", id="e9", command="endless")
        equal(answers[0]["event"], "start")

    play(script, endless)


def test_output_comes_in_pieces_and_is_bounded():
    def register(talk):
        @talk.agent.command("much")
        def much(out, n=0):
            for _ in range(100):
                out("0123456789" * 10)

    async def script(talk):
        answers = await talk.ask("execute", id="e1", command="much")
        data = [a["data"] for a in answers if a["event"] == "data"]
        equal([len(d) for d in data[:4]], [1024] * 4)
        equal(data[4], "\n[5904 characters are missing: too many at once]\n")
        equal(len(data), 5)
        equal(answers[-1]["event"], "exit")

    play(script, register)


def test_output_is_shown_while_the_command_runs():
    def register(talk):
        @talk.agent.command("count")
        async def count(out):
            for number in range(3):
                out("%d\n" % number)
                await talk.time.sleep(1)

    async def script(talk):
        answers = await talk.ask("execute", id="e1", command="count")
        equal(answers[-1], output("data", data="0\n"))
        await talk.pass_ms(1000)
        equal(talk.socket.sent[-1], output("data", data="1\n"))
        await talk.pass_ms(2000)
        equal(talk.socket.sent[-1], output("exit", code=0))

    play(script, register)


def test_command_goes_on_across_a_reconnect_and_its_end_is_told():
    def register(talk):
        @talk.agent.command("slow")
        async def slow(out):
            await talk.time.sleep(10)
            out("done")

    async def script(talk):
        await talk.ask_typed("slow")
        talk.socket.end(1006)
        await talk.pass_ms(3000)
        await talk.authenticate()
        await talk.pass_ms(10000)
        equal([m["event"] for m in talk.socket.of("output")], ["data", "exit"])
        equal(talk.socket.sent[-1], result("slow", {"code": 0, "result": None}))

    play(script, register)


def test_time_limit_holds_without_a_connection():
    async def script(talk):
        await talk.ask("execute", id="e1", command="endless", timeout_seconds=5)
        talk.fails = [OSError(111)] * 3
        talk.socket.end(1006)
        await talk.pass_ms(7000)
        equal((talk.agent.connected, talk.ended), (False, [True]))
        await talk.pass_ms(24000)  # it is back after 2, 4, 8 and 16 s
        await talk.authenticate()
        await talk.pass_ms(500)
        equal([m["event"] for m in talk.socket.of("output")], ["timeout"])

    play(script, endless)


def test_registration_refuses_what_is_wrong():
    talk = Talk()

    def register(name="go", description="", params=None):
        talk.agent.command(name, description, params)(lambda out: None)

    for name in ("", "Go", "1go", "go!", "g" * 65, None, 5, "ping", "execute"):
        with raises(ValueError, "name: "):
            register(name)
    for description in (None, 5, "x" * 257):
        with raises(ValueError, "description: "):
            register(description=description)
    with raises(ValueError, "function: "):
        talk.agent.command("go")(5)
    register()
    with raises(ValueError, "name: 'go' is taken"):
        register()
    for number in range(31):
        register("go%d" % number)
    with raises(ValueError, "32 commands"):
        register("more")


def test_decorated_function_stays_what_it_was():
    talk = Talk()

    def go(out):
        pass

    assert talk.agent.command("go")(go) is go


def test_schema_refuses_what_is_wrong():
    for params in (
        5,
        {"Rpm": {"type": "number"}},
        {"rpm": 5},
        {"rpm": {}},
        {"rpm": {"type": "float"}},
        {"rpm": {"type": "number", "min": "0"}},
        {"rpm": {"type": "number", "max": True}},
        {"mode": {"type": "choice"}},
        {"mode": {"type": "choice", "choices": []}},
        {"mode": {"type": "choice", "choices": [1]}},
        {"mode": {"type": "choice", "choices": ["a"], "default": "b"}},
        {"rpm": {"type": "number", "max": 10, "default": 11}},
        {"p%d" % number: {"type": "number"} for number in range(17)},
        {"rpm": {"type": "number", "maximum": 10}},
        {"rpm": {"type": "number", 5: 10}},
        {"timeout_seconds": {"type": "number"}},
        {"source_id": {"type": "string"}},
    ):
        with raises(ValueError):
            check_schema(params)
    check_schema({"rpm": {"type": "number", "min": 0, "max": 100, "default": 0}})


def test_text_is_split_at_blanks_outside_of_quotes():
    equal(split_command("go"), ("go", {}))
    equal(split_command("  go  a=1\tb= c='x y' "), ("go", {"a": "1", "b": "", "c": "x y"}))
    equal(
        split_command(r'go a="say \"hi\" \\ \n" b=c:\d'),
        ("go", {"a": 'say "hi" \\ \\n', "b": "c:\\d"}),
    )
    equal(split_command("go a=x=y"), ("go", {"a": "x=y"}))


SCHEMAS = {
    "rpm": {"type": "number", "min": 0, "max": 100, "default": 1},
    "count": {"type": "integer", "min": -5},
    "label": {"type": "string"},
    "on": {"type": "boolean"},
    "mode": {"type": "choice", "choices": ["slow", "fast"]},
    "free": {"type": "number"},
}


def test_values_are_read_and_checked_by_their_schema():
    for name, text, value in (
        ("rpm", "12.5", 12.5),
        ("rpm", "1e2", 100.0),
        ("rpm", "7", 7),
        ("count", "-5", -5),
        ("label", "5", "5"),
        ("on", "Yes", True),
        ("on", "0", False),
        ("mode", "fast", "fast"),
    ):
        got = values_of(SCHEMAS, None, {name: text})[name]
        equal((got, type(got)), (value, type(value)))
    equal(values_of(SCHEMAS, None, {}), {"rpm": 1})
    equal(values_of(SCHEMAS, {"count": 3.0, "on": None}, {}), {"rpm": 1, "count": 3})


def test_values_that_do_not_fit_are_refused_with_what_would():
    for name, value, words in (
        ("rpm", 101, "rpm: 101; give a number from 0 up to 100"),
        ("rpm", -1, "rpm: -1; give"),
        ("rpm", float("nan"), "rpm: nan; give"),
        ("rpm", float("inf"), "rpm: inf; give"),
        ("rpm", "7", "rpm: '7'; give"),
        ("rpm", True, "rpm: True; give"),
        ("count", 1.5, "count: 1.5; give a whole number from -5"),
        ("label", 5, "label: 5; give a text"),
        ("label", "x" * 257, "label: 'xxx"),
        ("on", 1, "on: 1; give true or false"),
        ("mode", "medium", "mode: 'medium'; give one of: slow, fast"),
        ("mode", ["slow"], "mode: list; give one of"),
        ("count", 1e300, "count: a large number; give"),
        ("count", 10**5000, "count: a large number; give"),
        ("speed", 1, "speed: no such parameter; there is: "),
    ):
        with raises(ValueError, words):
            values_of(SCHEMAS, {name: value}, {})
    for name, text in (
        ("rpm", "nan"),
        ("rpm", "fast"),
        ("free", "9" * 33),
        ("count", "1.0"),
        ("on", "maybe"),
    ):
        with raises(ValueError, name + ": "):
            values_of(SCHEMAS, None, {name: text})
