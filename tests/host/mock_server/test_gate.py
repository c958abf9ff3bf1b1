"""Other sites' pages, which a browser lets ask anything, get nothing from the mock server."""

from collections.abc import Iterator

import pytest
import requests
from websockets.exceptions import InvalidStatus

from tests.fixtures.peers import device, peer
from tests.fixtures.posts import KEY, TIMEOUT_S, admin, batch, post
from tools.mock_server import MockServer

ELSEWHERE = "https://elsewhere.example"
# A page's own script may send this much without asking the server first (Fetch, section 2.2.5).
SIMPLE = {"Content-Type": "text/plain"}
OPEN = {"/ws/device", "/party/{org}", "/{path}"}


def behind_the_gate(server: MockServer) -> Iterator[tuple[str, str]]:
    """Method and path of every route that is not for devices."""
    for route in server._call(lambda s: list(s.app.router.routes())):
        assert route.resource is not None
        path = route.resource.canonical
        if path not in OPEN:
            path = path.replace("{source_id}", "dev-1").replace("{user_code}", "ABCD-EFGH")
            yield route.method, "/static/page.css" if path == "/static" else path


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": ELSEWHERE},
        {"Origin": "null"},
        {"Origin": "http://[::"},
        {"Origin": "http://localhost:1"},
        {"Host": "elsewhere.example"},
        {"Host": "elsewhere.example", "Origin": "http://elsewhere.example"},
        {"Host": "localhost.elsewhere.example:8080"},
        {"Host": "10.0.0.1"},
        {"Host": "[::"},
    ],
    ids=str,
)
@pytest.mark.parametrize("port", ["admin_url", "url"])
def test_every_route_but_the_devices_is_closed_to_other_pages(
    server: MockServer, port: str, foreign: dict[str, str]
) -> None:
    routes = list(behind_the_gate(server))
    assert len(routes) > 20
    for method, path in routes:
        answer = requests.request(
            method, getattr(server, port) + path, headers=SIMPLE | foreign, timeout=TIMEOUT_S
        )
        assert answer.status_code == 403, (method, path)
        if method != "HEAD":
            assert "this server's" in answer.json()["error"]


def test_what_another_page_asks_for_is_not_done(server: MockServer) -> None:
    post(server)
    with device(server):
        for path, body in (
            ("/admin/reset", ""),
            ("/admin/faults", '{"status": 503}'),
            ("/admin/devices/dev-1/commands", '{"command": "blink"}'),
        ):
            admin(server, "POST", path, data=body, headers=SIMPLE | {"Origin": ELSEWHERE})
        said = [row["message"]["type"] for row in server.messages("dev-1")]
    assert server.counts()["points"] == 1
    assert server.faults() == []
    assert said == ["device_auth", "authenticated"]


def test_another_page_may_not_watch_and_the_own_one_may(server: MockServer) -> None:
    url = server.admin_url.replace("http", "ws") + "/admin/live"
    with peer(url, origin=server.admin_url) as page:
        assert page.hear()["type"] == "devices"
    with pytest.raises(InvalidStatus) as refused, peer(url, origin=ELSEWHERE):
        pass
    assert refused.value.response.status_code == 403


def test_the_own_page_may_do_everything(server: MockServer) -> None:
    post(server)
    answer = admin(server, "POST", "/admin/reset", headers={"Origin": server.admin_url})
    assert answer.status_code == 200
    assert server.counts()["points"] == 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8080"])
def test_this_computer_has_several_names(server: MockServer, host: str) -> None:
    assert admin(server, "GET", "/admin/counts", headers={"Host": host}).status_code == 200


def test_a_server_has_its_address_and_the_names_it_was_given() -> None:
    with MockServer(host="0.0.0.0", names=["Mock.example"]) as server:
        base = server.admin_url.replace("127.0.0.1", "127.0.0.2")

        def status(host: str) -> int:
            answer = requests.get(base + "/admin/counts", headers={"Host": host}, timeout=TIMEOUT_S)
            return answer.status_code

        known = [status(host) for host in ("127.0.0.2", "mock.example:8081", "localhost")]
        assert known == [200, 200, 200]
        assert [status(host) for host in ("127.0.0.3", "0.0.0.1", "a.mock.example")] == [403] * 3


def test_devices_are_asked_for_their_key_and_not_for_where_they_come_from(
    server: MockServer,
) -> None:
    foreign = {"Host": "elsewhere.example", "Origin": ELSEWHERE}
    answer = post(server, batch(1), headers=KEY | foreign)
    assert answer.status_code == 200
    with peer(server.ws_url, origin=ELSEWHERE):
        pass
