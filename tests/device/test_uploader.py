"""The uploader: ticks in a thread while the network is up, beats, and tells of its end."""

import _thread
import asyncio
import time

import firmware.uploader as uploader_module
from firmware.uploader import Uploader, limit_ms
from plexus import PlexusError, extras
from support import equal, raises, wait_until


class Http:
    answers = unanswered = 0

    def __init__(self):
        self.connection = self
        self.idle = None


class Delivery:
    """What stands in the way, and how often its wait was ended."""

    problem = None
    status = 0

    def __init__(self):
        self.retry = self
        self.ended = 0

    def succeeded(self):
        self.ended += 1


class Client:
    """A px whose tick() the test writes."""

    def __init__(self, tick=None):
        self.http = Http()
        self.delivery = Delivery()
        self.ticks = self.flushes = 0
        self.store = None
        self.ticks_without = 0
        self._tick = tick

    def tick(self, up=True):
        if not up:
            self.ticks_without += 1
            return
        self.ticks += 1
        if self._tick:
            self._tick(self)

    def retry_now(self):
        extras.retry_now(self)

    def flush(self):
        self.flushes += 1
        raise PlexusError("the server is away")


class Bench:
    def __init__(self, tick=None, is_up=True):
        self.px = Client(tick)
        self.is_up = is_up
        self.beats = 0
        self.answers = self.silences = 0
        self.uploader = Uploader(
            self.px, lambda: self.is_up, self._beat, self._answer, self._silence
        )

    def _beat(self):
        self.beats += 1

    def _answer(self):
        self.answers += 1

    def _silence(self):
        self.silences += 1


def test_it_ticks_only_while_the_network_is_up_and_beats_always():
    bench = Bench(is_up=False)
    bench.uploader.step()
    equal((bench.px.ticks, bench.beats), (0, 1))
    bench.is_up = True
    bench.uploader.step()
    equal((bench.px.ticks, bench.beats), (1, 2))


def test_without_a_network_a_store_gets_what_waits():
    bench = Bench(is_up=False)
    bench.uploader.step()
    equal(bench.px.ticks_without, 0)
    bench.px.store = True
    bench.uploader.step()
    equal((bench.px.ticks, bench.px.ticks_without), (0, 1))


def test_it_does_not_wait_on_when_the_network_is_back():
    bench = Bench()
    bench.px.delivery.problem = (0, 1, 113)  # nothing answered
    for is_up in (True, True, False, True, True):
        bench.is_up = is_up
        bench.uploader.step()
    equal((bench.px.delivery.ended, bench.px.ticks), (2, 4))


def test_what_a_server_asked_for_is_waited_for_when_the_network_is_back():
    bench = Bench()
    bench.px.delivery.problem = (429, "too fast")
    bench.px.delivery.status = 429
    bench.uploader.step()
    equal((bench.px.delivery.ended, bench.px.ticks), (0, 1))


def test_it_flushes_once_when_it_is_to_hurry_and_bears_that_it_cannot():
    bench = Bench(is_up=False)
    bench.uploader.flush_soon()
    bench.uploader.step()
    equal((bench.px.ticks, bench.px.flushes), (0, 0))
    bench.is_up = True
    bench.uploader.step()
    bench.uploader.step()
    equal((bench.px.ticks, bench.px.flushes, bench.beats), (1, 1, 3))


def test_it_tells_of_answers():
    def tick(px):
        px.http.answers += px.ticks % 2

    bench = Bench(tick)
    for _ in range(4):
        bench.uploader.step()
    equal((bench.answers, bench.silences), (2, 0))


def test_it_tells_of_silence_unless_something_else_has_answered_meanwhile():
    def tick(px):
        px.http.unanswered += 1
        px.http.answers += px.ticks > 3

    bench = Bench(tick)
    for _ in range(4):
        bench.uploader.step()
    equal((bench.answers, bench.silences), (1, 3))


def test_its_limit_leaves_room_for_the_requests_of_one_tick():
    equal(limit_ms({"timeout_ms": 600000}), 8 * 600000 + 60000)
    equal(limit_ms({"timeout_ms": 1}), 90000)
    equal(limit_ms({}), limit_ms({"timeout_ms": 10000}))


def test_a_heap_that_is_full_for_a_moment_is_no_end():
    def tick(px):
        if px.ticks == 1:
            raise MemoryError

    bench = Bench(tick)
    bench.uploader.step()
    bench.uploader.step()
    equal((bench.px.ticks, bench.beats), (2, 2))


def test_the_thread_runs_until_it_is_stopped():
    bench = Bench()
    bench.uploader.start()
    wait_until(lambda: bench.px.ticks >= 3)
    assert bench.uploader.running
    bench.uploader.stop()
    wait_until(lambda: not bench.uploader.running)
    equal(bench.uploader.error, None)


def test_the_program_goes_on_while_a_tick_takes_long():
    def tick(px):
        while not bench.answers:
            time.sleep(0.001)

    bench = Bench(tick)
    bench.uploader.start()
    wait_until(lambda: bench.px.ticks == 1)
    equal(bench.beats, 0)  # it does not beat while it is in there
    bench.answers = 1
    wait_until(lambda: bench.beats)
    bench.uploader.stop()
    wait_until(lambda: not bench.uploader.running)


class NoThreads:
    """In place of _thread, for want of RAM: the sizes of stack that were asked for."""

    def __init__(self, error):
        self.error = error
        self.stacks = []

    def stack_size(self, size):
        self.stacks.append(size)

    def start_new_thread(self, function, arguments):
        raise self.error


def test_without_ram_for_a_thread_it_says_so_and_leaves_the_size_of_others_stacks():
    for error in (MemoryError(), OSError(12), OSError("can't create thread")):
        bench = Bench()
        uploader_module._thread = threads = NoThreads(error)
        try:
            equal(bench.uploader.start(), False)
        finally:
            uploader_module._thread = _thread
        equal((len(threads.stacks), threads.stacks[-1], bench.px.ticks), (2, 0, 0))


def test_with_a_thread_it_says_so():
    bench = Bench()
    equal(bench.uploader.start(), True)
    bench.uploader.stop()
    wait_until(lambda: not bench.uploader.running)


def test_without_a_thread_it_delivers_as_a_task_beside_others():
    def tick(px):
        if px.ticks == 3:
            bench.uploader.stop()

    bench = Bench(tick)
    others = []

    async def other():
        while bench.px.ticks < 2:
            await asyncio.sleep(0)
        others.append(bench.px.ticks)

    async def both():
        await asyncio.gather(bench.uploader.run(meanwhile), other())

    def meanwhile():
        return 1000

    uploader_module._thread = NoThreads(MemoryError())
    try:
        bench.uploader.start()
        asyncio.run(both())
    finally:
        uploader_module._thread = _thread
    equal((bench.px.ticks, bench.beats, others, bench.uploader.running), (3, 3, [2], False))
    equal(bench.px.http.connection.idle, meanwhile)  # called while it waits for the network


def test_what_ends_the_task_ends_the_program():
    def tick(px):
        raise KeyError("a defect")

    with raises(KeyError):
        asyncio.run(Bench(tick).uploader.run(None))


def test_what_ends_the_thread_is_kept_and_nothing_beats_any_more():
    def tick(px):
        raise KeyError("a defect")

    bench = Bench(tick)
    bench.uploader.start()
    wait_until(lambda: not bench.uploader.running)
    assert isinstance(bench.uploader.error, KeyError)
    equal(bench.beats, 0)
