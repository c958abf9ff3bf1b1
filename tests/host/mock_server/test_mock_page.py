"""The mock server's page, in headless Chromium."""

import time
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.fixtures.browser import see
from tests.fixtures.posts import KEY
from tools.mock_server import MockServer


@pytest.fixture
def server(server: MockServer, page: Page) -> MockServer:
    """A server without readings, its page open."""
    page.goto(server.admin_url)
    expect(page.locator("#link")).to_have_text("live")
    return server


def post(server: MockServer, *points: dict[str, Any]) -> requests.Response:
    document = {"source_id": "esp32-001", "points": list(points)}
    return requests.post(server.url + "/api/ingest", json=document, headers=KEY, timeout=10)


def test_an_empty_page_says_how_to_send_a_reading(server: MockServer, page: Page) -> None:
    see(page, "#example", f"curl {server.url}/api/ingest")


def test_a_reading_appears_as_a_chart_and_in_the_tables(server: MockServer, page: Page) -> None:
    post(server, {"metric": "temperature", "value": 21.5, "tags": {"location": "lab"}})
    expect(page.locator(".card canvas").first).to_be_visible()
    see(page, "#charts", "temperature")
    see(page, "#charts", "21.5")
    see(page, "#points", "location=lab")
    see(page, "#requests", "1 point stored")
    expect(page.locator("#empty")).to_be_hidden()


def test_readings_that_stream_in_extend_the_chart(server: MockServer, page: Page) -> None:
    for value in (1, 2, 3):
        post(server, {"metric": "t", "value": value})
        expect(page.locator(".card .value")).to_have_text(str(value))
    expect(page.locator(".card")).to_have_count(1)


def test_a_late_reading_is_put_where_its_time_belongs(server: MockServer, page: Page) -> None:
    now = int(time.time() * 1000)
    post(server, {"metric": "t", "value": 7, "timestamp": now})
    post(server, {"metric": "t", "value": 5, "timestamp": now - 60_000})
    see(page, "#points", "1 min")
    expect(page.locator(".card .value")).to_have_text("7")


def test_an_object_has_a_line_for_each_key(server: MockServer, page: Page) -> None:
    post(server, {"metric": "imu", "value": {"x": 1.5, "y": 2.5, "z": 9.75}})
    see(page, "#charts", "9.75")
    expect(page.locator(".card .key")).to_have_text(["x", "y", "z"])


def test_states_are_drawn_as_a_strip(server: MockServer, page: Page) -> None:
    now = int(time.time() * 1000)
    states = ["idle", "idle", "running", "error"]
    post(server, *({"metric": "state", "value": state, "timestamp": now + 1000 * index}
                   for index, state in enumerate(states)))  # fmt: skip
    expect(page.locator(".strip rect")).to_have_count(3)
    see(page, "#charts", "running")


def test_an_array_is_drawn_as_a_waveform(server: MockServer, page: Page) -> None:
    post(server, {"metric": "wave", "value": [1, 2.5, 3]})
    expect(page.locator(".card canvas").first).to_be_visible()
    see(page, "#charts", "3 values")


def test_markup_in_readings_is_shown_as_text(server: MockServer, page: Page) -> None:
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
        see(page, f"#{identity}", hostile)
    expect(page.locator("main img, main script")).to_have_count(0)
    assert page.evaluate("window.hacked === undefined")


def test_the_page_may_load_nothing_from_elsewhere(server: MockServer, page: Page) -> None:
    post(server, {"metric": "t", "value": 1})
    expect(page.locator(".card canvas").first).to_be_visible()
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded
    assert all(name.startswith((server.admin_url, "data:")) for name in loaded)
    # By the page's own rule: without a network nothing would come from there anyway.
    refused = page.evaluate(
        """new Promise((resolve) => {
          addEventListener("securitypolicyviolation", (event) => resolve(event.blockedURI));
          fetch("https://example.com/").catch(() => setTimeout(resolve, 1000, "not by the page"));
        })"""
    )
    assert refused == "https://example.com/"


def test_a_fault_button_scripts_a_fault_that_the_page_lists(server: MockServer, page: Page) -> None:
    page.select_option("#times", "3")
    page.get_by_role("button", name="503", exact=True).click()
    see(page, "#pending", "3 requests: status 503")
    assert server.faults() == [{"times": 3, "status": 503}]
    assert post(server, {"metric": "t", "value": 1}).status_code == 503
    see(page, "#pending", "2 requests: status 503")
    see(page, "#requests", "scripted status 503: 1 point not stored")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator("#pending > *")).to_have_count(0)
    assert server.faults() == []


@pytest.mark.parametrize(
    "label",
    ["503", "429", "400", "401", "HTML portal", "Wrong count", "Stall", "Cut answer",
     "Lost answer", "Slow 3 s"],
)  # fmt: skip
def test_every_fault_button_scripts_something(server: MockServer, page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()
    server.wait_until(lambda s: len(s.faults()) == 1)


def test_the_outage_button_starts_an_outage_that_the_page_survives(
    server: MockServer, page: Page
) -> None:
    page.get_by_role("button", name="Outage 5 s", exact=True).click()
    see(page, "#link", "outage")
    with pytest.raises(requests.ConnectionError):
        post(server)
    page.get_by_role("button", name="Clear", exact=True).click()
    see(page, "#link", "live")
    assert post(server).status_code == 200


def test_a_session_appears_with_its_status(server: MockServer, page: Page) -> None:
    session = {"session_id": "test-001", "name": "Motor Test Run", "source_id": "s"}
    requests.post(server.url + "/api/sessions", json=session, headers=KEY, timeout=10)
    see(page, "#sessions", "Motor Test Run")
    see(page, "#sessions", "active")


def test_a_duplicate_is_marked(server: MockServer, page: Page) -> None:
    for _ in range(2):
        post(server, {"metric": "t", "value": 1, "timestamp": 1_700_000_000})
    see(page, "#points", "again")
    expect(page.locator("#totals .warn").first).to_be_visible()


def test_reset_empties_the_page(server: MockServer, page: Page) -> None:
    post(server, {"metric": "t", "value": 1})
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("button", name="Reset all", exact=True).click()
    expect(page.locator(".card")).to_have_count(0)
    see(page, "#points", "No reading yet")
    post(server, {"metric": "again", "value": 1})
    see(page, "#charts", "again")


def test_a_page_opened_later_shows_what_was_before(server: MockServer, page: Page) -> None:
    post(server, *({"metric": f"m{n}", "value": n} for n in range(3)))
    page.goto(server.url)
    expect(page.locator(".card")).to_have_count(3)


def test_the_page_says_that_the_server_is_gone_and_comes_back(page: Page) -> None:
    with MockServer() as server:
        port = int(server.admin_url.rpartition(":")[2])
        page.goto(server.admin_url)
        see(page, "#link", "live")
    see(page, "#link", "server unreachable")
    with MockServer(admin_port=port) as server:
        see(page, "#link", "live")
        post(server, {"metric": "t", "value": 42})
        see(page, "#charts", "42")
