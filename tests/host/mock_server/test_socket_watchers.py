"""Who watches the mock server's devices: what is relayed, and to whom."""

import pytest
import requests

from tests.fixtures.peers import (
    ACK,
    FAULT,
    HEARTBEAT,
    START,
    TIMEOUT_S,
    Raw,
    device,
    is_connected,
    telemetry,
    watcher,
)
from tools.mock_server import MockServer, watchers


def test_a_watcher_is_told_who_is_there_and_of_each_change(server: MockServer) -> None:
    with watcher(server) as page:
        assert page.hear() == {"type": "devices", "devices": []}
        with device(server):
            while not is_connected(page.hear()):
                pass
        while is_connected(page.hear()):
            pass


def test_what_a_device_says_is_relayed_with_its_source(server: MockServer) -> None:
    with device(server) as found, watcher(server) as page:
        server.command("dev-1", "start_stream")
        server.command("dev-1", "ping")
        command_id = server.command("dev-1", "blink")
        said = [
            telemetry(1), {"type": "pong"}, FAULT,
            {"type": "session_started", "session_id": "s"},
            {"type": "session_stopped", "session_id": "s"},
            {"type": "output", "id": command_id} | START,
        ]  # fmt: skip
        for message in said:
            found.say(message)
        relayed = []
        while len(relayed) < len(said):
            message = page.hear()
            if message["type"] != "devices":
                relayed.append(message)
    assert relayed == [message | {"source_id": "dev-1"} for message in said]


def test_command_results_are_relayed(gateway: MockServer) -> None:
    with device(gateway) as found, watcher(gateway) as page:
        page.say(type="command", source_id="dev-1", command="ping")
        sent = page.hear_until("sent")
        assert (sent["source_id"], sent["command"]) == ("dev-1", "ping")
        result = {"type": "command_result", "id": sent["id"], "command": "ping"} | ACK
        found.say(result)
        assert page.hear_until("command_result") == result | {"source_id": "dev-1"}


def test_a_message_that_was_refused_is_not_relayed(server: MockServer) -> None:
    with device(server) as found, watcher(server) as page:
        server.command("dev-1", "start_stream")
        found.say(telemetry(None))
        found.say(telemetry(5))
        assert page.hear_until("telemetry")["points"][0]["value"] == 5


def test_a_watcher_sends_commands(server: MockServer) -> None:
    with device(server) as found, watcher(server) as page:
        page.say(type="command", source_id="dev-1", command="start_stream", params={"id": "st"})
        assert found.hear() == {"type": "start_stream", "id": "st", "source_id": "dev-1"}
        answer = {"type": "sent", "source_id": "dev-1", "command": "start_stream", "id": "st"}
        assert page.hear_until("sent") == answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", 'type must be "command"'),
        ('{"type": "command"}', "no device 'None' has connected"),
        ('{"type": "command", "source_id": "dev-1"}', "command must be a string"),
        (
            '{"type": "command", "source_id": "dev-1", "command": "ping", "params": 1}',
            "params must be an object",
        ),
    ],
)
def test_what_a_watcher_may_not_is_refused_in_words(
    server: MockServer, text: str, words: str
) -> None:
    with device(server), watcher(server) as page:
        page.connection.send(text)
        assert page.hear_until("refused")["error"].startswith(words)


def test_the_watchers_path_wants_a_websocket(server: MockServer) -> None:
    answer = requests.get(server.admin_url + "/admin/live", timeout=TIMEOUT_S)
    assert answer.status_code == 426


def test_several_watchers_get_every_frame_in_order(server: MockServer) -> None:
    with (
        device(server) as found, watcher(server) as one, watcher(server) as two,
        watcher(server) as three,
    ):  # fmt: skip
        server.command("dev-1", "start_stream")
        for number in range(500):
            found.say(telemetry(number))
        for page in (one, two, three):
            seen = [page.hear_until("telemetry")["points"][0]["value"] for _ in range(500)]
            assert seen == list(range(500))


def test_a_slow_watcher_is_dropped_and_slows_nobody(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "MAX_UNREAD_BYTES", 256 * 1024)
    message = telemetry(1) | {"filler": "a" * 100_000}
    with (
        device(server) as found, watcher(server) as page,
        Raw(server, "/admin/live", server.admin_url, receive_bytes=4096) as slow,
    ):  # fmt: skip
        server.command("dev-1", "start_stream")
        # More than the system keeps for one that does not read.
        for _ in range(200):
            found.say(message)
            page.hear_until("telemetry")
        assert server.device("dev-1")["frames"] == 200
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                slow.frame()


def test_a_list_of_devices_larger_than_what_may_wait_is_shown(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "MAX_UNREAD_BYTES", 500)
    with device(server) as found, watcher(server) as page:
        assert page.hear()["devices"][0]["connected"] is True
        found.say(HEARTBEAT, uptime_s=77)
        while page.hear_until("devices")["devices"][0]["uptime_s"] != 77:
            pass


def test_an_outage_leaves_watchers_on_the_admin_port(server: MockServer) -> None:
    with watcher(server) as page:
        page.hear()
        server.outage()
        server.restore()
        with device(server):
            while not is_connected(page.hear()):
                pass
