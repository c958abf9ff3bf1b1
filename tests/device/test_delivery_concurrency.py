"""Sends beside a flush: of other threads, of callbacks, and of whoever the flush calls."""

import time

import plexus
from clients import client, fill, values
from support import Admin, equal, only, wait_until

HEAP = "32M"  # some tests' rings take it, and what they look at afterwards
SHORT_NAMES = True


def _until_empty(px):
    # A flush that begins within another thread's send() is refused: the next one goes.
    while px.pending:
        px.tick()


def test_sends_of_another_thread_during_flushes_arrive_once(server):
    import _thread

    px = client(server, ring_bytes=100000, flush_interval_ms=0, batch_points=50)
    done = []

    def sensor():
        for i in range(1000):
            px.send("thread", i)
            if i % 50 == 0:
                time.sleep(0.002)
        done.append(True)

    _thread.start_new_thread(sensor, ())
    i = 0
    while not done:
        if px.pending < 3000:
            px.send("main", i)
            i += 1
        px.tick()
    _until_empty(px)
    admin = Admin(server.admin_url)
    equal((px.dropped, px.rejected), (0, 0))
    equal(values(admin, "thread"), list(range(1000)))
    equal(values(admin, "main"), list(range(i)))
    equal(px.confirmed, 1000 + i)


def test_threads_that_send_at_once_lose_nothing():
    import _thread

    px = client("http://127.0.0.1:9/", ring_bytes=500000)
    done = []

    def sensor(name):
        fill(px, 5000, name)
        done.append(True)

    for name in ("a", "b", "c"):
        _thread.start_new_thread(sensor, (name,))
    wait_until(lambda: len(done) == 3, 30000)
    equal((px.pending, px.dropped), (15000, 0))


def test_flush_beside_a_sending_thread_is_never_refused(server):
    import _thread

    # Small: on a slow machine each flush has more to send than the one before, up to a full ring.
    px = client(server, ring_bytes=8192)
    running = [True]

    def sensor():
        i = 0
        while running:
            px.send("thread", i)
            i += 1
            if i % 20 == 0:
                time.sleep(0.001)
        running.append(None)

    _thread.start_new_thread(sensor, ())
    try:
        for _ in range(50):
            px.flush()
    finally:
        running.clear()
        while not running:
            time.sleep(0.001)


class SendingBody:
    """Calls `work` whenever a piece of a body is asked for: a callback in the midst of a flush."""

    def __init__(self, body, work):
        self._body = body
        self._work = work

    def __iter__(self):
        return self._Pieces(iter(self._body), self._work)

    class _Pieces:
        def __init__(self, pieces, work):
            self._pieces = pieces
            self._work = work

        def __iter__(self):
            return self

        def __next__(self):
            piece = next(self._pieces)
            self._work()
            return piece


def _during_the_request(px, work):
    # The socket's stand-in asks for the body piece by piece: `work` runs between two of them.
    http = px.http
    real = http.request

    def request(method, path, body=None, length=0, **more):
        return real(method, path, body and SendingBody(body, work), length, **more)

    http.request = request


def test_sends_during_a_flush_go_with_the_next_one(server):
    px = client(server)
    sent = []

    def callback():
        px.send("late", len(sent))
        sent.append(True)

    _during_the_request(px, callback)
    fill(px, 60)
    equal(px.flush(), 60)
    late = px.pending
    assert late == len(sent) > 3, late
    equal(px.flush(), late)
    admin = Admin(server.admin_url)
    equal(values(admin), list(range(60)))
    equal(values(admin, "late")[:late], list(range(late)))


def test_ring_that_overflows_during_a_flush_sends_nothing_torn(server):
    px = client(server, ring_bytes=600, random=lambda size: bytes(size))
    sent = []

    def callback():
        if len(sent) < 200:
            fill(px, 20, first=1000 + len(sent))
            sent.extend([True] * 20)

    _during_the_request(px, callback)
    fill(px, 60)
    while px.pending:
        try:
            px.flush()
        except plexus.PlexusError as exc:
            assert "dropped readings that were being sent" in str(exc), exc
    got = values(Admin(server.admin_url))
    equal(got, sorted(set(got)))
    equal(got[-1], 1199)
    equal(px.confirmed + px.dropped, 260)
    equal(len(got), px.confirmed)


def test_flush_within_a_flush_is_refused_and_tick_does_nothing(server):
    px = client(server)
    seen = []

    def callback():
        equal(px.tick(), 0)
        try:
            px.flush()
        except plexus.PlexusError as exc:
            seen.append(str(exc))

    _during_the_request(px, callback)
    px.send("n", 1)
    equal(px.flush(), 1)
    assert seen and "under way" in seen[0], seen
    equal(px.flush(), 0)  # ... and it is free again


@only("micropython")
def test_scheduled_callbacks_send_during_flushes(server):
    import micropython

    px = client(server, ring_bytes=60000)
    counter = [0]

    def callback(_):
        px.send("callback", counter[0])
        counter[0] += 1

    def schedule():
        if px.confirmed:
            return
        try:
            micropython.schedule(callback, None)
        except RuntimeError:
            pass  # the queue is full

    _during_the_request(px, schedule)
    fill(px, 500)
    equal(px.flush(), 500)
    while px.pending:
        px.flush()
    admin = Admin(server.admin_url)
    equal(values(admin), list(range(500)))
    got = values(admin, "callback")
    assert len(got) > 10
    equal(got, list(range(len(got))))


@only("cpython")
def test_signal_handlers_send_during_flushes(server):
    import signal

    px = client(server, ring_bytes=200000, flush_interval_ms=0)
    counter = [0]

    def handler(*_):
        if counter[0] < 500:
            px.send("signal", counter[0])
            counter[0] += 1

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        import threading

        target = threading.main_thread().ident
        stop = threading.Event()

        def shoot():
            while not stop.wait(0.0005):
                signal.pthread_kill(target, signal.SIGUSR1)

        shooter = threading.Thread(target=shoot)
        shooter.start()
        i = 0
        while counter[0] < 500:
            px.send("main", i)
            i += 1
            px.tick()
        stop.set()
        shooter.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    _until_empty(px)
    admin = Admin(server.admin_url)
    equal(values(admin, "main"), list(range(i)))
    equal(sorted(values(admin, "signal")), list(range(500)))
    equal(px.dropped, 0)
