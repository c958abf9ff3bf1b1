"""A person at the page and the firmware on a board: what is watched, recorded and asked there."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.fixtures.browser import Browser, needs_chromium
from tests.fixtures.firmware import Devices
from tests.fixtures.server import ServerView
from tests.host.test_dashboard import card, shows

SOURCE = "virtual-1"
IMU = {"driver": "mpu6050", "bus": "i2c0", "interval_ms": 100, "prefix": "imu.", "name": "imu"}

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.mark.parametrize("profile", ["server", "gateway"])
def test_what_a_person_records_at_the_page_is_stored_once(
    profile: str, device: Devices, browser: Browser, request: pytest.FixtureRequest
) -> None:
    view: ServerView = request.getfixturevalue(profile)
    mock = view.mock
    mock.wait_until(lambda mock: not any(known["connected"] for known in mock.devices()))
    mock.reset()
    device(sensors=[IMU], agent={"url": mock.ws_url}, endpoint=view.device["ingest"])
    browser.open(mock.admin_url)
    browser.wait_for(shows("#tabs", SOURCE))
    browser.wait_for(shows(".sensor", "imu.acceleration"))

    browser.evaluate("document.querySelector('.start-stream select').value = '0'")
    browser.click("Start stream")
    drawn = f"(async () => ({card('imu.acceleration', SOURCE)})?.readings.length ?? 0)()"
    mock.wait_until(lambda _: browser.evaluate(drawn) >= 10, 20)

    browser.type(".rate-input", "20")
    browser.press(".sensor button")
    mock.wait_until(lambda mock: mock.device(SOURCE)["sensors"][0]["sample_rate"] == 20)

    browser.type(".session-name", "Motor test")
    browser.press(".start-session button")
    browser.wait_for(shows(".recording", "Motor test"))
    mock.wait_until(lambda mock: mock.sessions() and mock.sessions()[0]["points"] >= 30, 20)
    browser.press(".recording button")
    mock.wait_until(lambda mock: mock.sessions()[0]["status"] == "completed", 20)

    identify = "[...document.querySelectorAll('.command')].find(c => /^memory/.test(c.innerText))"
    browser.wait_for(f"({identify}).querySelector('button').click() ?? true")
    browser.wait_for(shows(".console .event", "exit"))

    (session,) = mock.sessions()
    assert session["name"] == "Motor test"
    points = [p for p in mock.points() if p["session_id"] == session["session_id"]]
    moving = [p for p in points if p["metric"] == "imu.acceleration"]
    assert len(points) == session["points"] and len(moving) >= 10
    assert not any(point["duplicate"] for point in points)
    # At the rate that was set, without a hole: 50 ms, and what a busy machine may be late.
    steps_ms = [b["timestamp_ms"] - a["timestamp_ms"] for a, b in pairwise(moving)]
    assert sorted(steps_ms)[len(steps_ms) // 2] <= 60
    assert mock.device(SOURCE)["violations"] == []
