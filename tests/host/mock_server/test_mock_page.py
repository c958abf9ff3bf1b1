"""The mock server's page, in headless Chromium over the DevTools protocol."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.fixtures.browser import Browser, needs_chromium
from tests.fixtures.posts import KEY
from tools.mock_server import MockServer

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def server(server: MockServer, browser: Browser) -> MockServer:
    """A server without readings, its page open."""
    browser.open(server.admin_url)
    browser.wait_for("document.getElementById('link').textContent === 'live'")
    return server


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
