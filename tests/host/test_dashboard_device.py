"""A person at the page and the firmware on a board: what is watched, recorded and asked there."""

from itertools import pairwise

from playwright.sync_api import Page

from tests.fixtures.browser import see
from tests.fixtures.firmware import Devices
from tests.fixtures.server import ServerView
from tests.host.test_dashboard import card

SOURCE = "virtual-1"
IMU = {"driver": "mpu6050", "bus": "i2c0", "interval_ms": 100, "prefix": "imu.", "name": "imu"}


def test_what_a_person_records_at_the_page_is_stored_once(
    device: Devices, page: Page, server: ServerView
) -> None:
    mock = server.mock
    mock.wait_until(lambda mock: not any(known["connected"] for known in mock.devices()))
    mock.reset()
    device(sensors=[IMU], agent={"url": mock.ws_url}, endpoint=server.device["ingest"])
    page.goto(mock.admin_url)
    see(page, "#tabs", SOURCE)
    see(page, ".sensor", "imu.acceleration")

    page.select_option(".start-stream select", "0")
    page.get_by_role("button", name="Start stream", exact=True).click()
    drawn = f"(async () => ({card('imu.acceleration', SOURCE)})?.readings.length ?? 0)()"
    mock.wait_until(lambda _: page.evaluate(drawn) >= 10, 20)

    page.fill(".rate-input", "20")
    page.click(".sensor button")
    mock.wait_until(lambda mock: mock.device(SOURCE)["sensors"][0]["sample_rate"] == 20)

    page.fill(".session-name", "Motor test")
    page.click(".start-session button")
    see(page, ".recording", "Motor test")
    mock.wait_until(lambda mock: mock.sessions() and mock.sessions()[0]["points"] >= 30, 20)
    page.click(".recording button")
    mock.wait_until(lambda mock: mock.sessions()[0]["status"] == "completed", 20)

    page.get_by_role("button", name="Run memory").click()
    see(page, ".console .event", "exit")

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


def test_what_is_watched_at_the_platform_comes_over_http_and_is_drawn_live(
    device: Devices, page: Page, platform: ServerView
) -> None:
    mock = platform.mock
    device(sensors=[IMU], agent={"url": mock.ws_url}, endpoint=platform.device["ingest"])
    page.goto(mock.admin_url)
    see(page, "#tabs", SOURCE)
    see(page, ".sensor", "imu.acceleration")

    page.get_by_role("button", name="Start stream", exact=True).click()
    see(page, ".running", "all metrics")
    drawn = f"(async () => ({card('imu.acceleration', SOURCE)})?.readings.length ?? 0)()"
    before = page.evaluate(drawn)
    mock.wait_until(lambda _: page.evaluate(drawn) >= before + 20, 20)

    known = mock.device(SOURCE)
    assert (known["frames"], known["violations"]) == (0, [])
    assert not any(point["duplicate"] or point["via"] == "socket" for point in mock.points())
