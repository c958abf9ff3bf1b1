"""What a device may say over its socket: pure checks of one message at a time."""

import json
from dataclasses import dataclass, replace
from typing import Any

from tools.mock_server import contract, points
from tools.mock_server.command_runs import ERROR_CODES, STATES
from tools.mock_server.contract import Check, ContractError, check_source_id, check_string
from tools.mock_server.declarations import check_declaration
from tools.mock_server.points import Point
from tools.mock_server.profiles import Profile

MAX_MESSAGE_BYTES = 1024 * 1024
# What is kept of how a device introduces itself.
KEPT_TEXT_CHARS = 512
KEPT_ITEMS = 64
_KEPT_PARAMS_CHARS = 4096
OUTPUT_EVENTS = ("start", "data", "exit", "error", "timeout")
RESULT_EVENTS = ("ack", "result", "error")
SEVERITIES = ("info", "warning", "error", "critical")


@dataclass(frozen=True)
class Introduction:
    """What a device says of itself when it authenticates; of what is too much, a part."""

    api_key: str
    source_id: str
    platform: str
    agent_version: str
    sensors: list[dict[str, Any]]
    commands: list[dict[str, Any]]
    # The version of commands that it shares with the server, 0 for none.
    protocol: int
    acks: bool
    hears_goodbye: bool
    # What is wrong with commands that it declared, which are not among the others then.
    bad_commands: list[str]


def parse(text: str, check: Check) -> dict[str, Any]:
    """The JSON object of a message; raises ContractError."""
    # Half of a surrogate pair is no UTF-8, so a text frame cannot hold one.
    document = contract.parse_json(text.encode(), check, "the message")
    if check.violations:
        raise ContractError(check.violations[0])
    return document


def check_introduction(message: dict[str, Any], profile: Profile) -> Introduction:
    """The first message of a connection; raises ContractError that names the bad field."""
    if message.get("type") != "device_auth":
        raise ContractError("the first message must be of type device_auth")
    api_key = _string(message, "api_key")
    source_id = check_source_id(_required(message, "source_id"), "source_id")
    sensors = _objects(message, "sensors")
    for index, sensor in enumerate(sensors):
        check_sensor(sensor, f"sensors[{index}].")
    protocol = profile.protocol if message.get("protocol") == profile.protocol else 0
    commands, bad_commands = [], []
    for index, command in enumerate(_objects(message, "commands")):
        at = f"commands[{index}]."
        try:
            (check_declaration if protocol else _check_command)(command, at)
            commands.append(command)
        except ContractError as error:
            if not protocol:
                raise
            bad_commands.append(error.message)
    return Introduction(
        api_key,
        source_id,
        _text(message, "platform")[:KEPT_TEXT_CHARS],
        _text(message, "agent_version")[:KEPT_TEXT_CHARS],
        [kept_sensor(sensor) for sensor in sensors[:KEPT_ITEMS]],
        [_kept_command(command) for command in commands[:KEPT_ITEMS]],
        protocol,
        profile.acks and message.get("acks") is True,
        message.get("hears_goodbye") is True,
        bad_commands,
    )


def _check_command(command: dict[str, Any], at: str) -> None:
    _string(command, "name", at)
    _text(command, "description", at)
    if not isinstance(command.get("params", {}), dict):
        raise ContractError(f"{at}params must be an object")


def check(
    message: dict[str, Any], source_id: str, received_ms: int, check: Check
) -> list[Point] | None:
    """The points of a message that can be used, or None if a lenient server overlooks it.

    Raises ContractError for what cannot be used. What else is wrong is noted in `check`. Unknown
    fields are no fault.
    """
    kind, known = _string(message, "type"), check.profile.messages
    if kind not in known:
        raise ContractError(f"type {kind!r} is unknown; known: " + ", ".join(known))
    try:
        _check_source(message, source_id, check)
        return _CHECKS[kind](message, check, received_ms, source_id) or []
    except ContractError as error:
        if kind not in _UNREAD:
            raise
        check.tolerate(error.message)
        return None


def _check_source(message: dict[str, Any], source_id: str, check: Check) -> None:
    if "source_id" in message:
        given = check_source_id(message["source_id"], "source_id")
        if given != source_id:
            check.tolerate(f"source_id {given!r} is not the one that authenticated")
    elif message["type"] in _WITH_SOURCE:
        check.tolerate("source_id is missing")
    elif message["type"] == "telemetry" and not check.profile.lenient:
        check.note("source_id is missing")


def _check_telemetry(
    message: dict[str, Any], check: Check, received_ms: int, source_id: str
) -> list[Point]:
    told = {**message, "source_id": source_id}
    batch = points.check_points(told, received_ms, check, in_seconds=False)
    if not batch.points:
        check.note("points is empty")
    session_id = None
    if "session_id" in message:
        session_id = check.unread_string(message["session_id"], "session_id")
    for index, point in enumerate(message["points"]):
        at = f"points[{index}]"
        for words in _time_remarks(point.get("timestamp", _MISSING), f"{at}.timestamp"):
            check.note(words)
        tagged = point.get("tags", {}).get("session_id")
        named = point.get("session_id", session_id)
        if named is not None and tagged != named:
            check.note(f"{at}.tags.session_id must be {named!r} as well")
        if point.get("source_id", source_id) != source_id:
            check.note(f"{at}.source_id is not the one that authenticated, and does not count")
    return [replace(point, source_id=source_id) for point in batch.points]


def _check_status(message: dict[str, Any], check: Check, *_more: object) -> None:
    _string(message, "run_id")
    _count(message, "seq")
    state = _one_of(message, "state", STATES)
    for field in ("message", "error_message"):
        _text(message, field)
    if not isinstance(message.get("result", {}), dict):
        raise ContractError("result must be an object")
    if state == "failed":
        _one_of(message, "error_code", ERROR_CODES)
    elif "error_code" in message:
        raise ContractError(f"error_code does not go with {state}")
    limit, size = check.profile.max_frame_bytes, len(json.dumps(message).encode())
    if limit is not None and size > limit:
        raise ContractError(f"the status takes {size} bytes, more than {limit}")


def _check_sync(message: dict[str, Any], *_more: object) -> None:
    for run in _objects(message, "runs"):
        _string(run, "run_id")
        _one_of(run, "state", STATES)
        _count(run, "seq")


def _check_session_started(message: dict[str, Any], *_more: object) -> None:
    _string(message, "session_id")
    _text(message, "session_name")


def _check_session_stopped(message: dict[str, Any], *_more: object) -> None:
    _string(message, "session_id")


def _check_output(message: dict[str, Any], *_more: object) -> None:
    _string(message, "id")
    event = _one_of(message, "event", OUTPUT_EVENTS)
    if event == "start":
        _string(message, "command")
    elif event == "data":
        _text(message, "data", required=True)
    elif event == "exit":
        if type(_required(message, "code")) is not int:
            raise ContractError("code must be an integer")
    else:
        _text(message, "error", required=event == "error")


def _check_pong(*_more: object) -> None:
    pass


def _check_heartbeat(message: dict[str, Any], check: Check, *_more: object) -> None:
    if check.profile.lenient and "uptime_s" not in message:
        return
    uptime_s = _required(message, "uptime_s")
    if not contract.is_number(uptime_s) or not 0 <= uptime_s < 2**53:
        raise ContractError("uptime_s must be a number from 0")


def _check_device_error(message: dict[str, Any], check: Check, *_more: object) -> None:
    _string(message, "source")
    _text(message, "error", required=True)
    _one_of(message, "severity", SEVERITIES)
    # A device that does not know the time yet leaves it out.
    if "timestamp" in message:
        for words in _time_remarks(message["timestamp"], "timestamp"):
            check.note(words)


def _check_command_result(message: dict[str, Any], *_more: object) -> None:
    _string(message, "id")
    _string(message, "command")
    event = _one_of(message, "event", RESULT_EVENTS)
    if event == "result" and not isinstance(_required(message, "result"), dict):
        raise ContractError("result must be an object")
    if event == "error":
        _text(message, "error", required=True)


_MISSING = object()
_CHECKS: dict[str, Any] = {
    "telemetry": _check_telemetry,
    "session_started": _check_session_started,
    "session_stopped": _check_session_stopped,
    "output": _check_output,
    "pong": _check_pong,
    "heartbeat": _check_heartbeat,
    "device_error": _check_device_error,
    "command_result": _check_command_result,
    "command_status": _check_status,
    "command_sync": _check_sync,
}
_WITH_SOURCE = ("heartbeat", "device_error")
# A lenient server hands these on, or leaves them, without a look.
_UNREAD = ("pong", "heartbeat", "device_error", "command_result")


def check_sensor(sensor: dict[str, Any], at: str) -> None:
    """Raises ContractError unless it is what a device may say of a sensor."""
    _string(sensor, "name", at)
    _text(sensor, "description", at)
    _text(sensor, "prefix", at)
    metrics = sensor.get("metrics", [])
    if not isinstance(metrics, list):
        raise ContractError(f"{at}metrics must be an array")
    for index, metric in enumerate(metrics):
        check_string(metric, f"{at}metrics[{index}]")
    rate = sensor.get("sample_rate", 1)
    if not contract.is_number(rate) or not 0 < rate < 1e9:
        raise ContractError(f"{at}sample_rate must be a number of Hz over 0")
    if not isinstance(sensor.get("available", True), bool):
        raise ContractError(f"{at}available must be true or false")


def kept_sensor(sensor: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a sensor that was found good."""
    kept = {name: sensor[name] for name in ("name", "sample_rate", "available") if name in sensor}
    for name in ("description", "prefix"):
        if name in sensor:
            kept[name] = sensor[name][:KEPT_TEXT_CHARS]
    if "metrics" in sensor:
        kept["metrics"] = sensor["metrics"][:KEPT_ITEMS]
    return kept


def _kept_command(command: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "danger", "idempotent", "expires_in_s", "concurrency")
    kept: dict[str, Any] = {name: command[name] for name in names if name in command}
    for name in ("title", "description"):
        if isinstance(command.get(name), str):
            kept[name] = command[name][:KEPT_TEXT_CHARS]
    if "params" in command:
        params = command["params"]
        kept["params"] = params if len(json.dumps(params)) <= _KEPT_PARAMS_CHARS else {}
    return kept


def _time_remarks(timestamp: object, at: str) -> list[str]:
    """A socket's times are integer milliseconds; what ingest takes besides is a remark."""
    if timestamp is _MISSING:
        return [f"{at} is missing"]
    if type(timestamp) is not int or timestamp < points.MILLISECONDS_FROM:
        return [f"{at} must be an integer of milliseconds since 1970, not {json.dumps(timestamp)}"]
    return []


def _required(message: dict[str, Any], name: str, at: str = "") -> Any:
    if name not in message:
        raise ContractError(f"{at}{name} is missing")
    return message[name]


def _count(message: dict[str, Any], name: str) -> int:
    value = _required(message, name)
    if type(value) is not int or value < 1:
        raise ContractError(f"{name} must be an integer from 1")
    return value


def _string(message: dict[str, Any], name: str, at: str = "") -> str:
    """A name or an id: 1 to 256 characters."""
    return check_string(_required(message, name, at), f"{at}{name}")


def _text(message: dict[str, Any], name: str, at: str = "", required: bool = False) -> str:
    """Words of any length, or none."""
    value = _required(message, name, at) if required else message.get(name, "")
    if not isinstance(value, str):
        raise ContractError(f"{at}{name} must be a string")
    return value


def _one_of(message: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = _required(message, name)
    if value not in known:
        raise ContractError(f"{name} must be one of: " + ", ".join(known))
    return value


def _objects(message: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = message.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ContractError(f"{name} must be an array of objects")
    return items
