"""The firmware on a virtual board, from its start to its readings in the mock server."""

import json
import time
from itertools import pairwise
from typing import Any

from tests.fixtures.firmware import AIR, PASSWORD, Devices
from tests.fixtures.server import ServerView, TlsView

CONFIRMED = r"plexus: first readings confirmed"
# In place of the lights: fails, or stands still, as /fault says.
FAULTY = """
import asyncio, os

class Lights:
    name = ""
    lamp = True

    def __init__(self, led):
        pass

    def set(self, name):
        self.name = name

    async def run(self):
        await asyncio.sleep(2)
        while True:
            try:
                with open("/fault") as file:
                    fault = file.read()
            except OSError:
                fault = ""
            if "once" in fault:
                os.remove("/fault")
            if "fail" in fault:
                raise RuntimeError("the lamp is broken by plx_test_secret")
            while "stand" in fault:
                pass
            await asyncio.sleep(0.1)
"""


def crashes(count: int) -> dict[str, bytes]:
    """A board that has crashed so many times in a row."""
    state = {"run": "", "early": count, "what": "KeyError: a defect", "trace": "", "told": False}
    return {"/crash.json": json.dumps(state).encode()}


def faulty(fault: str) -> dict[str, bytes]:
    return {"/lib/firmware/lights.py": FAULTY.encode(), "/fault": fault.encode()}


def stored(server: ServerView, metric: str, count: int = 1, timeout_s: float = 30) -> list[dict]:
    """Wait for so many readings of a metric on the server."""
    server.mock.wait_until(lambda mock: len(mock.points(metric)) >= count, timeout_s)
    points = server.mock.points(metric)
    assert len(points) >= count, f"{len(points)} of {metric}"
    return points


def test_a_board_that_is_switched_on_sends_its_sensors_readings(
    device: Devices, server: ServerView
) -> None:
    board = device()
    board.wait_for(CONFIRMED)
    for metric in ("temperature", "imu.acceleration", "tank.temperature", "board.heap_free"):
        stored(server, metric)
    assert stored(server, "device.reset_cause")[0]["value"] == "power-on"
    print(board.console())


def test_it_goes_on_sampling_while_the_server_is_away_and_loses_nothing(
    device: Devices, server: ServerView
) -> None:
    board = device(status_s=1)
    stored(server, "imu.acceleration", 5)
    server.mock.outage()
    time.sleep(2)  # the outage itself: readings are taken in it
    server.mock.restore()
    points = stored(server, "imu.acceleration", 40)
    times = sorted(point["timestamp"] for point in points)
    longest_ms = max(later - earlier for earlier, later in pairwise(times))
    assert longest_ms < 1000 + board.starved_ms()
    board.wait_for(r"server: ok; .* 0 dropped, 0 rejected", timeout_s=70)


def test_it_comes_back_when_the_wifi_does(device: Devices, server: ServerView) -> None:
    board = device()
    stored(server, "temperature", 2)
    board.set(networks={})
    start = board.wait_for(r"plexus: network: trouble").end()
    board.set(networks=AIR)
    board.wait_for(r"plexus: network: home", start=start)
    count = len(server.mock.points("temperature"))
    stored(server, "temperature", count + 2)


def test_a_wrong_password_is_told_without_it(device: Devices, server: ServerView) -> None:
    board = device(world={"networks": {"home": {"password": "another", "rssi": -50}}})
    board.wait_for("plexus: network: trouble")
    assert PASSWORD not in board.console()


def test_a_key_that_the_server_repeats_is_not_on_the_console(
    device: Devices, server: ServerView
) -> None:
    key = "plx_test_secret"
    server.mock.script({"status": 401, "body": {"error": f"bad key {key}"}, "times": -1})
    board = device(status_s=1)
    board.wait_for(r"plexus: server: .*bad key \*\*\*")
    board.type("\x03")
    board.wait_repl()
    start = len(board.console())
    board.type("import firmware.repl; firmware.repl.status()\r\n")
    board.wait_for(r"server +.*bad key \*\*\*", start=start)
    assert key not in board.console()


def test_it_sends_over_verified_tls(device: Devices, tls_server: TlsView) -> None:
    board = device(
        endpoint=tls_server.device["good"],
        ca_file="/ca.der",
        files={"/ca.der": tls_server.mock.ca_der},
    )
    board.wait_for(CONFIRMED)


def test_a_crash_is_told_after_the_restart_once_and_without_secrets(
    device: Devices, server: ServerView
) -> None:
    board = device(files=faulty("fail once"))
    board.wait_for("plexus: restarting in 5 s")
    board.wait_reset(2)
    (point,) = stored(server, "device.crash")
    assert "RuntimeError: the lamp is broken by ***" in point["value"]
    assert "lights.py" in point["value"]
    count = len(stored(server, "device.reset_cause", 2))
    board.wait(lambda: b'"told": true' in board.files()["/crash.json"])
    board.reset()
    stored(server, "device.reset_cause", count + 1)
    assert len(server.mock.points("device.crash")) == 1


def test_a_crash_report_that_a_full_ring_dropped_is_sent_again(
    device: Devices, server: ServerView
) -> None:
    server.mock.outage()
    board = device(files=crashes(1), ring_bytes=512, status_s=1)
    board.wait_for(r"server: .* [1-9]\d* dropped", timeout_s=40)
    server.mock.restore()
    assert len(stored(server, "device.crash")) == 1


def test_three_crashes_in_a_row_lead_to_a_safe_mode_that_reports(
    device: Devices, server: ServerView
) -> None:
    board = device(files=crashes(2) | faulty("fail"))
    board.wait_for("plexus: restarting in 20 s")
    start = board.wait_for("plexus: mode: safe mode", timeout_s=40).end()
    count = len(server.mock.points("temperature"))
    server.mock.wait_until(
        lambda mock: any("safe mode" in p["value"] for p in mock.points("device.crash")), 30
    )
    board.wait(lambda: b'"told": true' in board.files()["/crash.json"])
    assert len(server.mock.points("temperature")) == count, "a sensor was read"
    assert "restarting" not in board.console()[start:]


def test_safe_mode_connects_without_the_file_that_the_crashes_were_about(
    device: Devices, server: ServerView
) -> None:
    board = device(files=crashes(3), ca_file="/gone.der")
    board.wait_for("plexus: /gone.der is missing")
    assert "safe mode" in stored(server, "device.crash")[0]["value"]


def test_a_board_that_cannot_even_start_in_safe_mode_can_be_repaired_at_the_serial_port(
    device: Devices, server: ServerView
) -> None:
    board = device(files=crashes(3), wifi=[])
    board.wait_for("plexus: not even the safe mode starts: ValueError: wifi: no network")
    board.wait_for("PLEXUS:READY")
    assert not board.radio.get("ap_active")
    for key, value in (("wifi_ssid", "home"), ("wifi_password", PASSWORD)):
        board.type(f"PLEXUS:{key}={value}\r\n")
        board.wait_for(f"PLEXUS:OK {key}")
    board.type("PLEXUS:COMMIT\r\n")
    stored(server, "temperature")


def test_one_wrong_sensor_entry_stops_no_other(device: Devices, server: ServerView) -> None:
    device(sensors=[{"driver": "bme281"}, {"driver": "bme280", "bus": "i2c0"}])
    stored(server, "temperature")
    assert "sensors[0].driver: 'bme281'" in stored(server, "device.problem")[0]["value"]


def test_a_heap_that_gets_low_is_told(device: Devices, server: ServerView) -> None:
    hog = FAULTY.replace(
        'raise RuntimeError("the lamp is broken by plx_test_secret")',
        "gc.collect()\n                while gc.mem_free() > 7000: hold.append(bytearray(256))",
    ).replace("import asyncio, os", "import asyncio, gc, os\nhold = []")
    device(files={"/lib/firmware/lights.py": hog.encode(), "/fault": b"fail"}, sensors=[])
    assert stored(server, "device.heap_low")[0]["value"] < 8192


def test_a_program_that_stands_still_is_reset_by_the_watchdog(
    device: Devices, server: ServerView
) -> None:
    board = device(files=faulty("stand once"), watchdog_s=10)
    board.wait_reset(3, timeout_s=40)
    points = server.mock.points
    server.mock.wait_until(lambda _: len(points("device.crash")) == 1, 30)
    assert points("device.crash")[0]["value"].startswith("crash, then watchdog reset")


def test_a_sensor_that_is_unplugged_is_told_and_read_again_when_it_is_back(
    device: Devices, server: ServerView
) -> None:
    chip = {"model": "bme280", "bus": "i2c0", "address": 0x76}
    board = device(world={"simulated": False, "sensors": [chip]}, sensors=[
        {"driver": "bme280", "interval_ms": 200}
    ])  # fmt: skip
    stored(server, "temperature", 3)
    board.set(sensors=[])
    start = board.wait_for(r"plexus: bme280: SensorError: 0x76: no answer").end()
    assert "no answer" in stored(server, "bme280.status")[0]["value"]
    board.set(sensors=[chip])
    board.wait_for(r"plexus: bme280: ok", start=start)
    assert stored(server, "bme280.status", 2)[1]["value"] == "ok"


def test_without_configured_sensors_what_is_plugged_in_is_found_and_read(
    device: Devices, server: ServerView
) -> None:
    device(board="esp32-devkitc-v4", world={"sensors": [
        {"model": "bme280", "bus": "i2c0", "address": 0x77},
        {"model": "bh1750", "bus": "i2c0", "address": 0x23},
    ]})  # fmt: skip
    stored(server, "bme280_77.temperature")
    stored(server, "bh1750.illuminance")
    stored(server, "board.uptime")


def test_status_tells_a_person_how_it_does(device: Devices, server: ServerView) -> None:
    board = device()
    board.wait_for(CONFIRMED)
    board.type("\x03")
    board.wait_repl()
    start = len(board.console())
    board.type("import firmware.repl; firmware.repl.status()\r\n")
    for words in ("network +home, 192.168.1.50", "server +ok; ", "time +known to", "bme280 +ok",
                  r"memory +\d+ B free", "started by +power-on"):  # fmt: skip
        board.wait_for(words, start=start)


def test_a_battery_node_wakes_reads_sends_and_sleeps(device: Devices, server: ServerView) -> None:
    sensors = [{"driver": "bme281"}, {"driver": "bme280", "bus": "i2c0"}]
    board = device(sleep={"interval_s": 60}, sensors=sensors, world={"sleep_scale": 0.02})
    points = stored(server, "temperature", 3, timeout_s=60)
    assert board.resets[-2:] == [4, 4]
    assert "sensors[0].driver: 'bme281'" in stored(server, "device.problem")[0]["value"]
    assert len({point["timestamp"] for point in points}) == 3


# --- a board without a configuration ----------------------------------------------------------


def test_a_board_without_a_configuration_is_set_up_at_the_serial_port(
    device: Devices, server: ServerView, configuration: dict[str, Any]
) -> None:
    board = device(files={"/plexus.json": None})
    board.wait_for("plexus: join the network plexus-")
    lines = {
        "wifi_ssid": "home",
        "wifi_password": PASSWORD,
        "api_key": configuration["api_key"],
        "source_id": "fixture-7",
        "endpoint": configuration["endpoint"],
    }
    for key, value in lines.items():
        board.type(f"PLEXUS:{key}={value}\r\n")
        board.wait_for(f"PLEXUS:OK {key}")
    board.type("PLEXUS:COMMIT\r\n")
    board.wait_for("PLEXUS:SAVED")
    server.mock.wait_until(lambda mock: bool(mock.points("temperature")), 30)
    assert server.mock.points("temperature")[0]["source_id"] == "fixture-7"
    assert PASSWORD not in board.console()


def test_a_button_that_is_held_opens_the_portal_of_a_configured_board(
    device: Devices, server: ServerView
) -> None:
    board = device()
    board.wait_for("plexus: network: joining")
    board.press(0)
    board.wait_reset(2)
    board.release(0)
    board.wait_for("plexus: join the network plexus-")
    board.wait(lambda: board.radio.get("ap_active"))
    board.reset()
    board.wait_for(CONFIRMED)


def test_a_configuration_with_a_mistake_is_mended_at_the_serial_port_and_keeps_the_rest(
    device: Devices, server: ServerView, configuration: dict[str, Any]
) -> None:
    broken = configuration | {"wfi": [], "wifi": [], "sensors": [{"driver": "system"}]}
    board = device(files={"/plexus.json": json.dumps(broken).encode()})
    board.wait_for("plexus: the configuration is refused: wfi: unknown")
    board.wait_for("PLEXUS:READY")
    assert not board.radio.get("ap_active")
    for key, value in (("wifi_ssid", "home"), ("wifi_password", PASSWORD)):
        board.type(f"PLEXUS:{key}={value}\r\n")
        board.wait_for(f"PLEXUS:OK {key}")
    board.type("PLEXUS:COMMIT\r\n")
    stored(server, "heap_free")
    assert server.mock.points("temperature") == []
