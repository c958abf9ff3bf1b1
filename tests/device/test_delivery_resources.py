"""What deliveries leave behind: no socket, and no heap."""

import gc

from clients import client, fill, refused
from support import Admin, Proxy, equal, only, open_files, used_heap, wait_until

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True


def _leaves_no_socket(admin, px, times, *script):
    for _ in range(3):  # whatever stays loaded is there from now on
        if script:
            admin.script(*script)
        refused(px)
    files = open_files()
    for _ in range(times):
        if script:
            admin.script(*script)
        refused(px)
    wait_until(lambda: open_files() <= files)  # the server, too, has to notice that they closed


def test_failing_requests_leave_no_open_socket(server):
    admin = Admin(server.admin_url)
    for fault in (
        {"status": 500},
        {"status": 401},
        {"reset": True},
        {"read_then_reset": True},
        {"cut_after": 30},
        {"cut_after": 120},
        {"html": True},
        {"html": True, "chunked": True},
        {"html": True, "lengthless": True},
        {"redirect": "http://127.0.0.1:1/"},
        {"endless_header": 9000},
    ):
        px = client(server)
        px.send("n", 1)
        _leaves_no_socket(admin, px, 12, fault)
        equal(px.pending, 1)


def test_stalled_requests_leave_no_open_socket(server):
    admin = Admin(server.admin_url)
    px = client(server, timeout_ms=10)
    px.send("n", 1)
    admin.script({"stall": "before_headers", "times": -1})
    _leaves_no_socket(admin, px, 50)


def test_refused_connections_leave_no_open_socket(server, proxy):
    Proxy(proxy.control_url).set(mode="refuse")
    px = client(proxy)
    px.send("n", 1)
    _leaves_no_socket(None, px, 50)


def test_successful_flushes_leave_no_open_socket(server):
    px = client(server)
    px.send("n", 1)
    px.flush()
    files = open_files()
    for _ in range(50):
        px.send("n", 1)
        px.flush()
    wait_until(lambda: open_files() <= files)


@only("micropython")
def test_heap_after_many_flushes_is_as_before(server):
    px = client(server)
    for _ in range(10):
        fill(px, 20)
        px.flush()
    before = used_heap()
    for _ in range(200):
        fill(px, 20)
        px.flush()
    grown = used_heap() - before
    assert grown < 200, grown


@only("micropython")
def test_heap_after_many_failures_is_as_before(server):
    admin = Admin(server.admin_url)
    px = client(server)
    px.send("n", 1)
    for fault in ({"status": 503}, {"reset": True}, {"html": True}, {"endless_header": 100000}):
        admin.script(dict(fault, times=60))
        for _ in range(10):
            refused(px)
        before = used_heap()
        for _ in range(50):
            refused(px)
        grown = used_heap() - before
        assert grown < 200, (fault, grown)
        admin.clear_faults()


@only("micropython")
def test_heap_for_a_flush_does_not_grow_with_the_readings(server):
    px = client(server, ring_bytes=120000, batch_points=10000, timeout_ms=30000)
    grown = {}
    for count in (10, 10, 5000):
        fill(px, count)
        before = used_heap()
        gc.disable()
        px.flush()
        grown[count] = gc.mem_alloc() - before
        gc.enable()
    assert grown[5000] < grown[10] + 500, grown
