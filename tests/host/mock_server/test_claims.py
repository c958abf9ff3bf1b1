"""Claims at the mock server: a device gets a key that a person approves."""

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from tests.fixtures.browser import see
from tests.fixtures.posts import TIMEOUT_S, admin, batch, post
from tools.mock_server import MockServer
from tools.mock_server.faults import FaultError


def claim(server: MockServer, **more: Any) -> dict[str, Any]:
    answer = requests.post(server.url + "/api/auth/claim", timeout=TIMEOUT_S, **more)
    assert answer.status_code == 201
    return answer.json()


def poll(server: MockServer, device_code: str) -> requests.Response:
    return requests.get(f"{server.url}/api/auth/claim/{device_code}", timeout=TIMEOUT_S)


def test_a_claim_has_a_code_for_the_device_and_one_for_the_person(platform: MockServer) -> None:
    found = claim(platform, json={"name": "Shed"})
    assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", found["user_code"])
    assert found["verification_url"] == f"{platform.url}/claim/{found['user_code']}"
    assert (found["expires_in"], found["interval"]) == (900, 5)
    pending = {"user_code": found["user_code"], "name": "Shed", "status": "pending"}
    assert platform.claims() == [pending]
    assert admin(platform, "GET", "/admin/claims").json() == {"claims": [pending]}


def test_a_claim_needs_no_body(platform: MockServer) -> None:
    claim(platform)
    assert platform.claims()[0]["name"] is None


def test_a_key_is_given_out_once_when_the_claim_is_approved() -> None:
    with MockServer("platform", api_keys=["plx_a"]) as server:
        found = claim(server)
        assert poll(server, found["device_code"]).json()["status"] == "pending"
        server.decide(found["user_code"], "approved")
        given = poll(server, found["device_code"]).json()
        assert (given["status"], given["org_id"]) == ("approved", "org_mock")
        assert poll(server, found["device_code"]).json() == {"status": "expired"}
        key = {"x-api-key": given["api_key"]}
        assert post(server, batch(1), "/ingest", headers=key).status_code == 200
        assert post(server, batch(1), "/ingest").status_code == 401
        assert given["api_key"] not in str(server.requests(bodies=True))


def test_a_key_that_did_not_arrive_is_lost(platform: MockServer) -> None:
    found = claim(platform)
    platform.decide(found["user_code"], "approved")
    platform.script({"status": 503})
    assert poll(platform, found["device_code"]).status_code == 503
    platform.script({"read_then_reset": True, "store": True})
    with pytest.raises(requests.ConnectionError):
        poll(platform, found["device_code"])
    assert poll(platform, found["device_code"]).json() == {"status": "expired"}


@pytest.mark.parametrize("decision", ["denied", "expired"])
def test_a_claim_that_is_not_approved_ends(platform: MockServer, decision: str) -> None:
    found = claim(platform)
    path = f"/admin/claims/{found['user_code']}"
    answer = admin(platform, "POST", path, json={"decision": decision})
    assert answer.json()["status"] == decision
    assert poll(platform, found["device_code"]).json() == {"status": decision}
    answer = admin(platform, "POST", path, json={"decision": "approved"})
    assert (answer.status_code, "is pending" in answer.json()["error"]) == (400, True)


def test_an_unknown_claim_is_404(platform: MockServer) -> None:
    assert poll(platform, "nobody").status_code == 404
    with pytest.raises(FaultError, match="no claim 'nobody' is pending"):
        platform.decide("nobody", "approved")
    with pytest.raises(FaultError, match="decision must be one of"):
        platform.decide("nobody", "yes")


def test_too_many_claims_and_polls_are_told_to_wait(platform: MockServer) -> None:
    codes = [claim(platform)["device_code"] for _ in range(10)]
    answer = requests.post(platform.url + "/api/auth/claim", timeout=TIMEOUT_S)
    while answer.status_code == 201:  # a machine that slow
        answer = requests.post(platform.url + "/api/auth/claim", timeout=TIMEOUT_S)
    assert (answer.status_code, answer.json()["error"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 6
    while (answer := poll(platform, codes[0])).status_code == 200:
        pass
    assert 1 <= int(answer.headers["Retry-After"]) <= 2


def test_a_reset_forgets_claims(platform: MockServer) -> None:
    found = claim(platform)
    platform.reset()
    assert platform.claims() == []
    assert poll(platform, found["device_code"]).status_code == 404


def test_claims_are_of_the_platform(server: MockServer) -> None:
    answer = requests.post(server.url + "/api/auth/claim", timeout=TIMEOUT_S)
    assert answer.status_code == 404


def test_a_person_approves_at_the_claims_address(platform: MockServer, page: Page) -> None:
    found = claim(platform)
    page.goto(found["verification_url"])
    see(page, "#code", found["user_code"])
    page.get_by_role("button", name="Approve").click()
    see(page, "#outcome", "approved")
    assert poll(platform, found["device_code"]).json()["status"] == "approved"
