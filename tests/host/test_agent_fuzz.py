"""Whatever a server says, the agent lives, sampling goes on, and its answers are the protocol's."""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent_corpus import messages as corpus
from agent_world import START_MS, World, running
from plexus.agent.kinds import KINDS
from tools.mock_server import messages
from tools.mock_server.contract import Check
from tools.mock_server.profiles import PROFILES

COMMANDS = ("echo", "slow", "loud", "broken", "odd")
SENSORS = ("steady", "kept", "shown")
STREAMS = 8
RUNNING = 4
DUE = 65  # a stream's metrics, and the turn that the others share
WAITING = 64  # answers: those of one message, and what commands have put out meanwhile
LIMIT_S = 3600  # of a command, at most

TEXT = st.text(max_size=12) | st.text(min_size=120, max_size=300) | st.sampled_from(["", "*", "\0"])
HUGE = st.sampled_from([10**400, -(10**30), 2**31, 2**62, -1, 1e308, -1e308, 5e-324, 0.1])
NOT_FINITE = st.sampled_from([float("nan"), float("inf"), float("-inf")])  # json.dumps writes them
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | HUGE
    | NOT_FINITE
    | TEXT
)
ANY = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
IDS = st.sampled_from(["a", "b", "c", "session:a", "*", "i" * 128, "i" * 129, "\ud800", "é\n\0"])
METRICS = st.lists(
    st.sampled_from(["steady", "kept", "shown", "dev-1:shown", "other", ""]), max_size=4
) | st.lists(st.text(max_size=5), max_size=80)
NUMBERS = st.sampled_from([0, 1, 10, 50, 100, 1000, 0.5, 100.0, 86400000, 86400001]) | HUGE
CONFIG = st.dictionaries(
    st.sampled_from(
        ["sample_rate", "interval_ms", "prefix", "gain", "label", "fails", "x", "self"]
    ),
    NUMBERS | TEXT | st.booleans() | ANY,
    max_size=4,
)
TEXTS = st.sampled_from(
    ["echo", "slow", "loud", "broken", "odd", "echo n=1 s='a b'", "echo i=9 b=yes c=on", "echo n",
     "echo '", "no", " ", "slow x=1", "echo n=1e999 i=0x1", "__import__('os')", "echo n=nan"]
)  # fmt: skip
GOOD = {
    "id": IDS,
    "stream_id": IDS,
    "source_id": st.sampled_from(["dev-1", "dev-2"]),
    "metrics": METRICS,
    "interval_ms": NUMBERS,
    "store": st.booleans(),
    "session_id": IDS,
    "session_name": TEXT,
    "sensor": st.sampled_from([*SENSORS, "none"]),
    "config": CONFIG,
    "command": TEXTS | st.sampled_from(KINDS),
    "params": st.dictionaries(st.sampled_from(["n", "i", "s", "b", "c", "q"]), ANY, max_size=3),
    "timeout_seconds": NUMBERS,
    "server_time_ms": NUMBERS,
    "message": TEXT,
    "code": TEXT,
}
# Nearly valid: good fields most of the time, in any of them anything.
FIELDS = st.fixed_dictionaries(
    {}, optional={name: good | good | good | ANY for name, good in GOOD.items()}
)
NAMED = st.sampled_from([*KINDS, *KINDS, *COMMANDS, "typed_command", "error", "authenticated", "x"])
BARE = st.builds(lambda kind, fields: {**fields, "type": kind}, NAMED | ANY, FIELDS)
TYPED = st.builds(
    lambda ident, command, params, more: {
        **more, "type": "typed_command", "id": ident, "command": command, "params": params
    },
    IDS | ANY, NAMED | NAMED | ANY, FIELDS | FIELDS | ANY, FIELDS | st.just({}),
)  # fmt: skip


def damaged(text: str, at: int, junk: str) -> str:
    at %= len(text) + 1
    return text[:at] + junk + text[at + len(junk) :]


JUNK = st.sampled_from(
    ["{", "}", "[", "]", '"', ",", ":", "\\", "\\ud800", "\0", "9" * 50, "-", "e"]
)
WIRE: st.SearchStrategy[str | bytes] = st.one_of(
    BARE.map(json.dumps),
    TYPED.map(json.dumps),
    (BARE | TYPED).map(lambda message: json.dumps(message, ensure_ascii=False)),
    ANY.map(json.dumps),
    st.builds(damaged, (BARE | TYPED).map(json.dumps), st.integers(0), JUNK),
    st.text(),
    st.binary(max_size=200),
    st.integers(1, 4000).map(lambda depth: "[" * depth),
    st.integers(1, 63).map(lambda depth: '{"type":"ping","x":' + "[" * depth + "]" * depth + "}"),
    st.integers(1, 60).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
)


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    """The agent collects when it forgets a module: not the whole of pytest, then."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Judge:
    """Checks each message as the mock server does, and counts what a typed command is answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.acks: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()

    def __call__(self, message: dict[str, Any]) -> None:
        json.dumps(message, allow_nan=False)
        json.dumps(message, ensure_ascii=False).encode()
        if message["type"] == "device_auth":
            messages.check_introduction(message, PROFILES["documented"])
            return
        now_ms = START_MS + round(self.world.now_ms)
        check = Check(PROFILES["documented"])
        messages.check(message, "dev-1", now_ms, check)
        assert not check.violations, message
        if message["type"] == "command_result":
            ident = message["id"]
            if message["event"] == "ack":
                self.acks[ident] += 1
            else:
                self.ends[ident] += 1
                assert self.ends[ident] <= self.acks[ident], message


def check_bounds(world: World) -> None:
    agent = world.agent
    streams = agent.live.streams
    ours = [stream for stream in streams if stream.session]
    assert len(streams) - len(ours) <= STREAMS
    assert len(ours) <= 1
    assert all(len(stream._due) <= DUE for stream in streams)
    assert len(running(agent)) <= RUNNING
    assert all(len(run.waiting) <= 4096 for run in running(agent))
    assert len(agent._connection._outbox) <= WAITING, len(agent._connection._outbox)
    assert len(agent.live._waiting.ring.data) == 4096
    assert (world.px.session_id is not None) == bool(ours)


async def survive(world: World, wire: list[str | bytes]) -> None:
    """Say all of it; then ask, and see that everything goes on."""
    agent, server = world.agent, world.server
    await world.until(lambda: agent.connected)
    for text in wire:
        before = agent.messages
        server.socket.say(text)
        await world.until(lambda before=before: agent.messages > before)
        check_bounds(world)
    await asyncio.sleep(0.3)
    check_bounds(world)
    assert agent.connected and server.connects == 1, agent.status
    reads = world.steady.reads
    server.socket.say({"type": "cancel"})
    server.socket.say({"type": "stop_stream", "id": "*"})
    pongs = len(server.heard("pong"))
    server.socket.say({"type": "ping"})
    await asyncio.sleep(0.5)
    assert len(server.heard("pong")) == pongs + 1
    if world.channels["steady"].interval_ms == 10 and not world.steady.fails:
        assert world.steady.reads >= reads + 45
    assert not [stream for stream in agent.live.streams if not stream.session]
    assert len(running(agent)) == 0
    judge = server.judge
    assert judge.acks == judge.ends, (judge.acks, judge.ends)


def play(wire: list[str | bytes]) -> World:
    world = World()
    world.server.judge = Judge(world)
    world.run(survive(world, wire))
    return world


@settings(max_examples=150, derandomize=True)
@given(st.lists(WIRE, min_size=1, max_size=12))
@example(list(corpus()))
def test_a_hostile_server_costs_errors_and_nothing_else(wire: list[str | bytes]) -> None:
    play(wire)
