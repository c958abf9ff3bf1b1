"""The mock server's page, in headless Chromium over the DevTools protocol."""

import asyncio
import base64
import itertools
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import requests

from tools.mock_server import MockServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_S = 20.0
KEY = {"x-api-key": "plx_test"}


class Browser:
    """One tab of a headless Chromium, driven synchronously."""

    def __init__(self, width: int = 1400, height: int = 1000, dark: bool = False) -> None:
        self._runner = asyncio.Runner()
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._size = (width, height)
        self._dark = dark
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        self._runner.run(self._start())
        return self

    def __exit__(self, *_exception: object) -> None:
        self._runner.run(self._stop())
        self._runner.close()
        self._profile.cleanup()

    def open(self, url: str) -> None:
        self._runner.run(self._call("Page.navigate", url=url))

    def evaluate(self, script: str) -> Any:
        """The JSON-able value of a JavaScript expression; promises are awaited."""
        result = self._runner.run(
            self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Return when the expression is true; what it throws counts as not yet."""
        attempt = (
            f"(() => {{ try {{ return !!({script}); }} catch (error) {{ return false; }} }})()"
        )
        deadline = time.monotonic() + WAIT_S
        while not self.evaluate(attempt):
            if time.monotonic() > deadline:
                text = self.evaluate("document.body.innerText")
                raise TimeoutError(f"never true: {script}\nThe page says:\n{text}")
            time.sleep(0.05)

    def click(self, label: str) -> None:
        """Press the button with exactly that text."""
        self.wait_for(
            "(() => { const found = [...document.querySelectorAll('button')].find("
            f"b => b.textContent === {json.dumps(label)}); found?.click(); return !!found; }})()"
        )

    def screenshot(self, path: Path | str) -> None:
        result = self._runner.run(self._call("Page.captureScreenshot", format="png"))
        Path(path).write_bytes(base64.b64decode(result["data"]))

    async def _start(self) -> None:
        assert CHROMIUM is not None
        self._process = await asyncio.create_subprocess_exec(
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--remote-debugging-port=0", f"--user-data-dir={self._profile.name}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stderr is not None
        async with asyncio.timeout(WAIT_S):
            async for line in self._process.stderr:
                if found := re.search(rb"DevTools listening on ws://([^/]+)/", line):
                    break
            else:
                raise RuntimeError("Chromium ended before it listened")
        self._drain = asyncio.create_task(self._process.stderr.read())
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://{found[1].decode()}/json/list") as response:
            pages = [item for item in await response.json() if item["type"] == "page"]
        self._socket = await self._session.ws_connect(
            pages[0]["webSocketDebuggerUrl"], max_msg_size=0
        )
        await self._call(
            "Emulation.setDeviceMetricsOverride",
            width=self._size[0], height=self._size[1], deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
        await self._call("Emulation.setEmulatedMedia", features=[scheme])

    async def _stop(self) -> None:
        await self._socket.close()
        await self._session.close()
        self._process.terminate()
        await self._process.wait()
        await self._drain

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(WAIT_S):
            while (message := await self._socket.receive_json()).get("id") != number:
                pass
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        return message["result"]


pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def server(shared: MockServer, browser: Browser) -> MockServer:
    """A server without readings, its page open."""
    shared.restore()
    shared.reset()
    browser.open(shared.admin_url)
    browser.wait_for("document.getElementById('link').textContent === 'live'")
    return shared


def post(server: MockServer, *points: dict[str, Any]) -> requests.Response:
    document = {"source_id": "esp32-001", "points": list(points)}
    return requests.post(server.url + "/api/ingest", json=document, headers=KEY, timeout=10)


def shows(identity: str, text: str) -> str:
    """A condition: the element with that id shows that text."""
    return f"document.getElementById({json.dumps(identity)}).innerText.includes({json.dumps(text)})"


def test_an_empty_page_says_how_to_send_a_reading(server: MockServer, browser: Browser) -> None:
    browser.wait_for(shows("example", f"curl {server.url}/api/ingest"))


def test_a_reading_appears_as_a_chart_and_in_the_tables(
    server: MockServer, browser: Browser
) -> None:
    post(server, {"metric": "temperature", "value": 21.5, "tags": {"location": "lab"}})
    browser.wait_for("document.querySelector('.card canvas')")
    browser.wait_for(shows("charts", "temperature"))
    browser.wait_for(shows("charts", "21.5"))
    browser.wait_for(shows("points", "location=lab"))
    browser.wait_for(shows("requests", "1 point stored"))
    assert browser.evaluate("document.getElementById('empty').hidden")


def test_readings_that_stream_in_extend_the_chart(server: MockServer, browser: Browser) -> None:
    for value in (1, 2, 3):
        post(server, {"metric": "t", "value": value})
        browser.wait_for(shows("charts", str(value)))
    assert browser.evaluate("document.querySelectorAll('.card').length") == 1


def test_a_late_reading_is_put_where_its_time_belongs(server: MockServer, browser: Browser) -> None:
    now = int(time.time() * 1000)
    post(server, {"metric": "t", "value": 7, "timestamp": now})
    post(server, {"metric": "t", "value": 5, "timestamp": now - 60_000})
    browser.wait_for(shows("points", "1 min"))
    assert browser.evaluate("document.querySelector('.card .value').textContent") == "7"


def test_an_object_has_a_line_for_each_key(server: MockServer, browser: Browser) -> None:
    post(server, {"metric": "imu", "value": {"x": 1.5, "y": 2.5, "z": 9.75}})
    browser.wait_for(shows("charts", "9.75"))
    keys = "[...document.querySelectorAll('.card .key')].map(node => node.textContent)"
    assert browser.evaluate(keys) == ["x", "y", "z"]


def test_states_are_drawn_as_a_strip(server: MockServer, browser: Browser) -> None:
    now = int(time.time() * 1000)
    states = ["idle", "idle", "running", "error"]
    post(server, *({"metric": "state", "value": state, "timestamp": now + 1000 * index}
                   for index, state in enumerate(states)))  # fmt: skip
    browser.wait_for("document.querySelectorAll('.strip rect').length === 3")
    browser.wait_for(shows("charts", "running"))


def test_an_array_is_drawn_as_a_waveform(server: MockServer, browser: Browser) -> None:
    post(server, {"metric": "wave", "value": [1, 2.5, 3]})
    browser.wait_for("document.querySelector('.card canvas')")
    browser.wait_for(shows("charts", "3 values"))


def test_markup_in_readings_is_shown_as_text(server: MockServer, browser: Browser) -> None:
    hostile = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    session = {"session_id": hostile, "name": hostile, "source_id": "s"}
    requests.post(server.url + "/api/sessions", json=session, headers=KEY, timeout=10)
    requests.get(server.url + "/" + hostile, headers=KEY, timeout=10)
    server.script({"body": hostile, "path": "/never"})
    post(
        server,
        {"metric": hostile, "value": hostile, "tags": {hostile: hostile}, hostile: 1},
        {"metric": hostile + "2", "value": {hostile: 1}},
        {"metric": hostile + "3", "value": [hostile]},
    )
    for identity in ("charts", "points", "sessions", "requests", "pending"):
        browser.wait_for(shows(identity, hostile))
    assert browser.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert browser.evaluate("window.hacked === undefined")


def test_the_page_may_load_nothing_from_elsewhere(server: MockServer, browser: Browser) -> None:
    post(server, {"metric": "t", "value": 1})
    browser.wait_for("document.querySelector('.card canvas')")
    loaded = browser.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded
    assert all(name.startswith((server.admin_url, "data:")) for name in loaded)
    refused = browser.evaluate("fetch('https://example.com').then(() => false, () => true)")
    assert refused


def test_a_fault_button_scripts_a_fault_that_the_page_lists(
    server: MockServer, browser: Browser
) -> None:
    browser.evaluate("document.getElementById('times').value = '3'")
    browser.click("503")
    browser.wait_for(shows("pending", "3 requests: status 503"))
    assert server.faults() == [{"times": 3, "status": 503}]
    assert post(server, {"metric": "t", "value": 1}).status_code == 503
    browser.wait_for(shows("pending", "2 requests: status 503"))
    browser.wait_for(shows("requests", "scripted status 503: 1 point not stored"))
    browser.click("Clear")
    browser.wait_for("document.getElementById('pending').children.length === 0")
    assert server.faults() == []


@pytest.mark.parametrize(
    "label",
    ["503", "429", "400", "401", "HTML portal", "Wrong count", "Stall", "Cut answer",
     "Lost answer", "Slow 3 s"],
)  # fmt: skip
def test_every_fault_button_scripts_something(
    server: MockServer, browser: Browser, label: str
) -> None:
    browser.click(label)
    server.wait_until(lambda s: len(s.faults()) == 1)


def test_the_outage_button_starts_an_outage_that_the_page_survives(
    server: MockServer, browser: Browser
) -> None:
    browser.click("Outage 5 s")
    browser.wait_for(shows("link", "outage"))
    with pytest.raises(requests.ConnectionError):
        post(server)
    browser.click("Clear")
    browser.wait_for(shows("link", "live"))
    assert post(server).status_code == 200


def test_a_session_appears_with_its_status(server: MockServer, browser: Browser) -> None:
    session = {"session_id": "test-001", "name": "Motor Test Run", "source_id": "s"}
    requests.post(server.url + "/api/sessions", json=session, headers=KEY, timeout=10)
    browser.wait_for(shows("sessions", "Motor Test Run"))
    browser.wait_for(shows("sessions", "active"))


def test_a_duplicate_is_marked(server: MockServer, browser: Browser) -> None:
    for _ in range(2):
        post(server, {"metric": "t", "value": 1, "timestamp": 1_700_000_000})
    browser.wait_for(shows("points", "again"))
    browser.wait_for("document.querySelector('#totals .warn')")


def test_reset_empties_the_page(server: MockServer, browser: Browser) -> None:
    post(server, {"metric": "t", "value": 1})
    browser.wait_for("document.querySelector('.card')")
    browser.click("Reset all")
    browser.wait_for("document.querySelector('.card') === null")
    browser.wait_for(shows("points", "No reading yet"))
    post(server, {"metric": "again", "value": 1})
    browser.wait_for(shows("charts", "again"))


def test_a_page_opened_later_shows_what_was_before(server: MockServer, browser: Browser) -> None:
    post(server, *({"metric": f"m{n}", "value": n} for n in range(3)))
    browser.open(server.url)
    browser.wait_for("document.querySelectorAll('.card').length === 3")


def test_the_page_says_that_the_server_is_gone_and_comes_back(browser: Browser) -> None:
    with MockServer() as server:
        port = int(server.admin_url.rpartition(":")[2])
        browser.open(server.admin_url)
        browser.wait_for(shows("link", "live"))
    browser.wait_for(shows("link", "server unreachable"))
    with MockServer(admin_port=port) as server:
        browser.wait_for(shows("link", "live"))
        post(server, {"metric": "t", "value": 42})
        browser.wait_for(shows("charts", "42"))
