"""What the plan or the key does not permit: told once, with what still works, and asked seldom."""

import asyncio

from agent_world import beside
from clients import Randoms, client
from plexus.agent.agent import Agent
from plexus.sensors.sampling.sampler import Sampler
from support import Admin, equal
from talks import Room, Talk

TIMEOUT_S = 120
SHORT_NAMES = True

GATEWAY = "wss://gateway.example/ws/device"


def play(script, url=GATEWAY):
    talk = Talk(url=url)
    talk.hall = talk.sampler.add(Room(), name="hall", on_demand=True)
    talk.agent.command("go")(lambda out: None)

    async def main():
        await script(talk)

    talk.play(main)
    return talk


def refuse(talk, code, detail="", **more):
    message = {"type": "error", "code": code, "detail": detail}
    message.update(more)
    talk.socket.say(message)
    return talk.pass_ms(100)


def test_plan_without_a_live_connection_is_told_and_asked_again_seldom():
    async def script(talk):
        for tries in range(1, 4):
            await refuse(talk, "streaming_requires_plan", "upgrade")
            talk.socket.end(1008)
            await talk.pass_ms(100)
            equal(
                talk.agent.status,
                "refused: the plan has no live connection; readings go on over HTTP "
                "(streaming_requires_plan: upgrade); next try in 900 s",
            )
            equal(len(talk.tried_at_ms), tries)
            await talk.pass_ms(900000)

    play(script)


def test_plan_is_a_refusal_also_if_the_connection_is_left_open():
    async def script(talk):
        await refuse(talk, "streaming_requires_plan")
        await talk.pass_ms(11000)
        status = talk.agent.status
        assert status.startswith("refused: the plan has no live connection; "), status
        assert "next try in " in status and int(status.split()[-2]) > 850, status

    play(script)


def test_commands_that_are_not_permitted_are_told_once_and_all_else_goes_on():
    async def script(talk):
        await talk.authenticate(protocol=1)
        await refuse(talk, "commands_not_permitted", "no commands")
        words = (
            "; the key or the plan permits no commands; all else goes on "
            "(commands_not_permitted: no commands)"
        )
        equal(talk.agent.status, "connected, 0 streams" + words)
        await talk.ask_typed("start_stream")
        equal(talk.agent.status, "connected, 1 stream" + words)
        talk.hall.tick(talk.hall.client)
        await talk.pass_ms(500)
        equal(len(talk.socket.of("telemetry")), 1)

    play(script)


def test_commands_that_are_not_permitted_are_declared_again_after_a_quarter_of_an_hour():
    async def script(talk):
        await talk.authenticate(protocol=1)
        await refuse(talk, "commands_not_permitted")
        for minutes, declared in ((1, 0), (13, 0), (2, 1)):
            await talk.pass_ms(60000 * minutes)
            talk.socket.end(1006)
            await talk.pass_ms(5000)
            hello = talk.socket.sent[0]
            equal((hello["protocol"], len(hello["commands"])), (1, declared))
            await talk.authenticate(protocol=1)
            equal(talk.agent.status, "connected, 0 streams")

    play(script)


def test_declaration_that_is_refused_is_told_with_what_is_wrong():
    async def script(talk):
        await talk.authenticate(protocol=1)
        await refuse(talk, "invalid_command", "go: title too long")
        await talk.ask("ping")
        words = (
            "a command was declared wrongly; all else goes on (invalid_command: go: title too long)"
        )
        equal(talk.agent.status, "connected, 0 streams; " + words)

    play(script)


def test_over_a_limit_nothing_is_shown_for_ten_seconds():
    for code, words in (
        ("SOURCE_LIMIT", "live readings are over this device's limit; readings go on over HTTP"),
        (
            "DEVICE_LIMIT",
            "the plan has no room for one more device; remove one, or change the plan",
        ),
    ):

        async def script(talk, code=code, words=words):
            await talk.authenticate(acks=True)
            await talk.ask_typed("start_stream")

            async def show():
                before = len(talk.socket.of("telemetry"))
                talk.hall.tick(talk.hall.client)
                await talk.pass_ms(300)
                return len(talk.socket.of("telemetry")) - before

            equal(await show(), 1)
            await refuse(talk, code, "dropped", seq=1)
            status = "connected, 1 stream; %s (%s: dropped)" % (words, code)
            equal((talk.agent.status, talk.agent.live.dropped), (status, 2))
            await talk.pass_ms(1000)
            equal(await show(), 0)
            await talk.pass_ms(9000)
            equal(len(talk.socket.of("telemetry")), 2)
            equal((await show(), talk.agent.status), (1, status))

        play(script)


def test_other_errors_are_no_refusals():
    async def script(talk):
        await talk.authenticate()
        for code in ("INVALID_JSON", "source_limit", 5, None, ["SOURCE_LIMIT"]):
            await refuse(talk, code, "words")
            assert "; the server says: " in talk.agent.status, talk.agent.status
            assert "over HTTP" not in talk.agent.status, talk.agent.status

    play(script)


def test_refusal_ends_with_its_connection():
    async def script(talk):
        await talk.authenticate()
        await refuse(talk, "DEVICE_LIMIT")
        talk.socket.end(1006)
        await talk.pass_ms(100)
        assert "no room for one more device" in talk.agent.status, talk.agent.status
        await talk.pass_ms(2500)
        await talk.authenticate()
        equal(talk.agent.status, "connected, 0 streams")

    play(script)


def test_platforms_limits_are_told(platform):
    px = client(platform)
    sampler = Sampler(px)
    sampler.add(Room(), interval_ms=100, name="room", on_demand=True)
    agent = Agent(px, sampler, platform.ws, random=Randoms(0))
    agent.command("go")(lambda out: None)
    admin = Admin(platform.admin_url)

    async def until(words):
        while words not in agent.status:
            await asyncio.sleep(0.02)

    async def main():
        admin.limit(commands=False)
        await until("permits no commands; all else goes on")

    asyncio.run(beside((agent,), main()))
    admin.limit(streaming=False)
    agent = Agent(px, sampler, platform.ws, random=Randoms(0))

    async def refused():
        await until("refused: the plan has no live connection; readings go on over HTTP")

    asyncio.run(beside((agent,), refused()))
    px.send("n", 1)
    equal(px.flush(), 1)
