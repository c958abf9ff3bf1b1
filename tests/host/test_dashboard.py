"""The page's live side: devices, streams, sessions, commands, with a scripted device behind it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.fixtures.browser import see
from tools.mock_server import MockServer

WAIT_S = 20.0
SENSORS = [
    {"name": "bme280", "description": "BME280 at 0x76", "metrics": ["temperature", "humidity"],
     "sample_rate": 1, "prefix": "", "available": True},
    {"name": "mpu6050", "description": "6-axis IMU", "metrics": ["accel", "gyro"],
     "sample_rate": 50, "prefix": "", "available": False},
]  # fmt: skip
SPIN = {
    "rpm": {"type": "number", "min": 0, "max": 100, "default": 12.5},
    "turns": {"type": "integer", "required": True},
    "label": {"type": "string"},
    "reverse": {"type": "boolean"},
    "mode": {"type": "choice", "choices": ["soft", "hard"], "default": "hard"},
}
COMMANDS = [
    {"name": "reboot", "description": "Start anew"},
    {"name": "spin", "description": "Turn the motor", "params": SPIN},
]


class ScriptedDevice:
    """A device over a real WebSocket that does only what the test says."""

    def __init__(
        self,
        server: MockServer,
        source_id: str = "esp32-001",
        sensors: list[dict[str, Any]] | None = None,
        commands: list[dict[str, Any]] | None = None,
    ) -> None:
        self.source_id = source_id
        self._socket = connect(server.ws_url, proxy=None, legacy=True)
        self.say(
            {"type": "device_auth", "api_key": "plx_test", "source_id": source_id,
             "platform": "micropython 1.28", "agent_version": "0.1.0",
             "sensors": SENSORS if sensors is None else sensors,
             "commands": COMMANDS if commands is None else commands}
        )  # fmt: skip
        self.hear("authenticated")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def say(self, message: dict[str, Any]) -> None:
        self._socket.send(json.dumps(message))

    def hear(self, kind: str) -> dict[str, Any]:
        """The next message of that type."""
        while True:
            message = json.loads(self._socket.recv(timeout=WAIT_S))
            if message["type"] == kind:
                return message

    def obey(self, command: str, result: dict[str, Any] | None = None) -> dict[str, Any]:
        """Hear the next typed command, which is to be this one, and do it; returns its params."""
        asked = self.hear("typed_command")
        assert asked["command"] == command
        self.answer(asked["id"], command, "ack")
        self.answer(asked["id"], command, "result", result=result or {})
        return asked["params"]

    def answer(self, command_id: str, command: str, event: str, **more: Any) -> None:
        message = {"type": "command_result", "id": command_id, "command": command, "event": event}
        self.say(message | more)

    def telemetry(self, *points: tuple[str, Any], at_ms: int | None = None) -> None:
        now = int(time.time() * 1000) if at_ms is None else at_ms
        self.say(
            {"type": "telemetry", "source_id": self.source_id,
             "points": [{"metric": m, "value": v, "timestamp": now} for m, v in points]}
        )  # fmt: skip

    def output(self, command_id: str, event: str, **more: Any) -> None:
        self.say({"type": "output", "id": command_id, "event": event} | more)


@pytest.fixture
def server(wrapped_server: MockServer, page: Page) -> MockServer:
    """A server that speaks in typed commands; nothing is connected, and its page is open."""
    wrapped_server.wait_until(lambda s: not any(device["connected"] for device in s.devices()))
    wrapped_server.reset()
    page.goto(wrapped_server.admin_url)
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#no-device")).to_be_visible()
    return wrapped_server


@pytest.fixture
def device(server: MockServer, page: Page) -> Iterator[ScriptedDevice]:
    """A device that the page shows."""
    with ScriptedDevice(server) as device:
        see(page, "#tabs", "esp32-001")
        yield device


def wait_till_drawn(page: Page) -> None:
    """A line and a strip of states; only then do cards that were just added keep their height."""
    for drawn in ("canvas", ".strip rect"):
        expect(page.locator(f".live-charts {drawn}").first).to_be_attached()


def card(metric: str, source: str = "esp32-001") -> str:
    """An expression: the live chart's card of a metric, by the page's own modules."""
    return (
        "(await import('/static/js/main.js')).devices"
        f".panel({json.dumps(source)}).charts.card({json.dumps(source)}, {json.dumps(metric)})"
    )


def live(page: Page, expression: str) -> Any:
    return page.evaluate(f"(async () => {expression})()")


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "never so"
        time.sleep(0.02)


def start_stream(page: Page, device: ScriptedDevice) -> dict[str, Any]:
    page.click(".panel:not([hidden]) .start-stream button")
    params = device.obey("start_stream")
    # Its row moves what is below.
    expect(page.locator(".panel:not([hidden]) .running li").first).to_be_visible()
    return params


def test_without_a_device_the_page_says_how_to_connect_one(server: MockServer, page: Page) -> None:
    see(page, "#agent-config", server.ws_url)
    see(page, "#agent-program", server.ws_url)


def test_a_device_appears_with_what_it_announced(device: ScriptedDevice, page: Page) -> None:
    see(page, ".head", "connected")
    see(page, ".head", "micropython 1.28 · 0.1.0")
    see(page, ".sensor", "BME280 at 0x76")
    see(page, ".sensor", "temperature, humidity")
    see(page, ".command", "Turn the motor")
    expect(page.locator("#no-device")).to_be_hidden()
    for row, rate, absent in ((0, "1", False), (1, "50", True)):
        sensor = page.locator(".sensor").nth(row)
        expect(sensor.locator(".rate-input")).to_have_value(rate)
        expect(sensor.get_by_text("absent")).to_be_visible(visible=absent)


def test_uptime_and_counters_are_shown(device: ScriptedDevice, page: Page) -> None:
    device.say({"type": "heartbeat", "source_id": "esp32-001", "uptime_s": 3723})
    see(page, ".facts", "1:02:")
    start_stream(page, device)
    device.telemetry(("temperature", 20), ("humidity", 40))
    see(page, ".facts", "frames1")
    see(page, ".facts", "points2")


def test_a_stream_is_started_with_what_was_chosen(device: ScriptedDevice, page: Page) -> None:
    page.click(".start-stream summary")
    page.click(".start-stream input[value=humidity]")
    page.click(".start-stream summary")
    page.select_option(".start-stream select", "200")
    page.click(".start-stream .store")
    params = start_stream(page, device)
    assert params["metrics"] == ["humidity"]
    assert params["interval_ms"] == 200
    assert params["store"] is True
    see(page, ".running li", "humidity · every 200 ms · stored")


def test_all_metrics_are_streamed_if_none_is_chosen(device: ScriptedDevice, page: Page) -> None:
    params = start_stream(page, device)
    assert params["metrics"] == []
    assert params["interval_ms"] == 20
    assert params["store"] is False
    see(page, ".running li", "all metrics · every 20 ms")


def test_escape_closes_the_list_of_metrics(device: ScriptedDevice, page: Page) -> None:
    page.click(".start-stream summary")
    expect(page.locator(".start-stream details")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator(".start-stream details")).not_to_have_attribute("open", "")


def test_one_stream_is_stopped(server: MockServer, device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    start_stream(page, device)
    expect(page.locator(".running li")).to_have_count(2)
    second = server.device("esp32-001")["streams"][1]["id"]
    page.click(".running li:nth-child(2) button")
    assert device.obey("stop_stream")["stream_id"] == second
    expect(page.locator(".running li")).to_have_count(1)


def test_all_streams_are_stopped(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    see(page, "button", "Stop all")
    page.get_by_role("button", name="Stop all", exact=True).click()
    assert device.obey("stop_stream")["stream_id"] == "*"
    expect(page.locator(".running li")).to_have_count(0)


def test_a_stream_that_the_device_refuses_is_told(device: ScriptedDevice, page: Page) -> None:
    page.click(".start-stream button")
    asked = device.hear("typed_command")
    device.answer(asked["id"], "start_stream", "ack")
    device.answer(asked["id"], "start_stream", "error", error="streams: 8 run; stop one")
    see(page, ".note", "start_stream: streams: 8 run; stop one")


def test_telemetry_is_drawn_as_it_comes(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    device.telemetry(("temperature", 21.5), ("accel", {"x": 1, "y": 2, "z": 9.75}), ("on", True))
    expect(page.locator(".live-charts .card canvas")).to_have_count(2)
    see(page, ".live-charts .value", "21.5")
    see(page, ".live-charts .value", "9.75")
    expect(page.locator(".live-charts .strip rect").first).to_be_visible()
    device.telemetry(("temperature", 22.5))
    see(page, ".live-charts .value", "22.5")


def test_what_is_only_live_is_not_among_the_stored_readings(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    start_stream(page, device)
    device.telemetry(("temperature", 21.5))
    see(page, ".live-charts", "temperature")
    expect(page.locator("#charts .card")).to_have_count(0)
    assert server.counts()["points"] == 0


def test_every_reading_of_50_a_second_is_in_the_chart(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    for number in range(150):
        device.telemetry(("temperature", number), ("accel", {"x": number, "y": -number}))
        time.sleep(0.02)
    wait_until(lambda: live(page, f"{card('temperature')}?.received") == 150)
    values = live(page, f"{card('temperature')}.readings.map(reading => reading.value)")
    assert values == list(range(150))
    assert live(page, f"{card('accel')}.readings.length") == 150
    # The page still does what it is asked.
    see(page, ".live-charts .value", "149")
    page.get_by_role("button", name="Stop all", exact=True).click()
    device.obey("stop_stream")


def test_the_rate_of_readings_is_measured(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    shown = "/^\\d+(\\.\\d)?\\/s$/.test(document.querySelector('.live-charts .rate').textContent)"
    for number in range(500):
        device.telemetry(("temperature", number))
        if number % 10 == 9 and page.evaluate(f"!!document.querySelector('.rate') && {shown}"):
            break
        time.sleep(0.02)
    else:
        pytest.fail("no rate was ever shown")


def test_live_charts_keep_only_the_last_minute(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    now = int(time.time() * 1000)
    for second in range(0, 8000, 1000):  # 8,000 readings, one each 20 ms: 160 s
        points = [
            {"metric": "t", "value": n, "timestamp": now - 160_000 + 20 * n}
            for n in range(second, second + 1000)
        ]
        device.say({"type": "telemetry", "source_id": "esp32-001", "points": points})
    wait_until(lambda: live(page, f"{card('t')}?.received") == 8000)
    kept = live(page, f"{card('t')}.readings.length")
    assert 3000 <= kept < 6000
    assert live(page, f"{card('t')}.readings.at(-1).value") == 7999


def test_a_clock_that_is_set_back_begins_the_chart_anew(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    now = int(time.time() * 1000)
    device.telemetry(("t", 1), at_ms=now)
    device.telemetry(("t", 2), at_ms=now - 3_600_000)
    see(page, ".live-charts .value", "2")
    assert live(page, f"{card('t')}.readings.length") == 1


def test_the_window_of_the_live_charts_is_chosen(device: ScriptedDevice, page: Page) -> None:
    start_stream(page, device)
    now = int(time.time() * 1000)
    device.telemetry(("temperature", 1), at_ms=now - 20_000)
    device.telemetry(("temperature", 2), at_ms=now)
    expect(page.locator(".live-charts canvas").first).to_be_visible()
    span = f"(([from, to]) => to - from)(({card('temperature')}).range)"  # of one moment
    assert live(page, span) == pytest.approx(30)
    page.select_option(".live-window", "10")
    wait_until(lambda: live(page, span) == pytest.approx(10))


def test_a_session_is_recorded_and_stopped(device: ScriptedDevice, page: Page) -> None:
    page.fill(".session-name", "Motor test")
    page.click(".start-session button")
    params = device.obey("start_session")
    assert params["session_name"] == "Motor test"
    session = {"session_id": params["session_id"]}
    device.say({"type": "session_started", "session_name": "Motor test"} | session)
    see(page, ".recording", "Motor test")
    see(page, ".recording .time", "0:0")
    page.click(".recording button")
    assert device.obey("stop_session")["session_id"] == params["session_id"]
    device.say({"type": "session_stopped"} | session)
    see(page, ".start-session", "Record")


def test_a_rate_is_configured_and_what_is_in_force_is_shown(
    device: ScriptedDevice, page: Page
) -> None:
    page.fill(".sensor:nth-child(2) .rate-input", "120")
    page.click(".sensor:nth-child(2) button")
    params = device.obey("configure", {"sample_rate": 100, "interval_ms": 10, "prefix": ""})
    assert params["sensor"] == "mpu6050"
    assert params["config"] == {"sample_rate": 120}
    see(page, ".sensor:nth-child(2) .result.good", "sample_rate 100")


def test_prefix_and_driver_options_are_configured(device: ScriptedDevice, page: Page) -> None:
    page.click(".sensor summary")
    page.fill(".sensor [aria-label^=Prefix]", "oven.")
    page.fill(".sensor [aria-label^=Driver]", '{"gain": 2}')
    page.click(".sensor button")
    assert device.obey("configure")["config"] == {"prefix": "oven.", "gain": 2}


def test_options_that_were_taken_are_not_sent_again(device: ScriptedDevice, page: Page) -> None:
    page.click(".sensor summary")
    page.fill(".sensor [aria-label^=Driver]", '{"gain": 2}')
    page.click(".sensor button")
    device.obey("configure", {"gain": 2})
    expect(page.locator(".sensor [aria-label^=Driver]").first).to_have_value("")
    page.fill(".sensor .rate-input", "5")
    page.click(".sensor button")
    assert device.obey("configure")["config"] == {"sample_rate": 5}


def test_the_rate_in_force_is_shown_unless_somebody_changes_it(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    page.click(".sensor .rate-input")
    command_id = server.command(
        "esp32-001", "configure", {"sensor": "bme280", "config": {"sample_rate": 4}}
    )
    device.answer(command_id, "configure", "ack")
    device.answer(
        command_id, "configure", "result", result={"sample_rate": 4, "metrics": ["warmth"]}
    )
    see(page, ".sensor", "warmth")
    page.click(".session-name")
    expect(page.locator(".sensor .rate-input").first).to_have_value("4")


def test_nothing_is_sent_if_nothing_was_changed(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    page.click(".sensor button")
    see(page, ".sensor .result", "nothing was changed")
    sent = [m["message"] for m in server.messages("esp32-001") if m["from"] == "server"]
    assert [message["type"] for message in sent] == ["authenticated"]


@pytest.mark.parametrize(
    ("selector", "text", "words"),
    [(".sensor .rate-input", "0", "over 0"), (".sensor [aria-label^=Driver]", "[1]", "object")],
)
def test_a_bad_configuration_is_refused_before_it_is_sent(
    server: MockServer, device: ScriptedDevice, page: Page,
    selector: str, text: str, words: str,
) -> None:  # fmt: skip
    page.click(".sensor summary")
    page.fill(selector, text)
    page.click(".sensor button")
    see(page, ".sensor .result.bad", words)
    sent = [m["message"] for m in server.messages("esp32-001") if m["from"] == "server"]
    assert [message["type"] for message in sent] == ["authenticated"]


def test_a_configuration_that_the_device_refuses_is_told(
    device: ScriptedDevice, page: Page
) -> None:
    page.fill(".sensor .rate-input", "200")
    page.click(".sensor button")
    asked = device.hear("typed_command")
    device.answer(asked["id"], "configure", "ack")
    device.answer(asked["id"], "configure", "error", error="sample_rate: at most 100")
    see(page, ".sensor .result.bad", "sample_rate: at most 100")
    expect(page.locator(".sensor .rate-input").first).to_have_value("200")


def test_what_is_being_typed_survives_news(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    page.fill(".sensor .rate-input", "7")
    page.fill(".session-name", "Half a na")
    page.fill(".command input[type=text]", "half a la")
    slower = [dict(SENSORS[0], sample_rate=2, description="another"), SENSORS[1]]
    with ScriptedDevice(server, sensors=slower):
        see(page, ".sensor", "another")
        expect(page.locator(".sensor .rate-input").first).to_have_value("7")
        expect(page.locator(".session-name").first).to_have_value("Half a na")
        label = page.locator(".command input[type=text]").first
        expect(label).to_have_value("half a la")
        expect(label).to_be_focused()


def test_a_command_is_run_with_its_parameters_and_its_output_is_shown(
    device: ScriptedDevice, page: Page
) -> None:
    spin = ".command:nth-child(2)"
    fields = page.evaluate(
        f"[...document.querySelectorAll('{spin} :is(input, select)')].map("
        "({type, min, max, step, required, value}) => [type, min, max, step, required, value])"
    )
    assert fields == [
        ["number", "0", "100", "any", False, "12.5"],
        ["number", "", "", "1", True, ""],
        ["text", "", "", "", False, ""],
        ["checkbox", "", "", "", False, "on"],
        ["select-one", None, None, None, False, "1"],
    ]
    page.fill(f"{spin} label:nth-of-type(2) input", "3")
    page.click(f"{spin} [type=checkbox]")
    page.click(f"{spin} button")
    asked = device.hear("typed_command")
    command_id, params = asked["id"], asked["params"]
    assert params["command"] == "spin"
    assert params["params"] == {"rpm": 12.5, "turns": 3, "reverse": True, "mode": "hard"}
    assert params["timeout_seconds"] == 300
    device.answer(command_id, "execute", "ack")
    device.output(command_id, "start", command="spin")
    see(page, ".output .running", "spin runs")
    device.output(command_id, "data", data="one turn, ")
    device.output(command_id, "data", data="two turns\n")
    see(page, ".console .said", "one turn, two turns")
    device.output(command_id, "exit", code=0)
    see(page, ".console .event", "exit")
    device.answer(command_id, "execute", "result", result={"code": 0, "result": 42})
    see(page, ".console .said", '{"code":0,"result":42}')
    expect(page.locator(".output .running li")).to_have_count(0)


def test_a_command_without_a_parameter_it_needs_is_not_sent(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    page.click(".command:nth-child(2) button")  # turns is empty
    page.click(".command:nth-child(1) button")
    assert device.hear("typed_command")["params"]["command"] == "reboot"


def test_a_command_is_cancelled(device: ScriptedDevice, page: Page) -> None:
    page.click(".command button")
    command_id = device.hear("typed_command")["id"]
    device.answer(command_id, "execute", "ack")
    device.output(command_id, "start", command="reboot")
    page.get_by_text("Cancel", exact=True).click()
    assert device.obey("cancel")["id"] == command_id
    device.output(command_id, "error", error="cancelled")
    device.answer(command_id, "execute", "error", error="cancelled")
    see(page, ".console .line", "cancelled")
    expect(page.locator(".output .running li")).to_have_count(0)


def test_a_command_that_was_started_elsewhere_is_shown(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    command_id = server.command("esp32-001", "execute", {"command": "spin turns=3"})
    see(page, ".output .running", "execute runs")
    device.output(command_id, "start", command="spin turns=3")
    see(page, ".output .running", "spin turns=3 runs")


def test_a_registered_command_sent_by_its_own_name_is_shown(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    server.command("esp32-001", "spin", {"turns": 3})
    server.command("esp32-001", "configure", {"sensor": "bme280", "config": {}})
    see(page, ".output .running", "spin runs")
    expect(page.locator(".output .running li")).to_have_count(1)


def test_a_command_that_ends_while_the_page_is_cut_off_does_not_run_on(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    page.click(".command button")
    command_id = device.hear("typed_command")["id"]
    device.answer(command_id, "execute", "ack")
    device.output(command_id, "start", command="reboot")
    see(page, ".output .running", "reboot runs")
    link = "const { link } = (await import('/static/js/main.js')).devices;"
    live(page, f"{{ {link} link.connect = () => {{ window.tried = true; }};"
                  " link.socket.close(); }")  # fmt: skip
    wait_until(lambda: page.evaluate("window.tried"))
    device.output(command_id, "exit", code=0)
    device.answer(command_id, "execute", "result", result={})
    server.wait_until(lambda s: s.device("esp32-001")["open_commands"] == [])
    live(page, f"{{ {link} delete link.connect; link.connect(); }}")
    expect(page.locator(".output .running li")).to_have_count(0)


@pytest.mark.parametrize("seconds", ["0", "3601"])
def test_a_time_limit_that_no_device_takes_is_not_sent(
    server: MockServer, device: ScriptedDevice, page: Page, seconds: str
) -> None:
    page.fill("[aria-label=Commands] .top input", seconds)
    page.click(".command button")
    page.fill("[aria-label=Commands] .top input", "3600")
    page.click(".command button")
    assert device.hear("typed_command")["params"]["timeout_seconds"] == 3600


def test_output_is_bounded(device: ScriptedDevice, page: Page) -> None:
    page.click(".command button")
    command_id = device.hear("typed_command")["id"]
    device.output(command_id, "start", command="reboot")
    for number in range(3):
        device.output(command_id, "data", data=f"{number} " + "x" * 3000)
    see(page, ".console .line", "2 x")
    expect(page.locator(".console .line")).to_have_count(4)
    # The same by hand, as a device may not say so much in a second.
    panel = "(await import('/static/js/main.js')).devices.panel('esp32-001')"
    live(
        page,
        f"{{ const {{ console }} = {panel}.commands; for (let n = 0; n < 600; n++) "
        "console.write('reboot', 'exit', String(n)); }",
    )
    expect(page.locator(".console .line")).to_have_count(500)
    see(page, ".console .line", "599")


def test_errors_of_the_device_are_listed(device: ScriptedDevice, page: Page) -> None:
    device.say(
        {"type": "device_error", "source_id": "esp32-001", "source": "bme280",
         "error": "no answer on the bus", "severity": "warning",
         "timestamp": int(time.time() * 1000)}
    )  # fmt: skip
    see(page, ".remarks", "1 error, the last:")
    see(page, ".remarks", "bme280: no answer on the bus (warning)")
    see(page, ".sensor .result.bad", "no answer on the bus")


def test_breaches_of_the_protocol_are_listed(device: ScriptedDevice, page: Page) -> None:
    device.say({"type": "pong"})
    see(page, ".remarks", "pong without a ping")


def test_markup_from_a_device_is_shown_as_text(server: MockServer, page: Page) -> None:
    hostile = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    sensors = [{"name": hostile, "description": hostile, "metrics": [hostile], "sample_rate": 1}]
    schema = {
        hostile: {"type": "choice", "choices": [hostile], "default": hostile},
        "__proto__": {"type": "string", "default": hostile},
        "odd": None,
    }
    commands = [{"name": hostile, "description": hostile, "params": schema}]
    with ScriptedDevice(server, sensors=sensors, commands=commands) as device:
        see(page, ".sensor", hostile)
        start_stream(page, device)
        device.telemetry((hostile, hostile), (hostile + "2", {hostile: 1, "__proto__": 2}))
        wait_till_drawn(page)
        page.click(".command button")
        asked = device.hear("typed_command")
        assert asked["params"]["command"] == hostile
        device.output(asked["id"], "start", command=hostile)
        device.output(asked["id"], "data", data=hostile)
        device.say(
            {"type": "device_error", "source_id": "esp32-001", "source": hostile, "error": hostile,
             "severity": "error", "timestamp": 1_700_000_000_000}
        )  # fmt: skip
        device.say({"type": "session_started", "session_id": "s1", "session_name": hostile})
        places = (".command", ".live-charts", ".console", ".remarks", ".recording", ".metrics")
        for place in places:
            see(page, place, hostile)
        expect(page.locator("main img, main script")).to_have_count(0)
        assert page.evaluate("window.hacked === undefined")


def test_a_device_that_is_gone_is_marked_and_cannot_be_asked(
    server: MockServer, page: Page
) -> None:
    with ScriptedDevice(server) as device:
        see(page, ".head", "connected")
        start_stream(page, device)
        see(page, ".running", "all metrics")
    see(page, ".head .pill", "gone")
    expect(page.locator("[role=tab]")).to_have_text("esp32-001 gone")
    expect(page.locator(".running li")).to_have_count(0)
    expect(page.locator(".start-stream button")).to_be_disabled()
    with ScriptedDevice(server):
        see(page, ".head .pill", "connected")
        expect(page.locator(".start-stream button")).to_be_enabled()


def test_each_of_several_devices_has_a_tab_and_charts_of_its_own(
    server: MockServer, page: Page
) -> None:
    with ScriptedDevice(server, "dev-a") as first, ScriptedDevice(server, "dev-b", []) as second:
        expect(page.locator("[role=tab]")).to_have_count(2)
        charts = page.locator(".live-charts").filter(visible=True)
        see(page, ".source-name", "dev-a")
        start_stream(page, first)
        page.get_by_role("tab", name="dev-b").click()
        see(page, ".source-name", "dev-b")
        start_stream(page, second)
        first.telemetry(("mine", 1))
        second.telemetry(("yours", 2))
        see(page, ".live-charts", "yours")
        expect(charts.filter(has_text="mine")).to_have_count(0)
        page.get_by_role("tab", name="dev-a").click()
        see(page, ".live-charts .value", "1")
        expect(charts.filter(has_text="yours")).to_have_count(0)


def test_the_arrow_keys_go_from_tab_to_tab(server: MockServer, page: Page) -> None:
    with ScriptedDevice(server, "dev-a"), ScriptedDevice(server, "dev-b"):
        expect(page.locator("[role=tab]")).to_have_count(2)
        page.click("[role=tab]")
        page.keyboard.press("ArrowRight")
        see(page, ".source-name", "dev-b")
        expect(page.get_by_role("tab", name="dev-b")).to_be_focused()


def test_connected_devices_have_tabs_first_and_the_hidden_are_counted(
    server: MockServer, page: Page
) -> None:
    for number in range(33):
        with ScriptedDevice(server, f"gone-{number}", [], []):
            pass
    with ScriptedDevice(server, "here"):
        see(page, "[role=tab]", "here")
        see(page, "#more-devices", "2 more not shown")
        expect(page.locator("[role=tab]")).to_have_count(32)


@pytest.mark.parametrize("width", [1400, 390])
def test_long_words_do_not_widen_the_page(server: MockServer, page: Page, width: int) -> None:
    long, endless = "n" * 226, "d" * 5000
    sensors = [
        {"name": long, "description": endless, "metrics": [long], "sample_rate": 1, "prefix": long}
    ]
    schema = {long: {"type": "choice", "choices": [long]}, "m" * 226: {"type": "string"}}
    commands = [{"name": long, "description": endless, "params": schema}]
    page.set_viewport_size({"width": width, "height": 900})
    with ScriptedDevice(server, long, sensors, commands) as device:
        see(page, ".source-name", long)
        start_stream(page, device)
        device.telemetry((long, endless[:256]), ("object", {long: 1}), ("array", [long]))
        wait_till_drawn(page)
        page.click(".command button:last-child")
        asked = device.hear("typed_command")
        device.output(asked["id"], "start", command=long)
        device.output(asked["id"], "data", data=endless)
        device.say(
            {"type": "device_error", "source_id": long, "source": "start_stream",
             "error": endless, "severity": "error", "timestamp": 1_700_000_000_000}
        )  # fmt: skip
        device.say({"type": "session_started", "session_id": long, "session_name": endless})
        for place in (".note", ".recording", ".console"):
            see(page, place, endless[:200])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.locator(".sensor .folded")).not_to_have_attribute("open", "")
        page.click(".sensor .unfold")
        expect(page.locator(".sensor .folded")).to_have_attribute("open", "")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_streams_before_sensors_with_targets_for_a_finger(
    device: ScriptedDevice, page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    box = "document.querySelector({}).getBoundingClientRect()"
    start = box.format("'.start-stream button'")
    assert page.evaluate(f"{start}.bottom + scrollY") < 844
    live_top = page.evaluate(box.format("'.live'") + ".top")
    assert live_top < page.evaluate(box.format("'.sensors'") + ".top")
    heights = page.evaluate(
        "[...document.querySelectorAll('.panel :is(summary, button, select)')]"
        ".filter(node => node.checkVisibility())"
        ".map(node => node.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) >= 32


def test_a_command_that_cannot_be_sent_is_told(
    server: MockServer, device: ScriptedDevice, page: Page
) -> None:
    refused = live(
        page,
        "(await import('/static/js/main.js')).devices.link.command('nobody', 'ping', {})"
        ".catch(error => error.message)",
    )
    assert "nobody" in refused


def test_an_answer_may_be_faster_than_the_word_that_its_command_was_sent(
    server: MockServer, page: Page
) -> None:
    events = page.evaluate(
        """(async () => {
          const { Panel } = await import("/static/js/panel.js");
          const panel = new Panel("dev", { command: async () => "c1" });
          panel.receive({ type: "command_result", id: "c1", event: "ack" });
          const seen = [];
          await panel.ask("ping", {}, (event) => seen.push(event));
          panel.receive({ type: "command_result", id: "c1", event: "result" });
          return seen;
        })()"""
    )
    assert events == ["ack", "result"]


def test_the_page_finds_its_devices_again_after_the_server_was_away(page: Page) -> None:
    with MockServer() as server:
        port = int(server.admin_url.rpartition(":")[2])
        page.goto(server.admin_url)
        with ScriptedDevice(server, "before"):
            see(page, ".source-name", "before")
    see(page, "#devices-link", "live link lost")
    with MockServer(admin_port=port) as server, ScriptedDevice(server, "after"):
        see(page, ".source-name", "after")
        expect(page.locator("#devices-link")).to_have_text("")


def test_the_bare_form_is_spoken_too(page: Page) -> None:
    with MockServer(profile="documented") as server, ScriptedDevice(server) as device:
        page.goto(server.admin_url)
        see(page, ".source-name", "esp32-001")
        page.click(".start-stream button")
        started = device.hear("start_stream")
        assert started["interval_ms"] == 20
        see(page, ".running", "all metrics")
        page.click(".running button")
        assert device.hear("stop_stream")["id"] == started["id"]
        expect(page.locator(".running li")).to_have_count(0)  # all below its line has moved
        page.fill(".sensor .rate-input", "3")
        page.click(".sensor button")
        assert device.hear("configure")["config"] == {"sample_rate": 3}
        page.click(".command button")
        asked = device.hear("execute")
        assert asked["command"] == "reboot"
        device.output(asked["id"], "start", command="reboot")
        page.get_by_text("Cancel", exact=True).click()
        assert device.hear("cancel")["id"] == asked["id"]
        device.output(asked["id"], "error", error="cancelled")
        see(page, ".console .line", "cancelled")
        expect(page.locator(".output .running li")).to_have_count(0)
        page.click(".start-session button")
        session = device.hear("start_session")["session_id"]
        device.say({"type": "session_started", "session_id": session, "session_name": "a name"})
        see(page, ".recording", "a name")
        page.click(".recording button")
        assert device.hear("stop_session")["session_id"] == session


@pytest.fixture
def bare(page: Page) -> Iterator[ScriptedDevice]:
    """A device that the page shows, of a server that speaks in bare messages."""
    with MockServer(profile="documented") as server, ScriptedDevice(server) as device:
        page.goto(server.admin_url)
        see(page, ".source-name", "esp32-001")
        yield device


def refuse(device: ScriptedDevice, source: str, words: str) -> None:
    device.say(
        {"type": "device_error", "source_id": device.source_id, "source": source, "error": words,
         "severity": "warning", "timestamp": int(time.time() * 1000)}
    )  # fmt: skip


@pytest.mark.parametrize("command", ["start_stream", "start_session"])
def test_a_bare_command_that_the_device_refuses_is_told(
    bare: ScriptedDevice, page: Page, command: str
) -> None:
    page.click(f".{command.replace('_', '-')} button")
    bare.hear(command)
    refuse(bare, command, "streams: 8 run; stop one")
    see(page, ".note", f"{command}: streams: 8 run; stop one")


def test_a_bare_configuration_that_nobody_refuses_is_done(bare: ScriptedDevice, page: Page) -> None:
    page.click(".sensor summary")
    page.fill(".sensor [aria-label^=Driver]", '{"gain": 2}')
    page.click(".sensor button")
    assert bare.hear("configure")["config"] == {"gain": 2}
    see(page, ".sensor .result", "not refused: gain 2")
    expect(page.locator(".sensor [aria-label^=Driver]").first).to_have_value("")


def test_a_bare_configuration_that_the_device_refuses_can_be_mended(
    bare: ScriptedDevice, page: Page
) -> None:
    page.click(".sensor summary")
    page.fill(".sensor [aria-label^=Driver]", '{"gain": 3}')
    page.click(".sensor button")
    bare.hear("configure")
    refuse(bare, "bme280", "gain: 3; give 1, 2 or 4")
    see(page, ".sensor .result.bad", "gain: 3; give 1, 2 or 4")
    expect(page.locator(".sensor [aria-label^=Driver]").first).to_have_value('{"gain": 3}')
