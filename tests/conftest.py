"""What host and device tests share: the fixtures, and the option that forbids skipping."""

import gc
import os
from collections.abc import Generator

import hypothesis
import pytest

# A machine that does other things too is slow at times; how fast code is, is no matter of these.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

# Those first that others import.
pytest_plugins = [
    "tests.fixtures.server",
    "tests.fixtures.boards",
    "tests.fixtures.browser",
    "tests.fixtures.commands",
    "tests.fixtures.ntp",
    "tests.fixtures.ports",
    "tests.fixtures.proxy",
    "tests.fixtures.virtual_board",
    "tests.fixtures.firmware",
    "tests.fixtures.websocket_server",
]

# Files that take half a minute or more.
LONGEST = (
    "test_demo",
    "test_soak",
    "test_types",
    "test_sensors",
    "test_deploy",
    "test_virtual_board",
    "test_board_bench",
    "test_websocket_conformance",
    "test_agent_fuzz",
    "test_agent_day",
    "test_agent_corpus",
    "test_config_schema",
    "test_doctor",
    "test_provision",
    "test_dashboard",
    "test_dashboard_device",
    "test_bench",
    "test_firmware_faults",
    "test_portal_page",
    "test_readme",
    "test_mock_page",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skip", action="store_true", help="a test that is skipped has failed")
    parser.addoption(
        "--requests", help="the folder of a requests.py, in place of those on MicroPython"
    )


def pytest_xdist_auto_num_workers() -> int:
    """Workers of `-n auto`: two a processor, as many tests wait for clocks and sockets."""
    return 2 * (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Without Python's collector: of thousands of items, all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those files first that take longest, so that no worker has one when the others are done."""
    first = {f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path.name, len(first)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("no_skip"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which --no-skip forbids: {report.longrepr}"
    return report
