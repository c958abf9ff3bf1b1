"""The servers of the mock server's own tests: one of each profile, reset before each test."""

import dataclasses
from collections.abc import Iterator

import pytest

from tools.mock_server import MockServer
from tools.mock_server.profiles import PROFILES, Profile


# As many messages and points as a test likes.
def patient(name: str) -> Profile:
    return dataclasses.replace(PROFILES[name], telemetry_rate=None, message_rate=None)


@pytest.fixture(scope="session")
def patient_gateway() -> Iterator[MockServer]:
    with MockServer(patient("gateway"), rate_limit=0) as mock:
        yield mock


@pytest.fixture(scope="session")
def patient_platform() -> Iterator[MockServer]:
    with MockServer(patient("platform"), rate_limit=0) as mock:
        yield mock


def fresh(mock: MockServer) -> MockServer:
    mock.restore()
    mock.reset()
    return mock


@pytest.fixture
def server(documented_server: MockServer) -> MockServer:
    return fresh(documented_server)


@pytest.fixture
def gateway(patient_gateway: MockServer) -> MockServer:
    return fresh(patient_gateway)


@pytest.fixture
def platform(patient_platform: MockServer) -> MockServer:
    return fresh(patient_platform)


@pytest.fixture(
    params=[pytest.param("server", id="documented"), pytest.param("gateway", id="behind_gateway")]
)
def either(request: pytest.FixtureRequest) -> MockServer:
    return request.getfixturevalue(request.param)
