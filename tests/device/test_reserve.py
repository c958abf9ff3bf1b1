"""The RAM that is held for connections, and the ring, on a board that shares it with Python."""

import binascii
import gc
import socket
import sys

import plexus
import plexus.assemble as setup
import plexus.clock.sntp as sntp
import plexus.delivery.bounded_socket as bounded_socket
import plexus.port.reserve as reserve
from clients import KEY, client, refused, right_clock
from models import esp32
from plexus import Plexus
from support import equal, only, raises

CLOSED = "http://127.0.0.1:1/x"
_TLS = reserve.IDLE - reserve.PLAIN  # what is not held for a client of CLOSED


class Lock:
    """Gives its thread's stack back when it is released, as the system does with one that ends."""

    def __init__(self, ram):
        self._ram = ram
        self._size = None

    def acquire(self):
        pass

    def release(self):
        self._ram.held -= self._ram.stacks.pop(id(self))


class Ram:
    """In place of the module _thread: stacks in the system's heap, of which `room` bytes are free.

    held: how many bytes of it they take.
    """

    def __init__(self, room):
        self.room = room
        self.held = 0
        self.stacks = {}
        self._size = 0

    def allocate_lock(self):
        return Lock(self)

    def stack_size(self, size):
        self._size = size

    def start_new_thread(self, function, arguments):
        lock = [lock for lock in self.locks if lock.acquire == function][0]
        if self._size > self.room - self.held:
            raise OSError("can't create thread")
        self.stacks[id(lock)] = self._size
        self.held += self._size

    def heap_info(self, capabilities):
        left = self.room - self.held
        return [(self.room, left, left, 0)]


class Board:
    """`with Board() as ram:` on an ESP32 with so much room in the system's heap."""

    def __init__(self, room=150000, areas=None):
        self._ram = Ram(room)
        self._areas = areas
        self._esp32 = esp32.Installed()

    def __enter__(self):
        reserve.without_tls(False)
        ram = self._ram
        ram.locks = []

        def allocate_lock():
            ram.locks.append(Lock(ram))
            return ram.locks[-1]

        ram.allocate_lock = allocate_lock
        self._esp32.__enter__()
        names = ("_thread", "HEAP_DATA", "idf_heap_info")
        self._before = [(name, getattr(reserve, name, None)) for name in names]
        reserve._thread = ram
        reserve.HEAP_DATA = esp32.HEAP_DATA
        reserve.idf_heap_info = ram.heap_info
        if self._areas is not None:
            esp32.areas[:] = self._areas
            reserve.idf_heap_info = esp32.idf_heap_info
        return ram

    def __exit__(self, *_):
        reserve._held.clear()
        reserve._minimum = 0
        for name, value in self._before:
            setattr(reserve, name, value)
        self._esp32.__exit__()


# What is held


def test_so_much_is_held_as_is_asked_for():
    with Board() as ram:
        found = []
        for size in (60000, 40000, 40000, 0, 10000, 60000, 0):
            reserve.hold(size)
            found.append(ram.held)
        equal(found, [60000, 40000, 40000, 0, 10000, 60000, 0])


def test_what_is_kept_is_the_least_but_for_a_connection():
    with Board() as ram:
        found = []
        reserve.keep(90000)
        for size in (reserve.IDLE, reserve.NONE, reserve.CONNECTED):
            reserve.hold(size)
            found.append(ram.held)
        equal(reserve.keep(0), 90000)
        equal(found + [ram.held], [90000, 0, 90000, reserve.IDLE])


def test_of_what_there_is_no_room_for_as_much_is_held_as_there_is():
    with Board(room=30000) as ram:
        reserve.hold(60000)
        assert 25000 <= ram.held <= 30000, ram.held


def test_heap_that_is_full_holds_nothing_and_is_no_error():
    with Board(room=1000) as ram:
        reserve.hold(60000)
        equal(ram.held, 0)


def test_free_is_that_of_all_areas_and_the_largest_piece():
    with Board(areas=esp32.BARE):
        equal(reserve.free(), (74000, 31744))


def test_shortage_is_what_is_free_or_held_if_tls_needs_more():
    with Board(room=38 * 1024) as ram:
        reserve.hold(20000)
        equal(reserve.shortage(), None)
        ram.room -= 1
        equal(reserve.shortage(), (37, 38))


def test_without_tls_there_is_no_shortage():
    with Board(room=20000):
        reserve.without_tls(True)
        equal(reserve.shortage(), None)
        reserve.without_tls(False)
        equal(reserve.shortage(), (19, 38))


def test_nothing_is_held_where_there_is_psram():
    with Board(areas=esp32.WITH_PSRAM) as ram:
        reserve.hold(60000)
        equal((reserve.free(), reserve.shortage(), ram.held), (None, None, 0))


def test_nothing_is_held_where_there_is_no_esp32():
    with Board() as ram:
        reserve.HEAP_DATA = None
        reserve.hold(60000)
        equal((reserve.free(), ram.held), (None, 0))


@only("micropython")
def test_an_esp32_is_known_by_its_module():
    before = sys.modules.pop("plexus.port.reserve")
    try:
        with esp32.Installed():
            found = __import__("plexus.port.reserve", None, None, ("free",))
            equal(found.free(), (74000, 31744))
            # With real threads, as a board does.
            found.hold(30000)
            assert found._held
            found.hold(0)
            equal(found._held, [])
    finally:
        sys.modules["plexus.port.reserve"] = plexus.port.reserve = before


# When


class Taken:
    """In place of bytearray for the ring: takes no more than `maximum` bytes at a time."""

    maximum = 1 << 30
    sizes = []
    held = []
    ram = None

    def __new__(cls, size):
        cls.sizes.append(size)
        if cls.ram:
            cls.held.append(cls.ram.held)
        if size > cls.maximum:
            raise MemoryError
        return bytearray(size)


def made(ram=None, maximum=1 << 30, **options):
    """A client whose ring is Taken."""
    Taken.ram, Taken.maximum = ram, maximum
    Taken.sizes, Taken.held = [], []
    sys.modules["plexus.assemble"] = setup  # it goes with each client that is made
    setup.bytearray = Taken
    try:
        return Plexus(KEY, "dev-1", endpoint=CLOSED, clock=right_clock(), **options)
    finally:
        del setup.bytearray


def test_more_is_held_while_the_ring_is_taken_than_afterwards():
    for options in ({}, {"ring_bytes": 2000}):
        with Board() as ram:
            made(ram, **options)
            equal((Taken.held, ram.held), ([reserve.RING - _TLS], reserve.PLAIN))


def test_ring_that_finds_no_room_leaves_the_reserve():
    with Board() as ram:
        try:
            made(ram, maximum=100, ring_bytes=2000)
        except MemoryError:
            pass
        equal((Taken.held, ram.held), ([reserve.RING - _TLS], reserve.PLAIN))


class Noted:
    """In place of an SSLContext: how much was held at each handshake."""

    def __init__(self, context, ram):
        self._context = context
        self._ram = ram
        self.held = []

    def wrap_socket(self, *arguments, **options):
        self.held.append(self._ram.held)
        return self._context.wrap_socket(*arguments, **options)


def secure_client(ram, place, url=None, **options):
    """(a client of tls_server, or of another https URL; its Noted)"""
    px = client(url or place.good, ca=binascii.unhexlify(place.ca), **options)
    px.http.connection.context = noted = Noted(px.http.connection.context, ram)
    px.send("n", 1)
    return px, noted


@only("micropython")
def test_none_is_held_while_tls_comes_about_and_all_when_the_connection_has_ended(tls_server):
    with Board() as ram:
        px, noted = secure_client(ram, tls_server)
        equal((ram.held, px.flush()), (reserve.IDLE, 1))
        equal((noted.held, ram.held), ([0], reserve.IDLE))


@only("micropython")
def test_ram_for_tls_is_held_till_the_other_side_is_there(tls_server):
    with Board() as ram:
        px, noted = secure_client(ram, tls_server)
        reach = px.http.connection._reach
        held = []
        px.http.connection._reach = lambda *address: held.append(ram.held) or reach(*address)
        equal((px.flush(), held[-1]), (1, reserve.REACHING))


@only("micropython")
def test_all_is_held_again_when_the_other_side_is_not_there(tls_server):
    with Board() as ram:
        px, noted = secure_client(ram, tls_server, CLOSED.replace("http:", "https:"))
        refused(px)
        equal((noted.held, ram.held), ([], reserve.IDLE))


@only("micropython")
def test_without_tls_a_little_is_held_and_none_beside_the_connection(server):
    with Board() as ram:
        px = client(server, keep_alive=True)
        px.send("n", 1)
        equal((ram.held, px.flush(), ram.held), (reserve.PLAIN, 1, 0))
        px.http.connection.shut()
        equal(ram.held, reserve.PLAIN)


def test_what_traffic_wants_is_not_held_beside_a_connection():
    with Board(room=20000) as ram:
        for size in (reserve.CONNECTED, reserve.REACHING):
            reserve.hold(size)
            equal(ram.held, 20000 - reserve.PLAIN)


def test_what_traffic_wants_is_let_go_of_where_all_was_held():
    with Board(room=33000) as ram:
        reserve.hold(reserve.IDLE)
        reserve.hold(reserve.REACHING)
        assert reserve.PLAIN <= reserve.free()[0] < reserve.PLAIN + 4096, ram.held


def test_wifi_and_ntp_have_some_ram_while_there_is_no_connection():
    for room in (9000, 33000, 45000, 47000):
        with Board(room=room) as ram:
            reserve.hold(reserve.IDLE)
            assert 4096 <= reserve.free()[0] < 8192, (room, ram.held)


class NoResolver:
    """In place of the module socket: notes how much was free at each look-up, and fails it."""

    SOCK_STREAM, SOCK_DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM

    def __init__(self):
        self.free = []

    def getaddrinfo(self, *_):
        self.free.append(reserve.free()[0])
        raise OSError(-203)  # lwIP's EAI_MEMORY


def test_a_look_up_has_some_ram_though_python_has_taken_the_rest():
    px = client(CLOSED, ntp_hosts=("127.0.0.1",))
    for module, ask in ((bounded_socket, px.http.connection.connect), (sntp, px.clock.sync)):
        module.socket = resolver = NoResolver()
        try:
            with Board(room=50000) as ram:
                reserve.hold(reserve.IDLE)
                ram.room = ram.held + 500
                with raises(OSError):
                    ask()
                assert 4096 <= resolver.free[0] < 8192, resolver.free
        finally:
            module.socket = socket


@only("micropython")
def test_a_handshakes_ram_is_held_beside_a_connection_that_is_kept(tls_server):
    with Board() as ram:
        px, noted = secure_client(ram, tls_server, keep_alive=True)
        for value in range(2):
            px.send("n", value)
            px.flush()
            equal(ram.held, reserve.CONNECTED)
        px.http.connection.shut()
        equal((noted.held, ram.held), ([0], reserve.IDLE))


@only("micropython")
def test_all_is_held_again_after_a_handshake_that_failed(tls_server):
    with Board() as ram:
        px, noted = secure_client(ram, tls_server, tls_server.self_signed)
        refused(px)
        equal((noted.held, ram.held), ([0], reserve.IDLE))


def test_a_request_has_few_readings_where_its_way_has_little_ram():
    equal(made().delivery.maximum, 1000)
    with Board():
        equal((made().delivery.maximum, made(batch_points=300).delivery.maximum), (48, 300))


@only("micropython")
def test_all_is_held_again_when_memory_runs_out_on_the_way(tls_server):
    def reach(sock, address):
        raise MemoryError

    with Board() as ram:
        px, noted = secure_client(ram, tls_server)
        px.http.connection._reach = reach
        refused(px)
        equal((noted.held, ram.held), ([], reserve.IDLE))


# The ring's size


def test_ring_is_of_16_kb_by_default():
    px = made()
    equal((len(px.buffer.ring.data), Taken.sizes, px.ring_is_chosen), (16384, [16384], True))


def test_ring_of_a_bare_board_is_the_largest_that_its_heap_has_a_piece_for():
    for maximum, size in ((20000, 16384), (10000, 8192), (5000, 4096), (3000, 2048), (1500, 1024)):
        with Board():
            px = made(maximum=maximum)
            equal((len(px.buffer.ring.data), px.ring_is_chosen), (size, True))


def test_ring_of_a_bare_board_is_at_least_512_bytes():
    with Board():
        equal(len(made(maximum=600).buffer.ring.data), 512)


def test_given_size_of_the_ring_is_not_made_smaller():
    with Board():
        px = made(ring_bytes=3000)
        equal((len(px.buffer.ring.data), px.ring_is_chosen), (3000, False))
        failed = False
        try:
            made(maximum=2000, ring_bytes=3000)
        except MemoryError:
            failed = True
        assert failed


def test_given_bytes_are_the_ring():
    ring = bytearray(1000)
    with Board():
        px = Plexus(KEY, "dev-1", endpoint=CLOSED, clock=right_clock(), ring_bytes=ring)
        assert px.buffer.ring.data is ring
        equal(px.ring_is_chosen, False)


@only("micropython")
def test_ring_is_of_64_kb_where_there_is_psram():
    assert gc.mem_free() > 1000000
    with Board(areas=esp32.WITH_PSRAM):
        equal(len(made().buffer.ring.data), 65536)
