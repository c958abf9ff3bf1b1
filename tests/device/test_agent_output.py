"""A server that knows neither `output` nor sessions' messages: output is in the results."""

from plexus.agent.agent import Agent
from support import equal
from talks import Talk, ack, error_of, result

TIMEOUT_S = 120
SHORT_NAMES = True

GATEWAY = "wss://gateway.example/ws/device"
KNOWN = ("device_auth", "telemetry", "heartbeat", "device_error", "pong", "command_result")


def play(script, url=GATEWAY, **authenticated):
    talk = Talk(url=url)

    @talk.agent.command("echo", params={"text": {"type": "string"}, "times": {"type": "integer"}})
    def echo(out, text="", times=1):
        for _ in range(times):
            out(text)
        return len(text)

    @talk.agent.command("list")
    def list_all(out):
        return list(range(1000, 1300))

    @talk.agent.command("broken")
    def broken(out):
        out("so far")
        raise OSError("no answer")

    @talk.agent.command("slow")
    async def slow(out):
        out("begun")
        while True:
            await talk.time.sleep(1)

    async def main():
        await talk.authenticate(**authenticated)
        await script(talk)

    talk.play(main)
    return talk


def test_output_is_in_the_result():
    async def script(talk):
        answers = await talk.ask_typed("echo", text='a "b"\n')
        value = {"code": 0, "result": 6, "output": 'a "b"\n'}
        equal(answers, [ack("echo"), result("echo", value)])
        answers = await talk.ask_typed("execute", command="echo text=hi times=3")
        value = {"code": 0, "result": 2, "output": "hihihi"}
        equal(answers, [ack("execute"), result("execute", value)])

    play(script)


def test_answer_is_no_larger_than_the_server_takes():
    async def script(talk):
        # What it said goes first, then what it returned: the answer itself is there.
        for length, value in (
            (20, {"code": 0, "result": 20, "output": "x" * 200}),
            (200, {"code": 0, "result": 200}),
        ):
            answers = await talk.ask_typed("echo", text="x" * length, times=10)
            equal(answers[1:], [result("echo", value)])
        answers = await talk.ask_typed("list")
        equal(answers[1:], [result("list", {})])
        for text in talk.socket.texts[1:]:
            assert len(text.encode()) <= 800, text

    play(script, max_frame_bytes=800)


def test_size_of_a_message_that_makes_no_sense_is_no_limit():
    for size in (0, -1, True, "800", None, 70000):

        async def script(talk):
            equal(len((await talk.ask_typed("list"))[1]["result"]["result"]), 300)

        play(script, max_frame_bytes=size)


def test_command_without_output_has_none_in_its_result():
    async def script(talk):
        answers = await talk.ask_typed("echo")
        equal(answers[1:], [result("echo", {"code": 0, "result": 0})])

    play(script)


def test_output_is_beside_the_error():
    async def script(talk):
        answers = await talk.ask_typed("broken")
        equal((error_of(answers[1]), answers[1]["output"]), ("OSError: no answer", "so far"))
        answers = await talk.ask_typed("slow", timeout_seconds=1)
        equal(len(answers), 1)
        await talk.pass_ms(1500)
        answer = talk.socket.sent[-1]
        equal((error_of(answer), answer["output"]), ("stopped after 1 s", "begun"))

    play(script)


def test_output_is_bounded_and_says_what_is_missing():
    async def script(talk):
        answers = await talk.ask_typed("echo", text="x" * 100, times=50)
        text = answers[1]["result"]["output"]
        words = "\n[904 characters are missing: too many at once]\n"
        equal((len(text), text[4096:]), (4096 + len(words), words))

    play(script)


def test_bare_execute_has_its_output_in_a_result_with_its_id():
    async def script(talk):
        answers = await talk.ask("execute", id="e1", command="echo text=hi")
        equal(answers, [result("execute", {"code": 0, "result": 2, "output": "hi"}, "e1")])
        (answer,) = await talk.ask("execute", id="e2", command="what")
        equal((answer["id"], answer["command"]), ("e2", "execute"))
        assert "what" in error_of(answer)

    play(script)


def test_nothing_that_is_unknown_there_is_sent():
    async def script(talk):
        await talk.ask_typed("start_session", session_id="s1")
        await talk.ask_typed("execute", command="slow")
        talk.socket.end(1006)
        await talk.pass_ms(2500)
        await talk.authenticate()
        await talk.ask("ping")
        await talk.ask_typed("cancel")
        talk.px.session("s1").end()
        await talk.ask("start_session", session_id="s2")
        await talk.ask("stop_session", session_id="s2")
        await talk.ask("execute", id="e1", command="broken")
        await talk.pass_ms(500)
        for socket in talk.sockets:
            for message in socket.sent:
                assert message["type"] in KNOWN, message
        equal(talk.px.session_id, None)
        equal(len(talk.socket.of("pong")), 1)

    play(script)


def test_documented_server_that_does_not_know_output_gets_results():
    async def script(talk):
        await talk.ask_typed("echo", text="a")
        equal(len(talk.socket.of("output")), 3)
        del talk.socket.sent[:]
        for detail, tells in (("points[0]: unknown class", True), ("unknown message type", False)):
            talk.socket.say({"type": "error", "code": "INVALID_MESSAGE", "detail": detail})
            await talk.ask_typed("echo", text="b")
            equal(len(talk.socket.of("output")), 3 * tells)
            del talk.socket.sent[:]
        talk.socket.end(1006)
        await talk.pass_ms(2500)
        await talk.authenticate()
        answers = await talk.ask_typed("echo", text="c")
        equal(answers[1]["result"]["output"], "c")

    play(script, "wss://app.example/party/org")


def test_output_reaches_a_person_at_each_server(server, gateway, platform):
    import asyncio

    from agent_world import beside
    from clients import Randoms, client
    from support import http

    for there in (server, gateway, platform):
        agent = Agent(client(there), None, there.ws, random=Randoms(0))

        @agent.command("tell")
        def tell(out):
            out("words for a person")

        async def main(there=there, agent=agent):
            while not agent.connected:
                await asyncio.sleep(0.05)
            url = there.admin_url + "/admin/devices/dev-1/"
            http("POST", url + "commands", {"command": "execute", "params": {"command": "tell"}})
            said = ()
            while not [m for m in said if "words for a person" in str(m)]:
                await asyncio.sleep(0.05)
                messages = http("GET", url + "messages?limit=100")["messages"]
                said = [m["message"] for m in messages if m["from"] == "device"]
            (device,) = http("GET", there.admin_url + "/admin/devices")["devices"]
            equal(device["violations"], [])

        asyncio.run(beside((agent,), main()))
