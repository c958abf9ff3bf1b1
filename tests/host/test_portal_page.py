"""The portal's page on a phone without JavaScript: MicroPython in a board's heap serves it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.fixtures.browser import WAIT_MS, see
from tests.fixtures.ports import Ports
from tools import build
from tools.artifacts import micropython, payload
from tools.build import REPOSITORY
from tools.mock_server import MockServer

MODELS = REPOSITORY / "tests" / "models"
PROGRAM = REPOSITORY / "tests" / "device" / "portal_program.py"
# A word here is twice as long as on a board, which has about 140 kB.
HEAP = "220k"
HEAP_OF_PAGE = "150k"
HEARD = [
    ("Home & Garden", "secret123", -48),
    ("Fritz!Box 7590 <b>", "secret123", -62),
    ("Café au lait", None, -74),
    ("A network with a name of 32 byte", "secret123", -85),
]


@pytest.fixture(scope="module")
def trees() -> list[Path]:
    """What a board gets, as deployed, and the test's own program."""
    made = REPOSITORY / "build" / "test" / "portal"
    shutil.rmtree(made, ignore_errors=True)
    arch = build.host_arch()
    for path, content in (payload.library(arch) | payload.program(arch)).items():
        target = made / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    build.compile_file(MODELS / "network.py", made / "tests" / "models" / "network.mpy", arch)
    build.compile_file(PROGRAM, made / "tests" / f"{PROGRAM.stem}.mpy", arch)
    return [made / "lib", made / "tests"]


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


class Device:
    """A program with an open portal."""

    def __init__(
        self, trees: list[Path], ports: Ports, directory: Path, endpoint: str, heap: str = HEAP
    ) -> None:
        self.directory = directory
        self.url = f"http://127.0.0.1:{ports.device['tcp']}/"
        self.process = subprocess.Popen(
            micropython.command(PROGRAM.stem, heap=heap),
            env=micropython.environment(*trees),
            cwd=trees[0],  # the working directory comes first: not the sources
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        place = {"directory": str(directory), "endpoint": endpoint, "heard": HEARD, **ports.device}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(place))
        self.process.stdin.close()
        line = self.process.stdout.readline()
        assert line == "open\n", line + self.process.stdout.read()

    def end(self) -> str:
        """What it says till its end."""
        assert self.process.stdout
        return self.process.stdout.read()

    def configuration(self) -> dict[str, Any]:
        return json.loads((self.directory / "plexus.json").read_text())


@pytest.fixture
def device(trees: list[Path], ports: Ports, tmp_path: Path, server: MockServer) -> Iterator[Device]:
    server.reset()
    device = Device(trees, ports, tmp_path, server.url + "/api/ingest")
    yield device
    device.process.kill()
    device.process.wait()


@pytest.fixture(scope="module", params=["light", "dark"])
def phone(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    with chromium.new_context(
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        java_script_enabled=False,
        color_scheme=request.param,
    ) as context:
        context.set_default_timeout(WAIT_MS)
        yield context.new_page()


def fill(phone: Page, network: str = "Home & Garden", password: str = "secret123") -> None:
    phone.click(f"input[value={json.dumps(network)}]")
    phone.fill("input[name=wifi_password]", password)
    phone.fill("input[name=api_key]", "plx_phone")
    phone.fill("input[name=source_id]", "greenhouse-1")


def test_a_person_sets_the_device_up(device: Device, phone: Page, server: MockServer) -> None:
    phone.goto(device.url)
    see(phone, "body", "Set up this device")
    fill(phone)
    phone.click("button")
    see(phone, "h1", "The device is set up")
    assert device.end() == "saved\n"
    assert device.configuration() == {
        "api_key": "plx_phone",
        "source_id": "greenhouse-1",
        "endpoint": server.url + "/api/ingest",
        "wifi": [{"ssid": "Home & Garden", "password": "secret123"}],
    }
    assert server.counts()["points"] == 0


def test_the_page_shows_names_as_text_and_fits_the_phone(device: Device, phone: Page) -> None:
    phone.goto(device.url)
    see(phone, "body", "Set up this device")
    for text in ("Fritz!Box 7590 <b>", "Café au lait", "BME280 at 0x76 on i2c0", "plexus-010203"):
        see(phone, "body", text)
    width = "document.documentElement.scrollWidth"
    assert phone.evaluate(width) == 390
    touched = "[...document.querySelectorAll('.net, button, .field input')]"
    heights = phone.evaluate(touched + ".map(e => e.offsetHeight).filter(high => high > 0)")
    assert min(heights) >= 44  # as a finger needs


def test_the_name_of_a_hidden_network_is_asked_for_where_it_is_wanted(
    device: Device, phone: Page
) -> None:
    phone.goto(device.url)
    see(phone, "body", "Another network")
    name = phone.locator("input[name=other]")
    expect(name).to_be_hidden()
    phone.click("label[for=other]")
    expect(name).to_be_visible()


def test_a_wrong_password_brings_the_form_back(device: Device, phone: Page) -> None:
    phone.goto(device.url)
    see(phone, "body", "Set up this device")
    fill(phone, password="not-this-one")
    phone.click("button")
    see(phone, "body", "Joining Home & Garden")
    see(phone, "body", "Save it all the same")
    see(phone, ".bad", "Home & Garden: wrong password")
    phone.fill("input[name=wifi_password]", "secret123")
    phone.click("button")
    see(phone, "h1", "The device is set up")
    assert device.end() == "saved\n"
    assert device.configuration()["api_key"] == "plx_phone"  # it was not typed again


def test_a_refused_key_is_told(device: Device, phone: Page, server: MockServer) -> None:
    phone.goto(device.url)
    see(phone, "body", "Set up this device")
    fill(phone)
    phone.fill("input[name=api_key]", "plx_readonly")
    phone.click("button")
    see(phone, "body", "403")
    assert not (device.directory / "plexus.json").exists()


def test_the_page_loads_nothing_else(device: Device, phone: Page) -> None:
    phone.goto(device.url)
    see(phone, "body", "Set up this device")
    loaded = "performance.getEntriesByType('resource').map(e => e.name)"
    assert [name for name in phone.evaluate(loaded) if not name.startswith("data:")] == []


def test_the_page_is_served_in_a_small_heap(
    trees: list[Path], ports: Ports, tmp_path: Path, server: MockServer
) -> None:
    device = Device(trees, ports, tmp_path, server.url + "/api/ingest", HEAP_OF_PAGE)
    try:
        for _ in range(50):
            page = requests.get(device.url, timeout=10).text
            assert page.endswith("</html>")
    finally:
        device.process.kill()
        device.process.wait()
