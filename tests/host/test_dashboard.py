"""The page's live side: devices, streams, sessions, commands, with a scripted device behind it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from websockets.sync.client import connect

from tests.fixtures.browser import Browser, needs_chromium
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
# A line and a strip of states; only then do cards that were just added keep their height.
DRAWN = "['canvas', '.strip rect'].every(s => document.querySelector(`.live-charts ${s}`))"

pytestmark = needs_chromium


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def gateway() -> Iterator[MockServer]:
    with MockServer(profile="gateway") as server:
        yield server


@pytest.fixture
def server(gateway: MockServer, browser: Browser) -> MockServer:
    """A server that speaks in typed commands; nothing is connected, and its page is open."""
    gateway.wait_until(lambda s: not any(device["connected"] for device in s.devices()))
    gateway.reset()
    browser.open(gateway.admin_url)
    browser.wait_for("document.getElementById('link').textContent === 'live'")
    browser.wait_for("!document.getElementById('no-device').hidden")
    return gateway


@pytest.fixture
def device(server: MockServer, browser: Browser) -> Iterator[ScriptedDevice]:
    """A device that the page shows."""
    with ScriptedDevice(server) as device:
        browser.wait_for(shows("#tabs", "esp32-001"))
        yield device


def shows(selector: str, text: str) -> str:
    """A condition: some element of that selector that is seen shows that text."""
    return (
        f"[...document.querySelectorAll({json.dumps(selector)})].some(node => "
        f"node.checkVisibility() && node.innerText.includes({json.dumps(text)}))"
    )


def card(metric: str, source: str = "esp32-001") -> str:
    """An expression: the live chart's card of a metric, by the page's own modules."""
    return (
        "(await import('/static/js/main.js')).devices"
        f".panel({json.dumps(source)}).charts.card({json.dumps(source)}, {json.dumps(metric)})"
    )


def live(browser: Browser, expression: str) -> Any:
    return browser.evaluate(f"(async () => {expression})()")


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "never so"
        time.sleep(0.02)


def start_stream(browser: Browser, device: ScriptedDevice) -> dict[str, Any]:
    browser.press(".panel:not([hidden]) .start-stream button")
    params = device.obey("start_stream")
    # Its row moves what is below.
    browser.wait_for("document.querySelector('.panel:not([hidden]) .running li')")
    return params


def test_without_a_device_the_page_says_how_to_connect_one(
    server: MockServer, browser: Browser
) -> None:
    browser.wait_for(shows("#agent-config", server.ws_url))
    browser.wait_for(shows("#agent-program", server.ws_url))


def test_a_device_appears_with_what_it_announced(device: ScriptedDevice, browser: Browser) -> None:
    browser.wait_for(shows(".head", "connected"))
    browser.wait_for(shows(".head", "micropython 1.28 · 0.1.0"))
    browser.wait_for(shows(".sensor", "BME280 at 0x76"))
    browser.wait_for(shows(".sensor", "temperature, humidity"))
    browser.wait_for(shows(".command", "Turn the motor"))
    assert browser.evaluate("document.getElementById('no-device').hidden")
    rates = "[...document.querySelectorAll('.sensor .rate-input')].map(input => input.value)"
    assert browser.evaluate(rates) == ["1", "50"]
    absent = "[...document.querySelectorAll('.sensor .pill')].map(pill => pill.hidden)"
    assert browser.evaluate(absent) == [True, False]


def test_uptime_and_counters_are_shown(device: ScriptedDevice, browser: Browser) -> None:
    device.say({"type": "heartbeat", "source_id": "esp32-001", "uptime_s": 3723})
    browser.wait_for(shows(".facts", "1:02:"))
    start_stream(browser, device)
    device.telemetry(("temperature", 20), ("humidity", 40))
    browser.wait_for(shows(".facts", "1\nframes"))
    browser.wait_for(shows(".facts", "2\npoints"))


def test_a_stream_is_started_with_what_was_chosen(device: ScriptedDevice, browser: Browser) -> None:
    browser.press(".start-stream summary")
    browser.press(".start-stream input[value=humidity]")
    browser.press(".start-stream summary")
    browser.evaluate("document.querySelector('.start-stream select').value = '200'")
    browser.press(".start-stream .store")
    params = start_stream(browser, device)
    assert params["metrics"] == ["humidity"]
    assert params["interval_ms"] == 200
    assert params["store"] is True
    browser.wait_for(shows(".running li", "humidity · every 200 ms · stored"))


def test_all_metrics_are_streamed_if_none_is_chosen(
    device: ScriptedDevice, browser: Browser
) -> None:
    params = start_stream(browser, device)
    assert params["metrics"] == []
    assert params["interval_ms"] == 20
    assert params["store"] is False
    browser.wait_for(shows(".running li", "all metrics · every 20 ms"))


def test_escape_closes_the_list_of_metrics(device: ScriptedDevice, browser: Browser) -> None:
    browser.press(".start-stream summary")
    browser.wait_for("document.querySelector('.start-stream details').open")
    browser.key("Escape")
    browser.wait_for("!document.querySelector('.start-stream details').open")


def test_one_stream_is_stopped(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    start_stream(browser, device)
    start_stream(browser, device)
    browser.wait_for("document.querySelectorAll('.running li').length === 2")
    second = server.device("esp32-001")["streams"][1]["id"]
    browser.press(".running li:nth-child(2) button")
    assert device.obey("stop_stream")["stream_id"] == second
    browser.wait_for("document.querySelectorAll('.running li').length === 1")


def test_all_streams_are_stopped(device: ScriptedDevice, browser: Browser) -> None:
    start_stream(browser, device)
    browser.wait_for(shows("button", "Stop all"))
    browser.click("Stop all")
    assert device.obey("stop_stream")["stream_id"] == "*"
    browser.wait_for("document.querySelectorAll('.running li').length === 0")


def test_a_stream_that_the_device_refuses_is_told(device: ScriptedDevice, browser: Browser) -> None:
    browser.press(".start-stream button")
    asked = device.hear("typed_command")
    device.answer(asked["id"], "start_stream", "ack")
    device.answer(asked["id"], "start_stream", "error", error="streams: 8 run; stop one")
    browser.wait_for(shows(".note", "start_stream: streams: 8 run; stop one"))


def test_telemetry_is_drawn_as_it_comes(device: ScriptedDevice, browser: Browser) -> None:
    start_stream(browser, device)
    device.telemetry(("temperature", 21.5), ("accel", {"x": 1, "y": 2, "z": 9.75}), ("on", True))
    browser.wait_for("document.querySelectorAll('.live-charts .card canvas').length === 2")
    browser.wait_for(shows(".live-charts .value", "21.5"))
    browser.wait_for(shows(".live-charts .value", "9.75"))
    browser.wait_for("document.querySelector('.live-charts .strip rect')")
    device.telemetry(("temperature", 22.5))
    browser.wait_for(shows(".live-charts .value", "22.5"))


def test_what_is_only_live_is_not_among_the_stored_readings(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    start_stream(browser, device)
    device.telemetry(("temperature", 21.5))
    browser.wait_for(shows(".live-charts", "temperature"))
    assert browser.evaluate("document.querySelectorAll('#charts .card').length") == 0
    assert server.counts()["points"] == 0


def test_every_reading_of_50_a_second_is_in_the_chart(
    device: ScriptedDevice, browser: Browser
) -> None:
    start_stream(browser, device)
    for number in range(150):
        device.telemetry(("temperature", number), ("accel", {"x": number, "y": -number}))
        time.sleep(0.02)
    wait_until(lambda: live(browser, f"{card('temperature')}?.received") == 150)
    values = live(browser, f"{card('temperature')}.readings.map(reading => reading.value)")
    assert values == list(range(150))
    assert live(browser, f"{card('accel')}.readings.length") == 150
    # The page still does what it is asked.
    browser.wait_for(shows(".live-charts .value", "149"))
    browser.click("Stop all")
    device.obey("stop_stream")


def test_the_rate_of_readings_is_measured(device: ScriptedDevice, browser: Browser) -> None:
    start_stream(browser, device)
    shown = "/^\\d+(\\.\\d)?\\/s$/.test(document.querySelector('.live-charts .rate').textContent)"
    for number in range(500):
        device.telemetry(("temperature", number))
        if number % 10 == 9 and browser.evaluate(f"!!document.querySelector('.rate') && {shown}"):
            break
        time.sleep(0.02)
    else:
        pytest.fail("no rate was ever shown")


def test_live_charts_keep_only_the_last_minute(device: ScriptedDevice, browser: Browser) -> None:
    start_stream(browser, device)
    now = int(time.time() * 1000)
    for second in range(0, 8000, 1000):  # 8,000 readings, one each 20 ms: 160 s
        points = [
            {"metric": "t", "value": n, "timestamp": now - 160_000 + 20 * n}
            for n in range(second, second + 1000)
        ]
        device.say({"type": "telemetry", "source_id": "esp32-001", "points": points})
    wait_until(lambda: live(browser, f"{card('t')}?.received") == 8000)
    kept = live(browser, f"{card('t')}.readings.length")
    assert 3000 <= kept < 6000
    assert live(browser, f"{card('t')}.readings.at(-1).value") == 7999


def test_a_clock_that_is_set_back_begins_the_chart_anew(
    device: ScriptedDevice, browser: Browser
) -> None:
    start_stream(browser, device)
    now = int(time.time() * 1000)
    device.telemetry(("t", 1), at_ms=now)
    device.telemetry(("t", 2), at_ms=now - 3_600_000)
    browser.wait_for(shows(".live-charts .value", "2"))
    assert live(browser, f"{card('t')}.readings.length") == 1


def test_the_window_of_the_live_charts_is_chosen(device: ScriptedDevice, browser: Browser) -> None:
    start_stream(browser, device)
    now = int(time.time() * 1000)
    device.telemetry(("temperature", 1), at_ms=now - 20_000)
    device.telemetry(("temperature", 2), at_ms=now)
    browser.wait_for("document.querySelector('.live-charts canvas')")
    span = f"(([from, to]) => to - from)(({card('temperature')}).range)"  # of one moment
    assert live(browser, span) == pytest.approx(30)
    browser.evaluate(
        "{ const select = document.querySelector('.live-window'); select.value = '10';"
        " select.dispatchEvent(new Event('change')) }"
    )
    wait_until(lambda: live(browser, span) == pytest.approx(10))


def test_a_session_is_recorded_and_stopped(device: ScriptedDevice, browser: Browser) -> None:
    browser.type(".session-name", "Motor test")
    browser.press(".start-session button")
    params = device.obey("start_session")
    assert params["session_name"] == "Motor test"
    session = {"session_id": params["session_id"]}
    device.say({"type": "session_started", "session_name": "Motor test"} | session)
    browser.wait_for(shows(".recording", "Motor test"))
    browser.wait_for(shows(".recording .time", "0:0"))
    browser.press(".recording button")
    assert device.obey("stop_session")["session_id"] == params["session_id"]
    device.say({"type": "session_stopped"} | session)
    browser.wait_for(shows(".start-session", "Record"))


def test_a_rate_is_configured_and_what_is_in_force_is_shown(
    device: ScriptedDevice, browser: Browser
) -> None:
    browser.type(".sensor:nth-child(2) .rate-input", "120")
    browser.press(".sensor:nth-child(2) button")
    params = device.obey("configure", {"sample_rate": 100, "interval_ms": 10, "prefix": ""})
    assert params["sensor"] == "mpu6050"
    assert params["config"] == {"sample_rate": 120}
    browser.wait_for(shows(".sensor:nth-child(2) .result.good", "sample_rate 100"))


def test_prefix_and_driver_options_are_configured(device: ScriptedDevice, browser: Browser) -> None:
    browser.press(".sensor summary")
    browser.type(".sensor [aria-label^=Prefix]", "oven.")
    browser.type(".sensor [aria-label^=Driver]", '{"gain": 2}')
    browser.press(".sensor button")
    assert device.obey("configure")["config"] == {"prefix": "oven.", "gain": 2}


def test_options_that_were_taken_are_not_sent_again(
    device: ScriptedDevice, browser: Browser
) -> None:
    browser.press(".sensor summary")
    browser.type(".sensor [aria-label^=Driver]", '{"gain": 2}')
    browser.press(".sensor button")
    device.obey("configure", {"gain": 2})
    browser.wait_for("document.querySelector('.sensor [aria-label^=Driver]').value === ''")
    browser.type(".sensor .rate-input", "5")
    browser.press(".sensor button")
    assert device.obey("configure")["config"] == {"sample_rate": 5}


def test_the_rate_in_force_is_shown_unless_somebody_changes_it(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    rate = "document.querySelector('.sensor .rate-input').value"
    browser.press(".sensor .rate-input")
    command_id = server.command(
        "esp32-001", "configure", {"sensor": "bme280", "config": {"sample_rate": 4}}
    )
    device.answer(command_id, "configure", "ack")
    device.answer(
        command_id, "configure", "result", result={"sample_rate": 4, "metrics": ["warmth"]}
    )
    browser.wait_for(shows(".sensor", "warmth"))
    browser.press(".session-name")
    browser.wait_for(f"{rate} === '4'")


def test_nothing_is_sent_if_nothing_was_changed(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    browser.press(".sensor button")
    browser.wait_for(shows(".sensor .result", "nothing was changed"))
    sent = [m["message"] for m in server.messages("esp32-001") if m["from"] == "server"]
    assert [message["type"] for message in sent] == ["authenticated"]


@pytest.mark.parametrize(
    ("selector", "text", "words"),
    [(".sensor .rate-input", "0", "over 0"), (".sensor [aria-label^=Driver]", "[1]", "object")],
)
def test_a_bad_configuration_is_refused_before_it_is_sent(
    server: MockServer, device: ScriptedDevice, browser: Browser,
    selector: str, text: str, words: str,
) -> None:  # fmt: skip
    browser.press(".sensor summary")
    browser.type(selector, text)
    browser.press(".sensor button")
    browser.wait_for(shows(".sensor .result.bad", words))
    sent = [m["message"] for m in server.messages("esp32-001") if m["from"] == "server"]
    assert [message["type"] for message in sent] == ["authenticated"]


def test_a_configuration_that_the_device_refuses_is_told(
    device: ScriptedDevice, browser: Browser
) -> None:
    browser.type(".sensor .rate-input", "200")
    browser.press(".sensor button")
    asked = device.hear("typed_command")
    device.answer(asked["id"], "configure", "ack")
    device.answer(asked["id"], "configure", "error", error="sample_rate: at most 100")
    browser.wait_for(shows(".sensor .result.bad", "sample_rate: at most 100"))
    assert browser.evaluate("document.querySelector('.sensor .rate-input').value") == "200"


def test_what_is_being_typed_survives_news(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    browser.type(".sensor .rate-input", "7")
    browser.type(".session-name", "Half a na")
    browser.type(".command input[type=text]", "half a la")
    slower = [dict(SENSORS[0], sample_rate=2, description="another"), SENSORS[1]]
    with ScriptedDevice(server, sensors=slower):
        browser.wait_for(shows(".sensor", "another"))
        assert browser.evaluate("document.querySelector('.sensor .rate-input').value") == "7"
        assert browser.evaluate("document.querySelector('.session-name').value") == "Half a na"
        label = "document.querySelector('.command input[type=text]')"
        assert browser.evaluate(f"{label}.value") == "half a la"
        assert browser.evaluate(f"document.activeElement === {label}")


def test_a_command_is_run_with_its_parameters_and_its_output_is_shown(
    device: ScriptedDevice, browser: Browser
) -> None:
    spin = ".command:nth-child(2)"
    fields = browser.evaluate(
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
    browser.type(f"{spin} label:nth-of-type(2) input", "3")
    browser.press(f"{spin} [type=checkbox]")
    browser.press(f"{spin} button")
    asked = device.hear("typed_command")
    command_id, params = asked["id"], asked["params"]
    assert params["command"] == "spin"
    assert params["params"] == {"rpm": 12.5, "turns": 3, "reverse": True, "mode": "hard"}
    assert params["timeout_seconds"] == 300
    device.answer(command_id, "execute", "ack")
    device.output(command_id, "start", command="spin")
    browser.wait_for(shows(".output .running", "spin runs"))
    device.output(command_id, "data", data="one turn, ")
    device.output(command_id, "data", data="two turns\n")
    browser.wait_for(shows(".console .said", "one turn, two turns"))
    device.output(command_id, "exit", code=0)
    browser.wait_for(shows(".console .event", "exit"))
    device.answer(command_id, "execute", "result", result={"code": 0, "result": 42})
    browser.wait_for(shows(".console .said", '{"code":0,"result":42}'))
    browser.wait_for("document.querySelectorAll('.output .running li').length === 0")


def test_a_command_without_a_parameter_it_needs_is_not_sent(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    browser.press(".command:nth-child(2) button")  # turns is empty
    browser.press(".command:nth-child(1) button")
    assert device.hear("typed_command")["params"]["command"] == "reboot"


def test_a_command_is_cancelled(device: ScriptedDevice, browser: Browser) -> None:
    browser.press(".command button")
    command_id = device.hear("typed_command")["id"]
    device.answer(command_id, "execute", "ack")
    device.output(command_id, "start", command="reboot")
    browser.click("Cancel")
    assert device.obey("cancel")["id"] == command_id
    device.output(command_id, "error", error="cancelled")
    device.answer(command_id, "execute", "error", error="cancelled")
    browser.wait_for(shows(".console .line", "cancelled"))
    browser.wait_for("document.querySelectorAll('.output .running li').length === 0")


def test_a_command_that_was_started_elsewhere_is_shown(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    command_id = server.command("esp32-001", "execute", {"command": "spin turns=3"})
    browser.wait_for(shows(".output .running", "execute runs"))
    device.output(command_id, "start", command="spin turns=3")
    browser.wait_for(shows(".output .running", "spin turns=3 runs"))


def test_a_registered_command_sent_by_its_own_name_is_shown(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    server.command("esp32-001", "spin", {"turns": 3})
    server.command("esp32-001", "configure", {"sensor": "bme280", "config": {}})
    browser.wait_for(shows(".output .running", "spin runs"))
    assert browser.evaluate("document.querySelectorAll('.output .running li').length") == 1


def test_a_command_that_ends_while_the_page_is_cut_off_does_not_run_on(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    browser.press(".command button")
    command_id = device.hear("typed_command")["id"]
    device.answer(command_id, "execute", "ack")
    device.output(command_id, "start", command="reboot")
    browser.wait_for(shows(".output .running", "reboot runs"))
    link = "const { link } = (await import('/static/js/main.js')).devices;"
    live(browser, f"{{ {link} link.connect = () => {{ window.tried = true; }};"
                  " link.socket.close(); }")  # fmt: skip
    browser.wait_for("window.tried")
    device.output(command_id, "exit", code=0)
    device.answer(command_id, "execute", "result", result={})
    server.wait_until(lambda s: s.device("esp32-001")["open_commands"] == [])
    live(browser, f"{{ {link} delete link.connect; link.connect(); }}")
    browser.wait_for("document.querySelectorAll('.output .running li').length === 0")


@pytest.mark.parametrize("seconds", ["0", "3601"])
def test_a_time_limit_that_no_device_takes_is_not_sent(
    server: MockServer, device: ScriptedDevice, browser: Browser, seconds: str
) -> None:
    browser.type("[aria-label=Commands] .top input", seconds)
    browser.press(".command button")
    browser.type("[aria-label=Commands] .top input", "3600")
    browser.press(".command button")
    assert device.hear("typed_command")["params"]["timeout_seconds"] == 3600


def test_output_is_bounded(device: ScriptedDevice, browser: Browser) -> None:
    browser.press(".command button")
    command_id = device.hear("typed_command")["id"]
    device.output(command_id, "start", command="reboot")
    for number in range(3):
        device.output(command_id, "data", data=f"{number} " + "x" * 3000)
    browser.wait_for(shows(".console .line", "2 x"))
    assert browser.evaluate("document.querySelectorAll('.console .line').length") == 4
    # The same by hand, as a device may not say so much in a second.
    panel = "(await import('/static/js/main.js')).devices.panel('esp32-001')"
    live(
        browser,
        f"{{ const {{ console }} = {panel}.commands; for (let n = 0; n < 600; n++) "
        "console.write('reboot', 'exit', String(n)); }",
    )
    assert browser.evaluate("document.querySelectorAll('.console .line').length") == 500
    assert browser.evaluate(shows(".console .line", "599"))


def test_errors_of_the_device_are_listed(device: ScriptedDevice, browser: Browser) -> None:
    device.say(
        {"type": "device_error", "source_id": "esp32-001", "source": "bme280",
         "error": "no answer on the bus", "severity": "warning",
         "timestamp": int(time.time() * 1000)}
    )  # fmt: skip
    browser.wait_for(shows(".remarks", "1 error, the last:"))
    browser.wait_for(shows(".remarks", "bme280: no answer on the bus (warning)"))
    browser.wait_for(shows(".sensor .result.bad", "no answer on the bus"))


def test_breaches_of_the_protocol_are_listed(device: ScriptedDevice, browser: Browser) -> None:
    device.say({"type": "pong"})
    browser.wait_for(shows(".remarks", "pong without a ping"))


def test_markup_from_a_device_is_shown_as_text(server: MockServer, browser: Browser) -> None:
    hostile = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    sensors = [{"name": hostile, "description": hostile, "metrics": [hostile], "sample_rate": 1}]
    schema = {
        hostile: {"type": "choice", "choices": [hostile], "default": hostile},
        "__proto__": {"type": "string", "default": hostile},
        "odd": None,
    }
    commands = [{"name": hostile, "description": hostile, "params": schema}]
    with ScriptedDevice(server, sensors=sensors, commands=commands) as device:
        browser.wait_for(shows(".sensor", hostile))
        start_stream(browser, device)
        device.telemetry((hostile, hostile), (hostile + "2", {hostile: 1, "__proto__": 2}))
        browser.wait_for(DRAWN)
        browser.press(".command button")
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
            browser.wait_for(shows(place, hostile))
        assert browser.evaluate("document.querySelectorAll('main img, main script').length") == 0
        assert browser.evaluate("window.hacked === undefined")


def test_a_device_that_is_gone_is_marked_and_cannot_be_asked(
    server: MockServer, browser: Browser
) -> None:
    with ScriptedDevice(server) as device:
        browser.wait_for(shows(".head", "connected"))
        start_stream(browser, device)
        browser.wait_for(shows(".running", "all metrics"))
    browser.wait_for(shows(".head .pill", "gone"))
    browser.wait_for("document.querySelector('[role=tab]').textContent === 'esp32-001 gone'")
    browser.wait_for("document.querySelectorAll('.running li').length === 0")
    browser.wait_for("document.querySelector('.start-stream button').matches(':disabled')")
    with ScriptedDevice(server):
        browser.wait_for(shows(".head .pill", "connected"))
        browser.wait_for("document.querySelector('.start-stream button').matches(':enabled')")


def test_each_of_several_devices_has_a_tab_and_charts_of_its_own(
    server: MockServer, browser: Browser
) -> None:
    with ScriptedDevice(server, "dev-a") as first, ScriptedDevice(server, "dev-b", []) as second:
        browser.wait_for("document.querySelectorAll('[role=tab]').length === 2")
        browser.wait_for(shows(".source-name", "dev-a"))
        start_stream(browser, first)
        browser.click("dev-b")
        browser.wait_for(shows(".source-name", "dev-b"))
        start_stream(browser, second)
        first.telemetry(("mine", 1))
        second.telemetry(("yours", 2))
        browser.wait_for(shows(".live-charts", "yours"))
        assert not browser.evaluate(shows(".live-charts", "mine"))
        browser.click("dev-a")
        browser.wait_for(shows(".live-charts .value", "1"))
        assert not browser.evaluate(shows(".live-charts", "yours"))


def test_the_arrow_keys_go_from_tab_to_tab(server: MockServer, browser: Browser) -> None:
    with ScriptedDevice(server, "dev-a"), ScriptedDevice(server, "dev-b"):
        browser.wait_for("document.querySelectorAll('[role=tab]').length === 2")
        browser.press("[role=tab]")
        browser.key("ArrowRight")
        browser.wait_for(shows(".source-name", "dev-b"))
        assert browser.evaluate("document.activeElement.textContent") == "dev-b"


def test_connected_devices_have_tabs_first_and_the_hidden_are_counted(
    server: MockServer, browser: Browser
) -> None:
    for number in range(33):
        with ScriptedDevice(server, f"gone-{number}", [], []):
            pass
    with ScriptedDevice(server, "here"):
        browser.wait_for(shows("[role=tab]", "here"))
        browser.wait_for(shows("#more-devices", "2 more not shown"))
        assert browser.evaluate("document.querySelectorAll('[role=tab]').length") == 32


@pytest.mark.parametrize("width", [1400, 390])
def test_long_words_do_not_widen_the_page(server: MockServer, browser: Browser, width: int) -> None:
    long, endless = "n" * 226, "d" * 5000
    sensors = [
        {"name": long, "description": endless, "metrics": [long], "sample_rate": 1, "prefix": long}
    ]
    schema = {long: {"type": "choice", "choices": [long]}, "m" * 226: {"type": "string"}}
    commands = [{"name": long, "description": endless, "params": schema}]
    browser.resize(width, 900)
    try:
        with ScriptedDevice(server, long, sensors, commands) as device:
            browser.wait_for(shows(".source-name", long))
            start_stream(browser, device)
            device.telemetry((long, endless[:256]), ("object", {long: 1}), ("array", [long]))
            browser.wait_for(DRAWN)
            browser.press(".command button:last-child")
            asked = device.hear("typed_command")
            device.output(asked["id"], "start", command=long)
            device.output(asked["id"], "data", data=endless)
            device.say(
                {"type": "device_error", "source_id": long, "source": "start_stream",
                 "error": endless, "severity": "error", "timestamp": 1_700_000_000_000}
            )  # fmt: skip
            device.say({"type": "session_started", "session_id": long, "session_name": endless})
            for place in (".note", ".recording", ".console"):
                browser.wait_for(shows(place, endless[:200]))
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            assert not browser.evaluate(shows(".sensor", endless[:200]))
            browser.press(".sensor .unfold")
            browser.wait_for(shows(".sensor", endless[:200]))
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        browser.resize(1400, 1000)


def test_a_phone_shows_streams_before_sensors_with_targets_for_a_finger(
    device: ScriptedDevice, browser: Browser
) -> None:
    browser.resize(390, 844)
    try:
        box = "document.querySelector({}).getBoundingClientRect()"
        start = box.format("'.start-stream button'")
        assert browser.evaluate(f"{start}.bottom + scrollY") < 844
        live_top = browser.evaluate(box.format("'.live'") + ".top")
        assert live_top < browser.evaluate(box.format("'.sensors'") + ".top")
        heights = browser.evaluate(
            "[...document.querySelectorAll('.panel :is(summary, button, select)')]"
            ".filter(node => node.checkVisibility())"
            ".map(node => node.getBoundingClientRect().height)"
        )
        assert heights
        assert min(heights) >= 32
    finally:
        browser.resize(1400, 1000)


def test_a_command_that_cannot_be_sent_is_told(
    server: MockServer, device: ScriptedDevice, browser: Browser
) -> None:
    refused = live(
        browser,
        "(await import('/static/js/main.js')).devices.link.command('nobody', 'ping', {})"
        ".catch(error => error.message)",
    )
    assert "nobody" in refused


def test_an_answer_may_be_faster_than_the_word_that_its_command_was_sent(
    server: MockServer, browser: Browser
) -> None:
    events = browser.evaluate(
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


def test_the_page_finds_its_devices_again_after_the_server_was_away(browser: Browser) -> None:
    with MockServer() as server:
        port = int(server.admin_url.rpartition(":")[2])
        browser.open(server.admin_url)
        with ScriptedDevice(server, "before"):
            browser.wait_for(shows(".source-name", "before"))
    browser.wait_for(shows("#devices-link", "live link lost"))
    with MockServer(admin_port=port) as server, ScriptedDevice(server, "after"):
        browser.wait_for(shows(".source-name", "after"))
        browser.wait_for("document.getElementById('devices-link').textContent === ''")


def test_the_bare_form_is_spoken_too(browser: Browser) -> None:
    with MockServer(profile="documented") as server, ScriptedDevice(server) as device:
        browser.open(server.admin_url)
        browser.wait_for(shows(".source-name", "esp32-001"))
        browser.press(".start-stream button")
        started = device.hear("start_stream")
        assert started["interval_ms"] == 20
        browser.wait_for(shows(".running", "all metrics"))
        browser.press(".running button")
        assert device.hear("stop_stream")["id"] == started["id"]
        browser.type(".sensor .rate-input", "3")
        browser.press(".sensor button")
        assert device.hear("configure")["config"] == {"sample_rate": 3}
        browser.press(".command button")
        asked = device.hear("execute")
        assert asked["command"] == "reboot"
        device.output(asked["id"], "start", command="reboot")
        browser.click("Cancel")
        assert device.hear("cancel")["id"] == asked["id"]
        device.output(asked["id"], "error", error="cancelled")
        browser.wait_for(shows(".console .line", "cancelled"))
        browser.wait_for("document.querySelectorAll('.output .running li').length === 0")
        browser.press(".start-session button")
        session = device.hear("start_session")["session_id"]
        device.say({"type": "session_started", "session_id": session, "session_name": "n"})
        browser.wait_for(shows(".recording", "n"))
        browser.press(".recording button")
        assert device.hear("stop_session")["session_id"] == session


@pytest.fixture
def bare(browser: Browser) -> Iterator[ScriptedDevice]:
    """A device that the page shows, of a server that speaks in bare messages."""
    with MockServer(profile="documented") as server, ScriptedDevice(server) as device:
        browser.open(server.admin_url)
        browser.wait_for(shows(".source-name", "esp32-001"))
        yield device


def refuse(device: ScriptedDevice, source: str, words: str) -> None:
    device.say(
        {"type": "device_error", "source_id": device.source_id, "source": source, "error": words,
         "severity": "warning", "timestamp": int(time.time() * 1000)}
    )  # fmt: skip


@pytest.mark.parametrize("command", ["start_stream", "start_session"])
def test_a_bare_command_that_the_device_refuses_is_told(
    bare: ScriptedDevice, browser: Browser, command: str
) -> None:
    browser.press(f".{command.replace('_', '-')} button")
    bare.hear(command)
    refuse(bare, command, "streams: 8 run; stop one")
    browser.wait_for(shows(".note", f"{command}: streams: 8 run; stop one"))


def test_a_bare_configuration_that_nobody_refuses_is_done(
    bare: ScriptedDevice, browser: Browser
) -> None:
    browser.press(".sensor summary")
    browser.type(".sensor [aria-label^=Driver]", '{"gain": 2}')
    browser.press(".sensor button")
    assert bare.hear("configure")["config"] == {"gain": 2}
    browser.wait_for(shows(".sensor .result", "not refused: gain 2"))
    assert browser.evaluate("document.querySelector('.sensor [aria-label^=Driver]').value") == ""


def test_a_bare_configuration_that_the_device_refuses_can_be_mended(
    bare: ScriptedDevice, browser: Browser
) -> None:
    browser.press(".sensor summary")
    browser.type(".sensor [aria-label^=Driver]", '{"gain": 3}')
    browser.press(".sensor button")
    bare.hear("configure")
    refuse(bare, "bme280", "gain: 3; give 1, 2 or 4")
    browser.wait_for(shows(".sensor .result.bad", "gain: 3; give 1, 2 or 4"))
    options = "document.querySelector('.sensor [aria-label^=Driver]').value"
    assert browser.evaluate(options) == '{"gain": 3}'
