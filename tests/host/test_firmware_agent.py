"""The agent in the firmware: a device on a virtual board that a dashboard sees and commands."""

from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fixtures.firmware import AIR, Devices
from tests.fixtures.proxy import ProxyView
from tests.fixtures.server import ServerView
from tests.host.test_firmware import CONFIRMED, crashes, stored
from tests.virtual_board import VirtualBoard
from tools.mock_server import MockServer

SOURCE = "virtual-1"
KEY = "plx_test_secret"
VIBRATION = {
    "driver": "mpu6050", "bus": "i2c0", "address": 104, "interval_ms": 50, "name": "vibration",
    "prefix": "vibration.", "on_demand": True,
}  # fmt: skip
BME280 = {"driver": "bme280", "bus": "i2c0", "interval_ms": 1000}
IMU = {"driver": "mpu6050", "bus": "i2c0", "interval_ms": 100, "prefix": "imu."}


@pytest.fixture(autouse=True)
def alone(server: ServerView) -> None:
    """The device of the test before is gone, and forgotten."""
    server.mock.wait_until(lambda mock: not any(d["connected"] for d in mock.devices()))
    server.mock.reset()


def url(server: ServerView) -> dict[str, str]:
    return {"url": server.mock.ws_url}


def known(mock: MockServer) -> dict[str, Any] | None:
    return next((d for d in mock.devices() if d["source_id"] == SOURCE), None)


def connected(server: ServerView, timeout_s: float = 30) -> dict[str, Any]:
    """Wait for the device to be there; what the server knows of it."""
    server.mock.wait_until(lambda mock: (known(mock) or {}).get("connected"), timeout_s)
    device = known(server.mock)
    assert device
    return device


def heard(server: ServerView, kind: str, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """Wait for so many messages of this type with these fields from the device."""

    def found(mock: MockServer) -> list[dict[str, Any]]:
        said = [m["message"] for m in mock.messages(SOURCE) if m["from"] == "device"]
        said = [message for message in said if message["type"] == kind]
        return [message for message in said if message.items() >= fields.items()]

    server.mock.wait_until(lambda mock: len(found(mock)) >= count, 30)
    return found(server.mock)


def run(server: ServerView, command: str) -> str:
    """Run a command of the device to its end; what it has said."""
    id = server.mock.command(SOURCE, "execute", {"command": command})
    assert heard(server, "output", id=id, event="exit")[0]["code"] == 0
    return "".join(m.get("data", "") for m in heard(server, "output", id=id))


def typed(board: VirtualBoard, line: str, pattern: str) -> None:
    """Stop the program, type a line at the prompt, and wait for what it gives."""
    board.type("\x03")
    board.wait_repl()
    start = len(board.console())
    board.type(line + "\r\n")
    board.wait_for(pattern, start=start)


def longest_gap_ms(points: list[dict[str, Any]]) -> int:
    times = sorted(point["timestamp"] for point in points)
    return max(later - earlier for earlier, later in pairwise(times))


def test_a_device_connects_and_announces_its_sensors_and_commands(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server), sensors=[BME280, IMU])
    there = connected(server)
    sensors = {sensor["name"]: sensor for sensor in there["sensors"]}
    assert set(sensors["bme280"]["metrics"]) == {"temperature", "humidity", "pressure"}
    assert sensors["mpu6050"]["sample_rate"] == 10
    assert {c["name"] for c in there["commands"]} == {"status", "memory", "identify", "restart"}
    board.wait_for("plexus: agent: connected")
    typed(board, "import firmware.repl; firmware.repl.status()", "agent +connected")
    assert KEY not in board.console()


def test_a_stream_shows_readings_that_are_stored_once(device: Devices, server: ServerView) -> None:
    device(agent=url(server), sensors=[IMU])
    connected(server)
    server.mock.command(SOURCE, "start_stream", {"id": "s1", "metrics": ["imu.acceleration"]})
    frames = heard(server, "telemetry", 5)
    shown = {point["timestamp"] for frame in frames for point in frame["points"]}
    server.mock.wait_until(
        lambda mock: shown <= {p["timestamp_ms"] for p in mock.points("imu.acceleration")}, 20
    )
    assert server.mock.counts()["duplicates"] == 0
    assert not (known(server.mock) or {})["violations"]


def test_a_sensor_that_is_not_kept_is_read_for_a_stream_and_stored_for_a_session_alone(
    device: Devices, server: ServerView
) -> None:
    device(agent=url(server), sensors=[IMU, VIBRATION])
    connected(server)
    stored(server, "imu.acceleration", 10)
    server.mock.command(SOURCE, "start_stream", {"id": "s1", "metrics": ["vibration.acceleration"]})
    heard(server, "telemetry", 5)
    server.mock.command(SOURCE, "start_session", {"session_id": "run-1", "session_name": "Run"})
    heard(server, "session_started", session_id="run-1")
    points = stored(server, "vibration.acceleration", 5)
    assert {point["session_id"] for point in points} == {"run-1"}
    server.mock.command(SOURCE, "stop_session", {"session_id": "run-1"})
    heard(server, "session_stopped", session_id="run-1")
    server.mock.wait_until(
        lambda mock: any(s["status"] == "completed" for s in mock.sessions()), 20
    )


def test_configure_changes_a_sensors_rate(device: Devices, server: ServerView) -> None:
    device(agent=url(server), sensors=[BME280])
    connected(server)
    server.mock.command(SOURCE, "configure", {"sensor": "bme280", "config": {"sample_rate": 20}})
    count = len(server.mock.points("temperature"))
    points = stored(server, "temperature", count + 25)[-20:]
    assert points[-1]["timestamp"] - points[0]["timestamp"] < 19 * 200


def test_status_tells_how_the_device_does_without_the_key(
    device: Devices, server: ServerView
) -> None:
    device(agent=url(server))
    connected(server)
    words = run(server, "status")
    for what in ("network", "home, 192.168.1.50", "server", "agent", "bme280", "memory"):
        assert what in words
    assert KEY not in words


def test_memory_collects_and_tells_what_is_free(device: Devices, wrapped: ServerView) -> None:
    device(agent=url(wrapped), endpoint=wrapped.device["ingest"])
    connected(wrapped)
    id = wrapped.mock.command(SOURCE, "execute", {"command": "memory"})
    (result,) = heard(wrapped, "command_result", id=id, event="result")
    assert result["result"]["code"] == 0
    assert result["result"]["result"]["free"] > 8192
    assert not (known(wrapped.mock) or {})["violations"]


def test_the_platform_runs_the_devices_commands_and_stores_what_is_watched_once(
    device: Devices, platform: ServerView
) -> None:
    mock = platform.mock
    device(agent=url(platform), endpoint=platform.device["ingest"], sensors=[IMU, VIBRATION])
    commands = {command["name"]: command for command in connected(platform)["commands"]}
    assert commands["restart"]["danger"] == "dangerous"
    assert commands["identify"]["params"]["seconds"]["maximum"] == 300
    mock.command(SOURCE, "start_stream", {"interval_ms": 100})
    id = mock.command(SOURCE, "memory")

    def ended(mock: MockServer) -> bool:
        (run,) = (known(mock) or {})["command_runs"]
        return run["state"] == "succeeded"

    mock.wait_until(ended, 20)
    (run,) = (known(mock) or {})["command_runs"]
    assert run["run_id"] == id
    assert run["statuses"][-1]["result"]["free"] > 8192
    for metric, via in (("imu.acceleration", "http"), ("vibration.acceleration", "socket")):
        points = stored(platform, metric, 20)
        assert {point["via"] for point in points} == {via}
    assert mock.counts()["duplicates"] == 0
    assert not (known(mock) or {})["violations"]


def test_restart_sends_the_readings_that_wait_and_connects_anew(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server), sensors=[IMU], flush_interval_ms=86400000)
    connected(server)
    # Ten readings have been shown, and wait.
    server.mock.command(SOURCE, "start_stream", {"metrics": ["imu.acceleration"]})
    server.mock.wait_until(lambda mock: (known(mock) or {})["points"] >= 10, 20)
    assert server.mock.points("imu.acceleration") == []
    id = server.mock.command(SOURCE, "execute", {"command": "restart"})
    board.wait_reset(2)
    assert heard(server, "output", id=id, event="exit")[0]["code"] == 0
    points = server.mock.points("imu.acceleration")
    assert len(points) >= 10
    assert longest_gap_ms(points) < 1000
    server.mock.wait_until(lambda mock: (known(mock) or {})["connects"] == 2, 30)


def test_restart_ends_the_session_that_records(device: Devices, server: ServerView) -> None:
    board = device(agent=url(server), sensors=[IMU])
    connected(server)
    server.mock.command(SOURCE, "start_session", {"session_id": "s1"})
    server.mock.wait_until(lambda mock: mock.sessions(), 20)
    server.mock.command(SOURCE, "execute", {"command": "restart"})
    board.wait_reset(2)
    (session,) = server.mock.sessions()
    assert session["status"] == "completed"


def test_identify_lets_the_led_blink_until_it_is_cancelled(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server), sensors=[])
    connected(server)
    board.wait_for(CONFIRMED)
    id = server.mock.command(SOURCE, "execute", {"command": "identify seconds=60"})
    heard(server, "output", id=id, event="start")

    def blinks() -> int:
        levels = [(at, level) for at, pin, level in board.pin_log if pin == 2][-10:]
        return sum(later - earlier < 0.3 for (earlier, _), (later, _) in pairwise(levels))

    board.wait(lambda: blinks() == 9)
    server.mock.command(SOURCE, "cancel", {"id": id})
    board.wait(lambda: blinks() < 9)


def test_commands_of_the_boards_owner_are_offered(device: Devices, server: ServerView) -> None:
    own = """
def register(agent, device):
    @agent.command("pump", params={"rpm": {"type": "number", "min": 0, "max": 100}})
    def pump(out, rpm):
        out("%s turns at %d" % (device.px.source_id, rpm))
"""
    device(agent=url(server), sensors=[], files={"/commands.py": own.encode()})
    connected(server)
    assert run(server, "pump rpm=7") == "virtual-1 turns at 7"


def test_commands_of_the_owner_that_fail_are_a_crash_which_is_told(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server), files={"/commands.py": b"import pump_commands\n"})
    board.wait_for("ImportError: no module named 'pump_commands'")
    board.wait_for("plexus: restarting in 5 s")


def test_in_safe_mode_there_is_no_agent(device: Devices, server: ServerView) -> None:
    board = device(agent=url(server), files=crashes(3))
    stored(server, "device.crash")
    typed(board, "import sys; print('plexus.agent' in sys.modules)", "False")
    assert not known(server.mock)


def test_without_the_key_nothing_of_the_agent_is_in_memory(
    device: Devices, server: ServerView
) -> None:
    board = device()
    board.wait_for(CONFIRMED)
    names = ["agent", "control", "commands", "live", "websocket", "_frames", "handshake"]
    typed(
        board,
        f"import sys; print('there:', [n for n in {names} if 'plexus.' + n in sys.modules])",
        r"there: \[\]",
    )


def test_a_refused_key_is_shown_and_is_not_on_the_console_while_sampling_goes_on(
    device: Devices, server: ServerView
) -> None:
    key = "another_test_secret"
    board = device(agent=url(server), api_key=key, sensors=[IMU], status_s=1)
    board.wait_for(r"plexus: agent: .*refused")
    board.wait_for(r"plexus: server: .* [1-9]\d+ pending")
    typed(board, "import firmware.repl; firmware.repl.status()", "agent +.*refused")
    assert key not in board.console()


def test_the_agent_waits_for_the_network_and_connects_as_soon_as_it_is_there(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server), sensors=[IMU], world={"networks": {}})
    board.wait_for("plexus: agent: waiting for the network")
    board.wait_for("plexus: network: trouble")
    start = len(board.console())
    board.set(networks=AIR)
    connected(server, timeout_s=70)
    assert "plexus: agent: not connected" not in board.console()[start:]


def test_the_agent_is_back_when_the_network_is(device: Devices, server: ServerView) -> None:
    board = device(agent=url(server), sensors=[IMU])
    start = board.wait_for("plexus: agent: connected").end()
    board.set(networks={})
    board.wait_for("plexus: network: trouble", start=start)
    server.mock.disconnect(SOURCE)  # else the connection lives through it
    board.set(networks=AIR)
    server.mock.wait_until(lambda mock: (known(mock) or {})["connects"] == 2, 70)


def test_a_server_that_is_away_is_told_once_and_returned_to(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server), sensors=[IMU])
    connected(server)
    start = board.wait_for("plexus: agent: connected").end()
    path = urlsplit(server.mock.ws_url).path
    server.mock.script({"status": 503, "path": path, "times": -1})
    server.mock.disconnect(SOURCE)
    server.mock.wait_until(
        lambda mock: sum(r["path"] == path and r["status"] == 503 for r in mock.requests()) >= 2, 30
    )
    assert board.console().count("plexus: agent: ", start) == 1
    server.mock.clear_faults()
    board.wait_for("plexus: agent: connected", start=start)


def test_sampling_goes_on_while_the_connection_stalls(
    device: Devices, server: ServerView, proxy: ProxyView
) -> None:
    target = server.mock.ws_url.rpartition(":")[2].partition("/")
    proxy.proxy.set(mode="stall", after_bytes=3000)
    url = f"ws://{proxy.proxy.authority}/{target[2]}"
    board = device(agent={"url": url}, sensors=[IMU, VIBRATION])
    connected(server)
    server.mock.command(SOURCE, "start_stream", {"id": "s1"})
    server.mock.wait_until(lambda _: proxy.proxy.stats["up_bytes"] >= 3000, 20)
    count = len(server.mock.points("imu.acceleration"))
    points = stored(server, "imu.acceleration", count + 30)
    server.mock.disconnect(SOURCE)  # which does not see the end of a connection that stalls
    assert longest_gap_ms(points) < 1000 + board.starved_ms()


def test_the_heap_stays_in_one_piece_while_the_agent_works(
    device: Devices, server: ServerView
) -> None:
    board = device(agent=url(server))
    for count in range(2):
        connected(server)
        server.mock.command(SOURCE, "start_stream", {"id": f"s{count}"})
        heard(server, "telemetry", 20 * (count + 1))
        server.mock.disconnect(SOURCE)
        server.mock.wait_until(lambda mock, n=count: (known(mock) or {})["connects"] > n + 1, 30)
    typed(board, "import gc; gc.collect(); print('piece:', len(bytearray(16384)))", "piece: 16384")
