"""Before anything is saved the network is joined, and the server asked about the key."""

import asyncio
import binascii

from firmware.setup import connection_test
from firmware.setup.connection_test import check_key, join
from models import network
from support import Admin, FakeTicks, equal

KEY = "plx_secret0123456789"


class Time:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.ticks = FakeTicks()

    async def sleep(self, seconds):
        self.ticks.advance(int(seconds * 1000))
        await asyncio.sleep(0)


def joined(ssid, password=None, fault=None):
    """What came of joining one of the networks below, and the station."""
    time = Time()
    network.clear(time.ticks)
    network.air.append(network.AccessPoint("attic", "secret123"))
    network.air.append(network.AccessPoint("cafe"))
    if fault:
        network.faults.append(fault)
    entry = {"ssid": ssid}
    if password:
        entry["password"] = password
    config = {"wifi": [entry, {"ssid": "cafe"}]}
    words = asyncio.run(join(config, network, time.ticks, time.sleep))
    return words, network.WLAN(network.STA_IF)


def test_the_first_network_is_joined_and_stays_joined():
    for arguments in (("attic", "secret123"), ("cafe",)):
        words, station = joined(*arguments)
        equal((words, station.isconnected()), (None, True))


def test_a_network_that_cannot_be_joined_says_why():
    for arguments, part in (
        (("attic", "wrong-password"), "password"),
        (("nowhere", "secret123"), "no access point"),
    ):
        words, station = joined(*arguments)
        assert part in words and "wrong-password" not in words and "secret" not in words, words
        assert not station.isconnected()


def test_a_first_try_that_fails_is_not_the_last():
    fault = ("connect", OSError("Wifi Internal Error"))
    words, station = joined("attic", "secret123", fault)
    equal((words, station.isconnected()), (None, True))


def settings(endpoint, **options):
    config = {"api_key": KEY, "source_id": "esp32-001", "endpoint": endpoint, "timeout_ms": 5000}
    config.update(options)
    return config


def test_a_key_that_the_server_takes_is_good_and_nothing_is_stored(server):
    equal(check_key(settings(server.ingest)), None)
    admin = Admin(server.admin_url)
    (request,) = admin.requests()
    equal((request["method"], request["key"], admin.counts()["points"]), ("POST", "accepted", 0))


def test_the_gateways_answer_is_understood(gateway):
    equal(check_key(settings(gateway.ingest)), None)


def asked_without_an_endpoint(*endpoints, **options):
    """(what check_key() says, the configuration after it), where these are the known addresses."""
    config = settings("", **options)
    del config["endpoint"]
    before, connection_test.ENDPOINTS = connection_test.ENDPOINTS, endpoints
    try:
        return check_key(config), config.get("endpoint")
    finally:
        connection_test.ENDPOINTS = before


def test_without_an_endpoint_the_address_that_takes_the_key_is_kept(server, platform):
    equal(asked_without_an_endpoint(server.ingest, platform.ingest), (None, None))
    gone = platform.url + "/api/ingest"
    equal(asked_without_an_endpoint(gone, platform.ingest), (None, platform.ingest))


def test_what_the_address_of_today_has_against_the_key_is_told(platform):
    gone = platform.url + "/api/ingest"
    Admin(platform.admin_url).script({"path": "/ingest", "status": 401})
    words, endpoint = asked_without_an_endpoint(gone, platform.ingest)
    assert "api_key" in words, words
    equal(endpoint, None)
    words, endpoint = asked_without_an_endpoint(gone, platform.url + "/nowhere")
    assert "no such address" in words, words


def test_a_key_that_the_documented_address_refuses_is_not_shown_to_another(server, platform):
    Admin(server.admin_url).script({"status": 401})
    words, endpoint = asked_without_an_endpoint(server.ingest, platform.ingest)
    assert "api_key" in words, words
    equal((endpoint, Admin(platform.admin_url).requests()), (None, []))


def test_what_the_server_has_against_it_is_told_without_the_key(server):
    admin = Admin(server.admin_url)
    for status, part in ((401, "api_key"), (402, "billing"), (403, "permission"), (404, "endpoint"),
                         (503, "503"), (307, "redirect")):  # fmt: skip
        admin.script({"status": status})
        words = check_key(settings(server.ingest))
        assert part in words and KEY not in words, (status, words)


def test_a_login_page_is_no_server(server):
    Admin(server.admin_url).script({"status": 200, "body": "<html>Welcome</html>"})
    assert "login page" in check_key(settings(server.ingest))


def test_a_server_that_is_not_there_is_told(server, ports):
    words = check_key(settings("http://127.0.0.1:%d/ingest" % ports.tcp))
    assert "could not connect" in words, words


def test_a_certificate_is_verified_by_the_file_of_roots(tls_server, scratch):
    with open(scratch.path + "/ca.der", "wb") as file:
        file.write(binascii.unhexlify(tls_server.ca))
    config = settings(tls_server.good, ca_file=scratch.path + "/ca.der")
    equal(check_key(config), None)
    config["endpoint"] = tls_server.other_ca
    assert "certificate" in check_key(config)
    equal(check_key(settings(tls_server.other_ca, verify=False)), None)
    config["ca_file"] = scratch.path + "/none.der"
    assert check_key(config)


def test_a_board_whose_clock_was_never_set_asks_for_the_time_first_and_without_the_key(
    tls_server, scratch, ports
):
    class Unset:
        @staticmethod
        def gmtime():
            return (2000, 1, 1, 0, 0, 0, 5, 1)

    with open(scratch.path + "/ca.der", "wb") as file:
        file.write(binascii.unhexlify(tls_server.ca))
    config = settings(tls_server.good, ca_file=scratch.path + "/ca.der")
    config.update(ntp_hosts=["127.0.0.1"], ntp_port=ports.udp)
    before, connection_test.time = connection_test.time, Unset
    try:
        equal(check_key(config), None)
    finally:
        connection_test.time = before
    got = [
        (request["method"], request["key"]) for request in Admin(tls_server.admin_url).requests()
    ]
    equal(got, [("HEAD", "missing"), ("POST", "accepted")])
