"""Half of the shipped roots at a time: the other half is tried when a server is unknown."""

import binascii

import plexus.port.reserve as reserve
import plexus.tls as tls
from clients import client, refused
from support import Admin, Proxy, equal, only

COMPILED = False  # compiled, what it puts into a module would go with the module
_RAM = (60000, 30000)


class Halves:
    """On a board whose RAM TLS shares: a half of the roots knows the tests' authority.

    made: which halves contexts were made of, in their order.
    """

    def __init__(self, ca, half):
        self._ca = ca
        self._half = half
        self.made = []

    def __enter__(self):
        self._before = tls.verifying_context, reserve.free
        tls.verifying_context = self._context
        reserve.free = lambda: _RAM
        return self

    def __exit__(self, *_):
        tls.verifying_context, reserve.free = self._before

    def _context(self, ca=None, group=None):
        if ca is None:
            self.made.append(group)
            if group == self._half:
                ca = self._ca
        return self._before[0](ca, group)


def _halves(place, half):
    return Halves(binascii.unhexlify(place.ca), half)


@only("micropython")
def test_other_half_of_the_roots_is_tried_once_and_remembered(tls_server):
    admin = Admin(tls_server.admin_url)
    with _halves(tls_server, 1) as halves:
        px = client(tls_server.good)
        for value in range(3):
            px.send("n", value)
            equal(px.flush(), 1)
        equal((halves.made, px.http.roots), ([0, 1], 1))
    equal([request["key"] for request in admin.requests()], ["accepted"] * 3)


@only("micropython")
def test_half_that_knows_the_server_stays(tls_server):
    with _halves(tls_server, 0) as halves:
        px = client(tls_server.good)
        px.send("n", 1)
        equal((px.flush(), halves.made, px.http.roots), (1, [0], 0))


@only("micropython")
def test_connection_stays_tls_when_there_is_no_memory_for_the_other_half(tls_server):
    def no_memory(ca=None, group=None):
        raise MemoryError

    with _halves(tls_server, 1):
        px = client(tls_server.good)
        context = px.http.connection.context
        px.send("n", 1)
        tls.verifying_context = no_memory
        for _ in range(2):
            assert "no trusted authority" in str(refused(px)), px.status
        assert px.http.connection.context is context
        equal((px.http.roots, px.pending), (0, 1))
    equal(Admin(tls_server.admin_url).requests(), [])


@only("micropython")
def test_server_that_neither_half_knows_is_refused_and_both_are_tried_each_time(tls_server):
    with _halves(tls_server, None) as halves:
        px = client(tls_server.good)
        px.send("n", 1)
        for _ in range(2):
            assert "no trusted authority" in str(refused(px)), px.status
        equal((halves.made, px.pending), ([0, 1, 0, 1, 0], 1))
    equal(Admin(tls_server.admin_url).requests(), [])


@only("micropython")
def test_server_that_is_refused_for_another_reason_leaves_the_roots(tls_server):
    for url, words in (
        (tls_server.wrong_host, "another host name"),
        (tls_server.expired, "has expired"),
    ):
        with _halves(tls_server, 0) as halves:
            px = client(url)
            px.send("n", 1)
            assert words in str(refused(px)), px.status
            equal((halves.made, px.http.roots), ([0], 0))


@only("micropython")
def test_roots_of_the_users_own_are_not_replaced(tls_server):
    with _halves(tls_server, 1) as halves:
        px = client(tls_server.self_signed, ca=binascii.unhexlify(tls_server.ca))
        px.send("n", 1)
        assert "no trusted authority" in str(refused(px)), px.status
        equal((halves.made, px.http.roots), ([], None))


@only("micropython")
def test_second_half_has_the_whole_time_of_a_request(tls_proxy):
    # The first try takes up some of it.
    Proxy(tls_proxy.control_url).set(delay_ms=100)
    with _halves(tls_proxy, 1) as halves:
        px = client(tls_proxy, timeout_ms=9000)
        stream = px.http.connection
        given_ms = []
        begin = stream.begin

        def noted(timeout_ms):
            given_ms.append(timeout_ms)
            begin(timeout_ms)

        stream.begin = noted
        px.send("n", 1)
        equal((px.flush(), halves.made), (1, [0, 1]))
    equal(given_ms, [9000, 9000])


def test_halves_are_all_of_the_shipped_roots():
    from plexus.tls.roots import ROOTS

    loaded = []

    class Context:
        verify_mode = 0

        def __init__(self, protocol):
            pass

        def load_verify_locations(self, der):
            loaded.append(der)

    class Module:
        SSLContext = Context
        PROTOCOL_TLS_CLIENT = CERT_REQUIRED = 2

    before, tls.tls = tls.tls, Module
    try:
        halves = []
        for group in (0, 1):
            tls.verifying_context(None, group)
            halves.append(list(loaded))
            loaded.clear()
        tls.verifying_context()
    finally:
        tls.tls = before
    equal(halves[0] + halves[1], list(ROOTS))
    equal(loaded, list(ROOTS))
    assert halves[0] and halves[1]


def test_where_ram_is_not_shared_all_roots_are_loaded_at_once():
    given = []

    def context(*arguments):
        given.append(arguments)
        return "context"

    before = tls.verifying_context, reserve.free
    tls.verifying_context = context
    try:
        reserve.free = lambda: None
        equal(tls.first_context(), ("context", None))
        reserve.free = lambda: _RAM
        equal(tls.first_context(), ("context", 0))
    finally:
        tls.verifying_context, reserve.free = before
    equal(given, [(), (None, 0)])
