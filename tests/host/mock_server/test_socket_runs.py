"""Commands of version 1 at the mock server: their declaration, their runs, what devices say."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fixtures.peers import INTRODUCTION, Peer, peer, settle, violations, watcher
from tests.fixtures.posts import admin
from tools.mock_server import MockServer
from tools.mock_server.profiles import PROFILES

OUTLET = {"type": "integer", "minimum": 1, "maximum": 8, "required": True}
POWER_OFF = {
    "name": "power_off", "title": "Power off", "description": "an outlet", "danger": "critical",
    "idempotent": True, "expires_in_s": 20, "concurrency": "reject", "params": {"outlet": OUTLET},
}  # fmt: skip
RUNNING = [{"state": "acknowledged"}, {"state": "running"}]
DONE = {"state": "succeeded", "result": {"outlet": 3}}
FAILED = {"state": "failed", "error_code": "handler_error", "error_message": "no such outlet"}


@contextmanager
def device(server: MockServer, *commands: dict[str, Any]) -> Iterator[Peer]:
    """A device that speaks version 1."""
    with peer(server.ws_url) as found:
        found.say(INTRODUCTION, protocol=1, commands=list(commands or [POWER_OFF]))
        assert found.hear()["protocol"] == 1
        yield found


def tell(found: Peer, run_id: str, *statuses: dict[str, Any], first: int = 1) -> None:
    """Say the statuses of a run, numbered, and hear that they have arrived."""
    for seq, status in enumerate(statuses, first):
        found.say({"type": "command_status", "run_id": run_id, "seq": seq} | status)
        assert found.hear() == {"type": "command_status_ack", "run_id": run_id, "seq": seq}


def the_run(server: MockServer) -> dict[str, Any]:
    (run,) = server.device("dev-1")["command_runs"]
    return run


def test_a_declared_command_is_run(platform: MockServer) -> None:
    with device(platform) as found:
        run_id = platform.command("dev-1", "power_off", {"outlet": 3})
        assert found.hear() == {
            "type": "command_run", "run_id": run_id, "command": "power_off",
            "params": {"outlet": 3}, "ttl_ms": 20_000, "attempt": 1,
        }  # fmt: skip
        opened = {"id": run_id, "command": "power_off", "state": "sent"}
        assert platform.device("dev-1")["open_commands"] == [opened]
        tell(found, run_id, *RUNNING, {"state": "progress", "progress": 50}, DONE)
        run = the_run(platform)
        assert (run["run_id"], run["state"], run["seq"]) == (run_id, "succeeded", 4)
        assert run["statuses"][-1] == DONE | {"seq": 4}
        assert platform.device("dev-1")["open_commands"] == []
    assert violations(platform) == []


def test_the_page_has_it_run_as_it_has_any_command(platform: MockServer) -> None:
    with device(platform) as found, watcher(platform) as page:
        params = {"command": "power_off", "params": {"outlet": 3}, "timeout_seconds": 300}
        page.say(type="command", source_id="dev-1", command="execute", params=params)
        run_id = page.hear_until("sent")["id"]
        asked = found.hear()
        assert (asked["run_id"], asked["params"]) == (run_id, {"outlet": 3})
        tell(found, run_id, FAILED)
        assert page.hear_until("command_status")["error_code"] == "handler_error"


def test_a_run_may_live_for_another_time(platform: MockServer) -> None:
    with device(platform) as found:
        body = {"command": "power_off", "params": {}, "ttl_ms": 0}
        answer = admin(platform, "POST", "/admin/devices/dev-1/commands", json=body)
        asked = found.hear()
        assert (asked["run_id"], asked["ttl_ms"]) == (answer.json()["id"], 0)
        body["ttl_ms"] = "long"
        answer = admin(platform, "POST", "/admin/devices/dev-1/commands", json=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "ttl_ms must be an integer")


def test_what_was_not_declared_goes_as_before(platform: MockServer) -> None:
    with device(platform) as found:
        platform.command("dev-1", "reboot")
        assert found.hear()["type"] == "typed_command"
    with peer(platform.ws_url) as found:
        found.say(INTRODUCTION, commands=[POWER_OFF])
        found.hear()
        platform.command("dev-1", "power_off")
        assert found.hear()["type"] == "typed_command"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([FAILED], []),
        ([*RUNNING, FAILED], []),
        ([RUNNING[0], DONE], []),
        ([RUNNING[1]], ["command_status running after sent: 'power_off'"]),
        ([DONE], ["command_status succeeded after sent: 'power_off'"]),
        ([{"state": "progress"}], ["command_status progress after sent: 'power_off'"]),
        ([*RUNNING, RUNNING[0]], ["command_status acknowledged after running: 'power_off'"]),
        ([*RUNNING, DONE, FAILED], ["command_status failed after succeeded: 'power_off'"]),
        ([*RUNNING, DONE, DONE], ["command_status succeeded after succeeded: 'power_off'"]),
    ],
)
def test_a_runs_states_come_in_their_order(
    platform: MockServer, statuses: list[dict[str, Any]], expected: list[str]
) -> None:
    with device(platform) as found:
        run_id = platform.command("dev-1", "power_off")
        found.hear()
        tell(found, run_id, *statuses)
    assert violations(platform) == expected


def test_statuses_are_numbered_one_by_one(platform: MockServer) -> None:
    with device(platform) as found:
        run_id = platform.command("dev-1", "power_off")
        found.hear()
        tell(found, run_id, RUNNING[0], first=2)
        tell(found, run_id, RUNNING[0], first=2)
    assert violations(platform) == [
        "command_status 2 after 0: 'power_off'",
        "command_status 2 twice: 'power_off'",
    ]


def test_a_status_of_a_run_that_is_unknown_is_acknowledged_and_a_violation(
    platform: MockServer,
) -> None:
    with device(platform) as found:
        tell(found, "nobody", RUNNING[0])
    assert violations(platform) == ["command_status for 'nobody', which is no run that was sent"]


def test_a_run_that_comes_again_is_told_again(platform: MockServer) -> None:
    with device(platform) as found:
        run_id = platform.command("dev-1", "power_off")
        asked = found.hear()
        tell(found, run_id, *RUNNING, DONE)
        platform.say("dev-1", json.dumps(asked | {"attempt": 2}))
        found.hear()
        tell(found, run_id, DONE, first=4)
        assert (the_run(platform)["deliveries"], the_run(platform)["state"]) == (2, "succeeded")
    assert violations(platform) == []


def test_statuses_without_an_acknowledgement_come_again_after_a_sync(platform: MockServer) -> None:
    platform.script({"socket": "drop", "on": "command_status", "store": True})
    with device(platform) as found:
        run_id = platform.command("dev-1", "power_off")
        found.hear()
        status = {"type": "command_status", "run_id": run_id, "seq": 1} | RUNNING[0]
        found.say(status)
        assert found.hear_end() is None
    assert the_run(platform)["state"] == "acknowledged"
    known = {"run_id": run_id, "state": "running", "seq": 3}
    with device(platform) as found:
        found.say(type="command_sync", runs=[known])
        # The second is progress that was lost with the connection.
        tell(found, run_id, RUNNING[0])
        tell(found, run_id, RUNNING[1], first=3)
        assert violations(platform) == []
        found.say(type="command_sync", runs=[known])
        settle(found)
        assert violations(platform) == ["command_sync twice on a connection"]


def test_statuses_of_an_earlier_connection_come_after_a_sync(platform: MockServer) -> None:
    with device(platform) as found:
        run_id = platform.command("dev-1", "power_off")
        found.hear()
    with device(platform) as found:
        tell(found, run_id, RUNNING[0])
    assert violations(platform) == ["command_status for 'power_off' before command_sync"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"run_id": 5}, "run_id must be a string"),
        ({"seq": 0}, "seq must be an integer from 1"),
        ({"seq": True}, "seq must be an integer from 1"),
        ({"state": "done"}, "state must be one of: acknowledged"),
        ({"state": "succeeded", "result": 5}, "result must be an object"),
        ({"state": "failed"}, "error_code is missing"),
        ({"state": "failed", "error_code": "oops"}, "error_code must be one of: unknown_command"),
        ({"error_code": "busy"}, "error_code does not go with running"),
        ({"message": 5}, "message must be a string"),
        ({"type": "command_sync"}, ""),
        ({"type": "command_sync", "runs": 5}, "runs must be an array of objects"),
        ({"type": "command_sync", "runs": [{"run_id": "a", "state": "sent"}]}, "state must be one"),
    ],
)
def test_a_bad_status_is_refused_by_its_field(
    platform: MockServer, changes: dict[str, Any], words: str
) -> None:
    with device(platform) as found:
        found.say({"type": "command_status", "run_id": "a", "seq": 1, "state": "running"} | changes)
        if words:
            assert found.hear()["detail"].startswith(words)
        settle(found)
        assert bool(violations(platform)) == bool(words)


def test_a_status_that_is_too_large_is_refused() -> None:
    narrow = dataclasses.replace(PROFILES["platform"], max_frame_bytes=200)
    with MockServer(narrow) as server, device(server) as found:
        run_id = server.command("dev-1", "power_off")
        found.hear()
        tell(found, run_id, *RUNNING)
        status = {"type": "command_status", "run_id": run_id, "seq": 3, "state": "succeeded"}
        found.say(status | {"result": {"a": "b" * 200}})
        assert "more than 200" in found.hear()["detail"]
        tell(found, run_id, {"state": "succeeded"}, first=3)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"name": "Power"}, "name must match"),
        ({"name": "a" * 65}, "name must match"),
        ({"name": 5}, "name must match"),
        ({"title": 5}, "title must be a string"),
        ({"danger": "high"}, "danger must be one of: normal, dangerous, critical"),
        ({"concurrency": "queue"}, "concurrency must be one of: accept, reject"),
        ({"idempotent": 1}, "idempotent must be true or false"),
        ({"expires_in_s": 0}, "expires_in_s must be a number up to 3600"),
        ({"params": []}, "params must be an object"),
        ({"params": {f"p{n}": {"type": "string"} for n in range(17)}}, "params has 17 entries"),
        ({"params": {"Outlet": {"type": "string"}}}, "params.Outlet must match"),
        ({"params": {"a": "integer"}}, "params.a must be an object"),
        ({"params": {"a": {"type": "object"}}}, "params.a.type must be one of: string, integer"),
        ({"params": {"a": {"type": "boolean", "minimum": 1}}}, "params.a.minimum does not go"),
        (
            {"params": {"a": {"type": "number", "minimum": "1"}}},
            "params.a.minimum must be a number",
        ),
        (
            {"params": {"a": {"type": "number", "minimum": 2, "maximum": 1}}},
            "params.a.minimum must not be over maximum",
        ),
        ({"params": {"a": {"type": "string", "maxLength": 0}}}, "params.a.maxLength must be an"),
        ({"params": {"a": {"type": "string", "enum": []}}}, "params.a.enum must be an array"),
        ({"params": {"a": {"type": "string", "enum": [1]}}}, "params.a.enum must be an array"),
        ({"params": {"a": {"type": "string", "required": 1}}}, "params.a.required must be true"),
        (
            {"params": {"a": {"type": "string", "required": True, "default": ""}}},
            "params.a.default does not go with required",
        ),
        (
            {"params": {"a": {"type": "integer", "default": "8"}}},
            "params.a.default must be of type integer",
        ),
    ],
)
def test_a_bad_declaration_is_told_and_leaves_the_others(
    platform: MockServer, command: dict[str, Any], words: str
) -> None:
    with device(platform, {"name": "bad"} | command, POWER_OFF) as found:
        answer = found.hear()
        assert (answer["type"], answer["code"]) == ("error", "invalid_command")
        assert answer["detail"].startswith(f"commands[0].{words}")
        settle(found)
        assert violations(platform) == [f"invalid_command: {answer['detail']}"]
        assert platform.device("dev-1")["commands"] == [POWER_OFF]


def test_every_kind_of_parameter_can_be_declared(platform: MockServer) -> None:
    params = {
        "mode": {"type": "string", "maxLength": 9, "enum": ["on", "off"], "default": "on"},
        "count": {"type": "integer", "minimum": 1, "maximum": 8, "unit": "pulses"},
        "level": {"type": "number", "title": "Level", "description": "in full", "default": 0.5},
        "loud": {"type": "boolean", "default": False, "required": False},
    }
    with device(platform, {"name": "sound", "params": params}) as found:
        settle(found)
        assert violations(platform) == []
        assert platform.device("dev-1")["commands"] == [{"name": "sound", "params": params}]


def test_a_reset_forgets_runs_that_are_over(platform: MockServer) -> None:
    with device(platform) as found:
        open_id, run_id = (platform.command("dev-1", "power_off") for _ in range(2))
        for _ in range(2):
            found.hear()
        tell(found, run_id, FAILED)
        platform.reset()
        assert the_run(platform)["run_id"] == open_id
