"""Delivery over TLS: to nobody but the server that the certificate proves, in words if not."""

import binascii
import sys

from clients import SECRET, client, fill, ingests, refused, right_clock, values
from support import IS_MICROPYTHON, Admin, Proxy, equal, only, open_files, raises, wait_until

REQUESTS = True


def _ca(place):
    return binascii.unhexlify(place.ca)


def test_readings_arrive_over_verified_tls(tls_server):
    px = client(tls_server.good, ca=_ca(tls_server))
    fill(px, 100)
    equal(px.flush(), 100)
    admin = Admin(tls_server.admin_url)
    equal(values(admin), list(range(100)))
    equal([r["key"] for r in admin.requests()], ["accepted"])
    assert px.status.startswith("ok;") and "OFF" not in px.status, px.status


def test_large_batches_arrive_over_tls(tls_server):
    px = client(tls_server.good, ca=_ca(tls_server), ring_bytes=60000, batch_points=2000)
    fill(px, 5000)
    equal(px.flush(), 5000)
    counts = Admin(tls_server.admin_url).counts()
    equal((counts["requests"], counts["distinct"], counts["duplicates"]), (3, 5000, 0))


def _is_refused(tls_server, url, *words, ca=None):
    px = client(url, ca=ca)
    px.send("n", 1)
    exc = refused(px)
    assert "could not make a TLS connection to localhost" in str(exc), exc
    for word in words:
        assert word in str(exc), exc
        assert word in px.status, px.status
    equal((exc.status, px.pending, px.tick()), (0, 1, 0))
    for request in Admin(tls_server.admin_url).requests():
        equal((request["key"], request["path"]), ("missing", "?"))  # a handshake read as HTTP
    assert SECRET not in px.status + str(exc)


def test_self_signed_server_is_refused(tls_server):
    words = "no trusted authority signed the server's certificate"
    _is_refused(tls_server, tls_server.self_signed, words, ca=_ca(tls_server))


def test_server_of_another_authority_is_refused(tls_server):
    words = "no trusted authority signed the server's certificate"
    _is_refused(tls_server, tls_server.other_ca, words, ca=_ca(tls_server))


def test_server_of_another_name_is_refused(tls_server):
    _is_refused(tls_server, tls_server.wrong_host, "another host name", ca=_ca(tls_server))


def test_expired_certificate_is_refused(tls_server):
    _is_refused(tls_server, tls_server.expired, "certificate has expired", ca=_ca(tls_server))


def test_certificate_of_the_future_is_refused(tls_server):
    _is_refused(tls_server, tls_server.not_yet_valid, "not valid yet", ca=_ca(tls_server))


def test_shipped_roots_refuse_an_authority_of_the_tests(tls_server):
    words = "no trusted authority signed the server's certificate"
    _is_refused(tls_server, tls_server.good, words)


def test_server_that_speaks_no_tls_is_refused(tls_server, server):
    url = server.ingest.replace("http://127.0.0.1", "https://localhost")
    _is_refused(tls_server, url.replace("http://", "https://"), "port one for https?")


def test_without_verification_any_server_does_and_status_says_so(tls_server):
    px = client(tls_server.self_signed, verify=False)
    px.send("n", 1)
    assert "certificate verification is OFF" in px.status, px.status
    equal(px.flush(), 1)
    assert "certificate verification is OFF" in px.status, px.status
    assert "OFF" in repr(px), px


def test_http_needs_no_context(server):
    px = client(server)
    px.send("n", 1)
    equal(px.flush(), 1)
    assert "OFF" not in px.status, px.status


def test_blocked_ntp_takes_the_date_unverified_and_sends_verified(tls_server, ntp):
    px = client(tls_server.good, ca=_ca(tls_server), ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port)
    px.send("n", 1)
    equal(px.flush(), 1)
    first, second = Admin(tls_server.admin_url).requests()
    equal((first["key"], first["body_bytes"]), ("missing", 0))
    equal((second["key"], second["points"]), ("accepted", 1))


def test_date_of_an_unproven_server_does_not_get_it_the_key(tls_server, ntp):
    px = client(
        tls_server.self_signed, ca=_ca(tls_server), ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port
    )
    px.send("n", 1)
    assert "no trusted authority" in str(refused(px))
    admin = Admin(tls_server.admin_url)
    equal([r["key"] for r in admin.requests()], ["missing"])
    refused(px)
    equal((ingests(admin), px.pending), ([], 1))


def test_batches_of_one_flush_share_a_handshake(tls_proxy):
    control = Proxy(tls_proxy.control_url)
    px = client(tls_proxy, ca=_ca(tls_proxy), batch_points=10)
    fill(px, 50)
    equal(px.flush(), 50)
    equal(control.stats()["connections"], 1)


def test_kept_tls_connection_that_died_is_replaced_unnoticed(tls_server, tls_proxy):
    px = client(tls_proxy, ca=_ca(tls_proxy), keep_alive=True)
    px.send("n", 0)
    px.flush()
    Proxy(tls_proxy.control_url).drop()
    px.send("n", 1)
    equal(px.flush(), 1)
    equal(values(Admin(tls_server.admin_url)), [0, 1])


def test_trouble_within_the_handshake_loses_nothing(tls_server, tls_proxy):
    control = Proxy(tls_proxy.control_url)
    for mode in ("cut", "reset", "stall"):
        for after_bytes in (0, 100, 600):
            control.set(mode=mode, direction="down", after_bytes=after_bytes)
            px = client(tls_proxy, ca=_ca(tls_proxy), timeout_ms=300)
            px.send("n", 1)
            exc = refused(px)
            assert str(exc).startswith("could not "), exc
            equal(px.pending, 1)
    control.clear()
    equal(px.flush(), 1)


def test_answer_lost_within_tls_sends_the_batch_again(tls_server):
    admin = Admin(tls_server.admin_url)
    for fault in ({"cut_after": 40}, {"reset": True}, {"read_then_reset": True, "store": True}):
        admin.reset()
        admin.script(fault)
        px = client(tls_server.good, ca=_ca(tls_server))
        px.send("n", 1)
        assert "localhost" in str(refused(px)), px.status
        equal(px.flush(), 1)
        assert 1 <= len(values(admin)) <= 2


def test_failing_handshakes_leave_no_open_socket(tls_server):
    px = client(tls_server.self_signed, ca=_ca(tls_server))
    px.send("n", 1)
    refused(px)
    files = open_files()
    for _ in range(20):
        refused(px)
    wait_until(lambda: open_files() <= files)


# --- the user's own requests module -----------------------------------------------------------


def test_users_requests_module_is_left_as_it_is(tls_server):
    import socket

    import requests

    before = dict(requests.__dict__)
    px = client(tls_server.good, ca=_ca(tls_server))
    px.send("n", 1)
    equal(px.flush(), 1)
    assert sys.modules["requests"] is requests
    for name in before:
        assert requests.__dict__[name] is before[name], name
    if "socket" in before:
        assert before["socket"] is socket


def test_requests_module_that_was_not_imported_stays_so(server):
    names = ("requests", "urequests", "tls")
    before = [sys.modules.get(name) for name in names]
    px = client(server)
    px.send("n", 1)
    px.flush()
    for name, module in zip(names, before):
        assert sys.modules.get(name) is module or name == "tls", name


class Module:
    """A requests module of the user's own, without a socket to stand in for."""

    class Response:
        status_code = 200
        content = b'{"success":true,"count":1}'
        closed = 0

        def close(self):
            Module.Response.closed += 1

    def __init__(self):
        self.calls = []

    def request(self, method, url, data=None, headers=None, **more):
        body = b"".join(bytes(piece) for piece in data or ())
        self.calls.append((method, url, body, headers, more))
        return self.Response()


def test_injected_requests_module_is_used():
    module = Module()
    px = client("http://injected.invalid/api/ingest", requests=module)
    px.send("n", 1)
    equal(px.flush(), 1)
    ((method, url, body, headers, more),) = module.calls
    equal((method, url), ("POST", "http://injected.invalid/api/ingest"))
    equal(headers["Content-Length"], str(len(body)))
    assert b'"metric":"n"' in body and more["timeout"] == 5, more
    equal(Module.Response.closed, 1)


def test_two_clients_of_one_injected_module_do_not_meet(server, gateway):
    if IS_MICROPYTHON:
        import requests
    else:
        import plexus.port.requests as requests

    from plexus import Plexus

    a = client(server, requests=requests)
    b = Plexus("plx_b", "dev-2", endpoint=gateway.ingest, clock=right_clock(), requests=requests)
    a.send("n", 1)
    b.send("n", 2)
    equal((a.flush(), b.flush()), (1, 1))
    equal(values(Admin(server.admin_url)), [1])
    equal(values(Admin(gateway.admin_url)), [2])


@only("cpython")
def test_pypis_requests_which_follows_redirects_with_the_key_is_refused(server):
    import requests

    with raises(ValueError, "requests: PyPI's"):
        client(server, requests=requests)
