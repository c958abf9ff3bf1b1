"""The agent over real sockets: a scripted server, and the mock server in both forms of commands."""

import asyncio
import binascii
import json

from agent_world import beside
from clients import Randoms, client, right_clock
from dashboard import Dashboard
from plexus import Plexus
from plexus.agent.agent import Agent
from plexus.sensors.sampling.sampler import Sampler
from plexus.tls import verifying_context
from support import Admin, equal, http
from talks import ENDPOINT, TIME_MS, Room
from websocket_talks import TEXT, frame, payload_of, sending

TIMEOUT_S = 120
SHORT_NAMES = True


def test_agent_streams_over_a_real_socket(websocket_server):
    def text(message):
        return sending(frame(TEXT, json.dumps(message).encode()))

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
    agent = Agent(px, None, websocket_server.url, stores=False, random=Randoms(0))

    async def main():
        value = 0
        while agent.connects == 0 or agent.connected:
            px.send("n", value)
            value += 1
            await asyncio.sleep(0.02)
        equal("the server has ended the connection" in agent.status, True)

    asyncio.run(beside((agent,), main()))
    http("POST", websocket_server.control_url + "/resume")
    seen = http("GET", websocket_server.control_url + "/seen", timeout_s=30)
    messages = []
    begun = b""
    for came in seen["frames"]:
        if came["first"] & 15 <= TEXT:  # a text, or more of it
            begun += payload_of(came)
            if came["first"] & 128:
                messages.append(json.loads(begun))
                begun = b""
    equal(messages[0]["type"], "device_auth")
    equal([m["event"] for m in messages if m["type"] == "command_result"], ["ack", "result"])
    assert [m for m in messages if m["type"] == "telemetry"], messages


async def evening(server, agent, px, typed):
    """Everything once, against a server: a stream, a session, a rate, a command, a reconnect."""
    dashboard = Dashboard(server)
    while not agent.connected:
        await asyncio.sleep(0.05)
    dashboard.ask("start_stream", id="a", metrics=["temperature"], interval_ms=20)
    await dashboard.wait_for("telemetry")
    dashboard.ask("start_session", session_id="s1", session_name="Motor")
    await dashboard.wait_for("command_result" if typed else "session_started")
    dashboard.ask("configure", sensor="room", config={"sample_rate": 50})
    dashboard.ask("execute", id="e1", command="go n=3", timeout_seconds=10)
    if not typed:
        output = await dashboard.wait_for("output", 3)
        equal([m["event"] for m in output], ["start", "data", "exit"])
        equal(output[1]["data"], "n is 3")
    await asyncio.sleep(0.3)
    px.flush()
    connects = agent.connects
    dashboard.disconnect(1012)
    while agent.connects == connects or not agent.connected:
        await asyncio.sleep(0.05)
    if not typed:
        again = (await dashboard.wait_for("session_started", 2))[-1]
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
    equal(agent.errors, 0)


def play_evening(server, typed, url=None, **options):
    px = client(server if url is None else url, **options)
    sampler = Sampler(px)
    channel = sampler.add(Room(), interval_ms=100, name="room")
    agent = Agent(px, sampler, server.ws, stores=False, random=Randoms(0))

    @agent.command("go", params={"n": {"type": "integer"}})
    async def go(out, n):
        await asyncio.sleep(0.01)
        out("n is %d" % n)
        return 2 * n

    asyncio.run(beside((agent, sampler), evening(server, agent, px, typed)))
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


def test_agent_obeys_wrapped_commands(wrapped):
    play_evening(wrapped, True)


def test_agent_verifies_the_server_with_the_clients_roots(tls_server):
    ca = binascii.unhexlify(tls_server.ca)
    play_evening(tls_server, False, tls_server.good, ca=ca)


def status_after_a_try(agent):
    """What the agent says of itself when it could not connect."""

    async def tried():
        while "next try" not in agent.status:
            await asyncio.sleep(0.05)
        return agent.status

    return asyncio.run(beside((agent,), tried()))


def test_agent_does_not_talk_to_a_server_that_it_cannot_verify(tls_server):
    px = client(ENDPOINT)
    agent = Agent(px, None, tls_server.ws, ssl=verifying_context())
    status = status_after_a_try(agent)
    assert "no trusted authority signed the server's certificate" in status, status


def test_key_that_the_server_refuses_is_shown_as_such(gateway):
    px = Plexus("not_a_key", "dev-1", endpoint=gateway.ingest, clock=right_clock())
    agent = Agent(px, None, gateway.ws, random=Randoms(0))
    status = status_after_a_try(agent)
    assert status.startswith("refused: "), status
    assert status.endswith("next try in 120 s"), status
    assert "not_a_key" not in status, status
