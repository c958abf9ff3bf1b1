"""Commands of version 1: declared, run once, told of until the server has it all."""

import asyncio
import json

from agent_world import beside
from clients import Randoms, client
from plexus.agent.agent import Agent
from support import equal, http, raises
from talks import Talk, error_of

TIMEOUT_S = 120
SHORT_NAMES = True

GATEWAY = "wss://gateway.example/ws/device"


def play(script, register=None, **authenticated):
    """Run script(talk) on a connection with version 1 of commands; talk.ran has what has run."""
    talk = Talk(url=GATEWAY)
    talk.ran = []
    command = talk.agent.command

    @command("off", params={"outlet": {"type": "integer", "min": 1, "max": 8}})
    def off(out, outlet=1):
        talk.ran.append(outlet)
        return {"outlet": outlet}

    @command("broken")
    def broken(out):
        talk.ran.append("broken")
        raise RuntimeError("relay stuck")

    @command("slow", concurrency="reject")
    async def slow(out, **_):
        talk.ran.append("slow")
        await talk.time.sleep(100)
        return 5

    @command("say", params={"text": {"type": "string"}, "times": {"type": "integer"}})
    def say(out, text, times=1):
        for _ in range(times):
            out(text)

    @command("large", params={"n": {"type": "integer"}})
    def large(out, n):
        return {"rows": "x" * n}

    if register:
        register(talk)

    async def main():
        await talk.authenticate(protocol=1, **authenticated)
        await script(talk)

    talk.play(main)
    return talk


async def run(talk, run_id, command, params=None, ttl_ms=30000, acknowledge=True, **more):
    """What the device says of a run within half a second, without its type and id."""
    count = len(talk.socket.sent)
    message = {"type": "command_run", "run_id": run_id, "command": command, "attempt": 1}
    message["params"] = params or {}
    message["ttl_ms"] = ttl_ms
    message.update(more)
    talk.socket.say(message)
    await talk.pass_ms(700)
    statuses = [dict(status) for status in talk.socket.sent[count:] if "run_id" in status]
    if acknowledge and statuses:
        await ack(talk, run_id, statuses[-1]["seq"])
    for status in statuses:
        equal((status.pop("type"), status.pop("run_id")), ("command_status", run_id))
    return statuses


async def ack(talk, run_id, seq):
    talk.socket.say({"type": "command_status_ack", "run_id": run_id, "seq": seq})
    await talk.pass_ms(20)


def failed(statuses, code):
    """The message of the only status, which failed for this reason."""
    (status,) = statuses
    equal((status["seq"], status["state"], status["error_code"]), (1, "failed", code))
    return status["error_message"]


async def reconnect(talk, **authenticated):
    """End the connection; the types of what the device says at first on the next one."""
    if talk.socket.close_code is None:
        talk.socket.end(1006)
    before = len(talk.sockets)
    while len(talk.sockets) == before:
        await talk.pass_ms(500)
    await talk.authenticate(protocol=1, **authenticated)
    await talk.pass_ms(1000)
    kinds = [message["type"] for message in talk.socket.sent[1:]]
    return [kind for kind in kinds if kind != "heartbeat"]


def test_declaration_has_what_version_1_has_of_a_command():
    def register(talk):
        talk.agent.command(
            "power_off",
            "Cut power",
            {
                "outlet": {"type": "integer", "min": 1, "max": 8, "required": True},
                "mode": {"type": "choice", "choices": ("fast", "slow"), "default": "fast"},
                "note": {"type": "string", "description": "why"},
                "on": {"type": "boolean", "required": True, "default": True},
                "level": {"type": "number", "min": 0.5},
            },
            title="Power off",
            danger="critical",
            expires_in_s=45,
            concurrency="reject",
            idempotent=True,
        )(len)
        talk.agent.command("not.there")(len)

    async def script(talk):
        hello = talk.socket.sent[0]
        equal(hello["protocol"], 1)
        names = [command["name"] for command in hello["commands"]]
        # MicroPython's dicts have no order.
        equal(sorted(names), ["broken", "large", "off", "power_off", "say", "slow"])
        equal(hello["commands"][names.index("broken")], {"name": "broken", "params": {}})
        equal(
            hello["commands"][names.index("power_off")],
            {
                "name": "power_off",
                "title": "Power off",
                "description": "Cut power",
                "danger": "critical",
                "expires_in_s": 45,
                "concurrency": "reject",
                "idempotent": True,
                "params": {
                    "outlet": {"type": "integer", "minimum": 1, "maximum": 8, "required": True},
                    "mode": {
                        "type": "string",
                        "enum": ["fast", "slow"],
                        "default": "fast",
                        "required": False,
                    },
                    "note": {
                        "type": "string",
                        "maxLength": 256,
                        "description": "why",
                        "required": False,
                    },
                    "on": {"type": "boolean", "default": True, "required": False},
                    "level": {"type": "number", "minimum": 0.5, "required": False},
                },
            },
        )

    play(script, register)


def test_what_cannot_be_declared_is_refused_when_it_is_registered():
    command = Talk().agent.command
    for more in (
        {"title": ""},
        {"title": 5},
        {"danger": "extreme"},
        {"expires_in_s": 4},
        {"expires_in_s": 3601},
        {"expires_in_s": True},
        {"concurrency": "queue"},
        {"idempotent": 1},
    ):
        (name,) = more
        with raises(ValueError, name + ": "):
            command("x", **more)(len)
    with raises(TypeError, "danger_level"):
        command("x", danger_level="normal")(len)


def test_run_is_acknowledged_then_runs_then_succeeds():
    async def script(talk):
        equal(
            await run(talk, "r1", "off", {"outlet": 3}),
            [
                {"seq": 1, "state": "acknowledged"},
                {"seq": 2, "state": "running"},
                {"seq": 3, "state": "succeeded", "result": {"outlet": 3}},
            ],
        )
        equal((talk.ran, talk.agent.errors), ([3], 0))

    play(script)


def test_result_is_an_object():
    def register(talk):
        talk.agent.command("number")(lambda out: 5)
        talk.agent.command("nothing")(lambda out: None)

    async def script(talk):
        equal((await run(talk, "r1", "number"))[-1]["result"], {"value": 5})
        equal((await run(talk, "r2", "nothing"))[-1]["result"], {})

    play(script, register)


def test_nothing_runs_before_its_acknowledgement_has_gone_out():
    async def script(talk):
        talk.socket.stalled = True
        await run(talk, "r1", "off", acknowledge=False)
        equal(talk.ran, [])
        talk.socket.stalled = False
        await talk.pass_ms(700)
        equal(talk.ran, [1])

    play(script)


def test_handler_that_raises_is_a_handler_error():
    async def script(talk):
        statuses = await run(talk, "r1", "broken")
        equal([status["state"] for status in statuses], ["acknowledged", "running", "failed"])
        equal(statuses[2]["error_code"], "handler_error")
        equal(statuses[2]["error_message"], "RuntimeError: relay stuck")

    play(script)


def test_run_is_refused_for_the_reason_that_it_has():
    async def script(talk):
        words = failed(await run(talk, "r1", "reboot"), "unknown_command")
        for name in ("there is: ", "off", "broken", "slow", "say", "large"):
            assert name in words, words
        failed(await run(talk, "r2", None), "unknown_command")
        words = failed(await run(talk, "r3", "off", {"outlet": 9}), "bad_params")
        assert "from 1 up to 8" in words, words
        failed(await run(talk, "r4", "off", {"outlets": 1}), "bad_params")
        for number, ttl_ms in enumerate((0, -1)):
            statuses = await run(talk, "e%d" % number, "off", ttl_ms=ttl_ms)
            failed(statuses, "expired_on_arrival")
        await run(talk, "r5", "slow")
        failed(await run(talk, "r6", "slow"), "busy")
        failed(await run(talk, "r7", "off", params=[1]), "bad_params")
        equal(talk.ran, ["slow"])
        # Beyond four at a time, whatever they are.
        for number in range(3):
            talk.agent.command("endless%d" % number)(lambda out: talk.time.sleep(100))
            await run(talk, "m%d" % number, "endless%d" % number)
        failed(await run(talk, "r8", "off"), "busy")

    play(script)


def test_run_that_cannot_begin_in_time_has_expired():
    async def script(talk):
        talk.socket.stalled = True
        await run(talk, "r1", "off", ttl_ms=1000, acknowledge=False)
        await talk.pass_ms(500)
        talk.socket.stalled = False
        await talk.pass_ms(700)
        states = [status["state"] for status in talk.socket.of("command_status")]
        equal(states, ["acknowledged", "failed"])
        equal(talk.socket.sent[-1]["error_code"], "expired_on_arrival")
        equal((talk.ran, talk.running), ([], []))

    play(script)


def test_time_to_live_is_not_of_the_clock_that_is_set():
    async def script(talk):
        talk.px.clock.observe(1895329907655, talk.time.ticks(), 1, "ntp")
        equal(len(await run(talk, "r1", "off", ttl_ms=1000)), 3)
        equal(len(await run(talk, "r2", "off", ttl_ms=None)), 3)

    play(script)


def test_cancelled_run_fails_as_cancelled():
    async def script(talk):
        await run(talk, "r1", "slow")
        del talk.socket.sent[:]
        await talk.ask_typed("cancel", id="r1")
        await talk.pass_ms(500)
        (status,) = talk.socket.of("command_status")
        equal((status["seq"], status["state"], status["error_code"]), (3, "failed", "cancelled"))
        equal(talk.running, [])

    play(script)


def test_run_that_comes_again_is_told_of_again_and_not_run():
    async def script(talk):
        await run(talk, "r1", "off", {"outlet": 2})
        statuses = await run(talk, "r1", "off", {"outlet": 2}, attempt=2)
        equal(statuses, [{"seq": 4, "state": "succeeded", "result": {"outlet": 2}}])
        await run(talk, "r2", "slow")
        equal(await run(talk, "r2", "slow"), [{"seq": 3, "state": "running"}])
        await run(talk, "r3", "broken")
        (status,) = await run(talk, "r3", "broken")
        equal((status["seq"], status["error_code"]), (4, "handler_error"))
        equal(talk.ran, [2, "slow", "broken"])

    play(script)


def test_run_id_is_run_once_whatever_comes_with_it_and_told_of_to_its_end():
    async def script(talk):
        await run(talk, "r1", "slow")
        equal(await run(talk, "r1", "broken"), [{"seq": 3, "state": "running"}])
        await talk.pass_ms(100000)
        equal(talk.socket.of("command_status")[-1]["state"], "succeeded")
        equal(talk.ran, ["slow"])

    play(script)


def test_run_that_could_not_even_be_refused_is_a_duplicate_when_it_comes_again():
    async def script(talk):
        statuses = talk.agent._dispatcher
        await run(talk, "r0", "off")
        statuses = statuses._statuses

        def fail(*_):
            raise MemoryError("memory allocation failed")

        statuses._tell, tell = fail, statuses._tell
        talk.socket.say({"type": "command_run", "run_id": "r1", "command": "what"})
        await talk.pass_ms(500)
        statuses._tell = tell
        failed(await run(talk, "r1", "what"), "duplicate")

    play(script)


def test_last_32_runs_are_remembered_and_one_that_goes_on_is_never_forgotten():
    async def script(talk):
        await run(talk, "slow", "slow")
        for number in range(40):
            await run(talk, "r%d" % number, "off", {"outlet": 1})
        del talk.ran[:]
        for number in range(39, 8, -1):
            await run(talk, "r%d" % number, "off")
        await run(talk, "slow", "slow")
        equal(talk.ran, [])
        await run(talk, "r8", "off")
        equal(talk.ran, [1])

    play(script)


def test_what_was_not_acknowledged_is_told_again_after_a_reconnection_behind_a_sync():
    async def script(talk):
        await run(talk, "r1", "off", acknowledge=False)
        await ack(talk, "r1", 2)
        await run(talk, "r2", "slow")
        kinds = await reconnect(talk)
        equal(kinds, ["command_sync", "command_status"])
        equal(
            talk.socket.sent[1]["runs"],
            [
                {"run_id": "r1", "state": "succeeded", "seq": 3},
                {"run_id": "r2", "state": "running", "seq": 2},
            ],
        )
        status = talk.socket.sent[2]
        equal((status["run_id"], status["seq"], status["result"]), ("r1", 3, {"outlet": 1}))
        await ack(talk, "r1", 3)
        equal(await reconnect(talk), ["command_sync"])

    play(script)


def test_end_of_a_run_without_a_connection_is_told_on_the_next():
    def register(talk):
        @talk.agent.command("brief")
        async def brief(out):
            await talk.time.sleep(1.5)
            return 5

    async def script(talk):
        await run(talk, "r1", "brief", acknowledge=False)
        await reconnect(talk)
        statuses = talk.socket.of("command_status")
        equal([status["state"] for status in statuses], ["acknowledged", "running", "succeeded"])
        equal(statuses[-1]["result"], {"value": 5})

    play(script, register)


def test_run_whose_acknowledgement_was_lost_begins_on_the_next_connection_if_it_has_the_time():
    for ttl_ms, ran in ((60000, [1]), (2000, [])):

        async def script(talk, ttl_ms=ttl_ms, ran=ran):
            talk.socket.stalled = True
            await run(talk, "r1", "off", ttl_ms=ttl_ms, acknowledge=False)
            talk.socket.close_code = 1006
            await reconnect(talk)
            equal(talk.ran, ran)

        play(script)


def test_server_without_version_1_is_told_nothing_of_runs():
    async def script(talk):
        await run(talk, "r1", "off", acknowledge=False)
        talk.socket.end(1006)
        await talk.pass_ms(2500)
        await talk.authenticate()
        await talk.pass_ms(1000)
        equal(talk.socket.sent[1:], [])
        (answer,) = await talk.ask("command_run", run_id="r2", command="off")
        equal(answer["type"], "device_error")

    play(script)


def test_output_is_told_as_progress_in_pieces():
    async def script(talk):
        statuses = await run(talk, "r1", "say", {"text": "x" * 100, "times": 15})
        equal([s["state"] for s in statuses[2:-1]], ["progress", "progress"])
        equal("".join(s["message"] for s in statuses[2:-1]), "x" * 1500)
        equal([s["seq"] for s in statuses], [1, 2, 3, 4, 5])
        statuses = await run(talk, "r2", "say", {"text": "x" * 100, "times": 41})
        equal(statuses[-2]["message"], "[4 characters are missing: too many at once]")

    play(script)


def test_result_that_is_too_large_is_left_out_and_the_run_succeeds_all_the_same():
    async def script(talk):
        statuses = await run(talk, "r1", "large", {"n": 5000})
        equal((statuses[-1]["state"], "result" in statuses[-1]), ("succeeded", False))
        assert "B of JSON" in statuses[-1]["message"], statuses

    play(script)


def test_status_is_no_larger_than_the_server_takes():
    async def script(talk):
        for number, length in enumerate((100, 2000)):
            statuses = await run(talk, "r%d" % number, "large", {"n": length})
            equal(("result" in statuses[-1], statuses[-1]["state"]), (length == 100, "succeeded"))
        statuses = await run(talk, "r9", "say", {"text": "\u00e4" * 200, "times": 4})
        equal("message" in statuses[2], False)
        for text in talk.socket.texts[1:]:
            assert len(text.encode()) <= 600, text

    play(script, max_frame_bytes=600)


def test_statuses_that_nobody_acknowledges_are_bounded():
    async def script(talk):
        for number in range(20):
            await run(talk, "r%d" % number, "large", {"n": 2000}, acknowledge=False)
        await reconnect(talk)
        await talk.pass_ms(3000)
        statuses = talk.socket.of("command_status")
        equal(len(statuses), 32)
        equal((statuses[-1]["run_id"], statuses[-1]["seq"]), ("r19", 3))
        assert sum(len(text) for text in talk.socket.texts) < 16384
        assert statuses[-1]["result"]

    play(script)


def test_progress_is_the_first_to_be_forgotten():
    async def script(talk):
        for number in range(9):
            params = {"text": "x" * 256, "times": 9}
            await run(talk, "r%d" % number, "say", params, acknowledge=False)
            await talk.pass_ms(1000)
        await reconnect(talk)
        await talk.pass_ms(3000)
        states = [status["state"] for status in talk.socket.of("command_status")]
        for state, count in (("acknowledged", 9), ("running", 9), ("succeeded", 9)):
            equal(states.count(state), count)

    play(script)


def test_typed_commands_work_beside_runs():
    async def script(talk):
        await run(talk, "r1", "slow")
        answers = await talk.ask_typed("off", outlet=4)
        equal(answers[1]["result"], {"code": 0, "result": {"outlet": 4}})
        assert "runs already" in error_of((await talk.ask_typed("slow"))[1])

    play(script)


def test_what_makes_no_sense_costs_an_answer():
    async def script(talk):
        for message in (
            {"type": "command_run", "command": "off"},
            {"type": "command_run", "run_id": 5, "command": "off"},
            {"type": "command_run", "run_id": "x" * 129, "command": "off"},
            {"type": "command_status_ack", "run_id": "r1", "seq": "1"},
            {"type": "command_status_ack"},
        ):
            (answer,) = await talk.ask(message.pop("type"), **message)
            equal(answer["type"], "device_error")
        talk.socket.say({"type": "command_status_ack", "run_id": {}, "seq": 5})
        talk.socket.say({"type": ["command_run"]})
        await talk.pass_ms(500)
        equal(len(await run(talk, "r1", "off", ttl_ms="soon")), 3)

    play(script)


def test_platform_finds_no_fault_with_runs(platform):
    agent = Agent(client(platform), None, platform.ws, random=Randoms(0))
    ran = []

    @agent.command("off", danger="critical", params={"outlet": {"type": "integer", "min": 1}})
    async def off(out, outlet):
        ran.append(outlet)
        out("outlet %d" % outlet)
        await asyncio.sleep(0.3)
        return {"outlet": outlet}

    url = platform.admin_url + "/admin/devices/dev-1/"

    def ask(**params):
        return http("POST", url + "commands", {"command": "off", "params": params})["id"]

    async def device(done):
        while True:
            (found,) = http("GET", platform.admin_url + "/admin/devices")["devices"]
            if done(found):
                return found
            await asyncio.sleep(0.05)

    async def main():
        while not agent.connected:
            await asyncio.sleep(0.05)
        ident = ask(outlet=3)
        ask(outlet=0)
        await device(lambda found: not found["open_commands"])
        # Twice the same, and a connection that is lost meanwhile.
        again = {"type": "command_run", "run_id": ident, "command": "off", "params": {"outlet": 3}}
        http("POST", url + "say", {"text": json.dumps(again)})
        ask(outlet=4)
        while len(ran) < 2:
            await asyncio.sleep(0.05)
        http("POST", url + "disconnect", {})
        while agent.connects < 2:
            await asyncio.sleep(0.05)
        found = await device(lambda found: not found["open_commands"])
        states = [made["state"] for made in found["command_runs"]]
        equal((states, ran), (["succeeded", "failed", "succeeded"], [3, 4]))
        equal(found["violations"], [])

    asyncio.run(beside((agent,), main()))
