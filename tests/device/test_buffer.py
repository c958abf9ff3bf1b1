"""What send() keeps until it is confirmed: overflow, shared texts, several senders, the heap."""

import gc
import sys
import time

import plexus.readings.render as render
from plexus.readings.buffer import BufferFull
from readings import START_MS, Client
from support import Skip, equal, only, raises, used_heap, wait_until

SHORT_NAMES = True

try:
    import _thread
except ImportError:
    _thread = None

DAY_MS = 86400000
BOX = 16  # as many readings wait for a lock that somebody holds


def fill(client, value=1.5):
    """Send until the first reading is dropped: how many were sent."""
    count = 0
    before = client.dropped
    while client.dropped == before:
        client.send("m", value)
        count += 1
    return count


# Time


def test_reading_is_dated_when_it_is_sent():
    client = Client()
    times = []
    for step_ms in (
        0,
        1,
        1000,
        -5,
        3600000,
        -3600000,
        40 * DAY_MS,
        -400 * DAY_MS,
        1000,
        20000 * DAY_MS,
    ):
        client.clock.now_ms += step_ms
        times.append(client.clock.now_ms)
        client.send("m", 1)
    equal([point["timestamp"] for point in client.points()], times)


def test_given_times_and_the_clocks_do_not_mix():
    client = Client()
    times = []
    for place in range(50):
        client.clock.now_ms += 1000
        times.append(client.clock.now_ms)
        client.send("m", 1)
        times.append(1600000000000 - 7000 * place)
        client.send("m", 1, timestamp=times[-1])
    equal([point["timestamp"] for point in client.points()], times)


def test_what_was_stamped_before_the_time_was_known_is_dated_right():
    client = Client(now_ms=0, known=False)
    for _ in range(5):
        client.clock.now_ms += 1000
        client.send("m", 1)
    client.send("m", 2, timestamp=1600000000123)
    client.clock.learn(START_MS)
    client.clock.now_ms += 1000
    client.send("m", 3)
    times = [point["timestamp"] for point in client.points()]
    equal(times[:5], [START_MS + 1000 * place for place in range(1, 6)])
    equal(times[5:], [1600000000123, START_MS + 6000])


def test_first_reading_days_after_the_start_is_dated_right():
    for days in (1, 2, 3, 10, 300):
        client = Client(now_ms=days * DAY_MS, known=False)
        client.send("m", 1)
        client.clock.learn(START_MS)
        equal([point["timestamp"] for point in client.points()], [START_MS + days * DAY_MS])


def test_gap_of_days_before_the_time_was_known_is_dated_right():
    client = Client(now_ms=1000, known=False)
    client.send("m", 1)
    client.clock.now_ms += 5 * DAY_MS
    client.send("m", 2)
    client.clock.now_ms += 1000
    client.send("m", 3)
    client.clock.learn(START_MS)
    gap = START_MS + 5 * DAY_MS
    equal(
        [point["timestamp"] for point in client.points()],
        [START_MS + 1000, gap + 1000, gap + 2000],
    )


def test_reading_of_an_earlier_moment_is_dated_by_its_ticks():
    for known in (True, False):
        client = Client(now_ms=START_MS if known else 3 * DAY_MS, known=known)
        ticks = 0  # as the clock has them
        client.send("m", 1)
        client.send_at(ticks - 700 & 0x3FFFFFFF, "m", 2)
        client.send_at(ticks - 2 * DAY_MS & 0x3FFFFFFF, "m", {"a": 1}, tags={"b": "c"})
        client.send("m", 3)
        if not known:
            client.clock.learn(START_MS - 3 * DAY_MS)
        points = client.points()
        lags = [START_MS - point["timestamp"] for point in points]
        equal(lags, [0, 700, 2 * DAY_MS, 0])
        equal([point["value"] for point in points], [1, 2, {"a": 1}, 3])
        equal(points[2]["tags"], {"b": "c"})


def test_reading_from_before_the_client_is_of_its_first_moment_while_the_time_is_unknown():
    client = Client(now_ms=5000, known=False)
    for age_ms in (4999, 5000, 5001, 6 * DAY_MS):
        client.send_at(-age_ms & 0x3FFFFFFF, "m", 1)
    client.send("m", 1)
    client.clock.learn(START_MS)
    lags = [START_MS + 5000 - point["timestamp"] for point in client.points()]
    equal(lags, [4999, 5000, 5000, 5000, 0])


def test_reading_of_an_earlier_moment_is_checked_as_any():
    client = Client()
    for metric, value in ((5, 1), ("m", float("nan")), ("m", None)):
        with raises(ValueError):
            client.send_at(0, metric, value)
    equal(client.pending, 0)


# A full ring


def test_full_ring_drops_the_oldest_and_counts_them():
    client = Client(ring_bytes=1024)
    for number in range(1000):
        client.send("m", number)
        equal(client.pending + client.dropped, number + 1)
    assert client.dropped > 500
    equal(client.values(), list(range(1000 - client.pending, 1000)))


def test_no_more_is_dropped_than_must_be():
    client = Client(ring_bytes=512)
    fill(client)
    equal(client.dropped, 1)
    used = client.ring.used
    assert used > 512 - 16, used
    client.send("m", "x" * 100)
    assert client.ring.used > 512 - 16, client.ring.used


def test_ring_that_refuses_keeps_all_and_says_what_to_do():
    client = Client(ring_bytes=512, overflow="refuse")
    count = 0
    try:
        while True:
            client.send("m", count)
            count += 1
    except BufferFull as exc:
        for word in ("full", "flush", "ring_bytes", "drop_oldest"):
            assert word in str(exc), exc
    equal((client.pending, client.dropped), (count, 0))
    with raises(BufferFull):
        client.send("other", "text", tags={"a": "b"})
    equal(client.values(), list(range(count)))
    client.measure(10)
    client.confirm_all()
    client.send("m", 0.5)
    equal(client.values(), list(range(10, count)) + [0.5])


def test_ring_that_refuses_does_not_forget_texts_either():
    client = Client(ring_bytes=8192, overflow="refuse")
    sent = 0
    with raises(BufferFull):
        while True:
            client.send("m%d" % sent, sent)
            sent += 1
    points = client.points()
    equal([point["value"] for point in points], list(range(sent)))
    equal([point["metric"] for point in points], ["m%d" % place for place in range(sent)])


def test_reading_larger_than_the_ring_is_refused_by_name():
    for overflow in ("drop_oldest", "refuse"):
        client = Client(ring_bytes=1024, overflow=overflow)
        client.send("m", 1.5)
        client.send("m", "text")
        with raises(ValueError, "value: ", "1024", "ring_bytes"):
            client.send("m", ["x" * 1100])
        equal((client.pending, client.dropped), (2, 0))
        equal(client.values(), [1.5, "text"])


def test_reading_as_large_as_the_ring_allows_takes_the_place_of_all():
    client = Client(ring_bytes=1024)
    fits = 900
    try:
        while True:
            client.send("m", ["x" * fits])
            fits += 1
    except ValueError:
        fits -= 1
    assert 1000 < fits < 1020, fits
    client.send("m", 1)
    dropped = client.dropped
    client.send("m", ["y" * fits])
    equal(client.values(), [["y" * fits]])
    equal((client.pending, client.dropped), (1, dropped + 1))


def test_texts_larger_than_the_ring_are_refused_by_name():
    client = Client(ring_bytes=512)
    client.send("m", 1.5)
    with raises(ValueError, "tags"):
        client.send("m", 1, tags={"t%d" % place: "x" * 250 for place in range(16)})
    equal(client.values(), [1.5])


# Confirming


def test_confirmed_readings_leave_and_others_stay():
    client = Client()
    for number in range(100):
        client.send("m", number)
    client.measure(30)
    equal(client.pending, 100)
    equal(client.confirm_all(), 30)
    equal(client.pending, 70)
    equal(client.values(), list(range(30, 100)))


def test_dropped_on_their_way_and_confirmed_are_not_dropped():
    client = Client(ring_bytes=1024)
    sent = fill(client) - 1
    client.measure(50)
    for _ in client.body:
        pass
    while client.dropped < 20:
        client.send("m", 2.5)
        sent += 1
    equal(client.confirm_all(), 50)
    equal(client.dropped, 1)
    equal(client.pending, sent + 1 - 1 - 50)


def test_dropped_beyond_what_was_confirmed_stay_counted():
    client = Client(ring_bytes=1024)
    sent = fill(client)
    client.measure(10)
    for _ in client.body:
        pass
    while client.dropped < 101:
        client.send("m", sent)
        sent += 1
    pending = client.pending
    equal(client.confirm_all(), 10)
    equal((client.dropped, client.pending), (91, pending))
    equal(client.dropped + client.pending + 10, sent)


# Texts that readings share


def test_thousands_of_tags_without_a_confirmation_use_no_more_memory():
    client = Client(ring_bytes=4096)
    levels = []
    for number in range(10000):
        client.send("m", number, tags={"run": "test-%d" % number})
        equal(client.pending + client.dropped, number + 1)
        if number % 1000 == 999:
            levels.append(used_heap())
            points = client.points()
            equal(
                [point["value"] for point in points],
                list(range(number + 1 - len(points), number + 1)),
            )
            for point in points:
                equal(point["tags"], {"run": "test-%d" % point["value"]})
    assert client.pending > 50, client.pending
    # 32 B a text more would be 64 kB in the second half.
    assert max(levels[5:]) - max(levels[:5]) < 6000, levels


def test_thousands_of_sessions_with_confirmations_use_no_more_memory():
    client = Client(ring_bytes=4096)
    levels = []
    for number in range(10000):
        with client.session("test-%d" % number):
            client.send("m", number)
            client.send("n", 1.5)
        if number % 20 == 19:
            points = client.points()
            equal(len(points), 40)
            for place, point in enumerate(points):
                session = "test-%d" % (number - 19 + place // 2)
                equal(point["session_id"], session)
                equal(point["tags"], {"session_id": session})
                equal(point["metric"], "mn"[place % 2])
            client.confirm_all()
        if number % 1000 == 999:
            levels.append(used_heap())
    equal((client.pending, client.dropped), (0, 0))
    assert max(levels[5:]) - max(levels[:5]) < 6000, levels


def test_more_metrics_than_the_ring_can_name_keep_their_names():
    client = Client(ring_bytes=16384)
    for number in range(1000):
        client.send("metric-%d" % number, number)
        client.send("again", number)
        client.send("metric-%d" % (number // 2), number)
    for point in client.points():
        assert point["metric"] in (
            "again",
            "metric-%d" % point["value"],
            "metric-%d" % (point["value"] // 2),
        ), point
    equal(client.pending + client.dropped, 3000)


def test_metric_that_was_forgotten_meanwhile_has_its_own_name_again():
    client = Client(ring_bytes=4096)
    client.send("first", 1)
    for number in range(600):
        client.send("other-%d" % number, 2)
        client.measure()
        client.confirm_all()
    client.send("first", 3)
    client.send("other-5", 4)
    client.send("first", 5)
    equal(
        [(point["metric"], point["value"]) for point in client.points()],
        [("first", 3), ("other-5", 4), ("first", 5)],
    )


def names_after(client):
    """What the readings of two metrics are named, the first of them known from earlier."""
    client.measure()
    client.confirm_all()
    client.send("second", 2)
    client.send("first", 1)
    return [(point["metric"], point["value"]) for point in client.points()]


def test_metric_keeps_its_name_after_a_full_ring_refused_another():
    client = Client(ring_bytes=2048, overflow="refuse")
    client.send("first", 0)
    client.measure()
    client.confirm_all()
    number = 0
    with raises(BufferFull):
        while True:
            client.send("m", number, tags={"number": "x" * 200 + str(number)})
            number += 1
    equal(names_after(client), [("second", 2), ("first", 1)])


def test_metric_keeps_its_name_after_tags_were_too_large():
    client = Client(ring_bytes=1024)
    client.send("first", 0)
    client.measure()
    client.confirm_all()
    with raises(ValueError):
        client.send("m", 1, tags={"t%d" % place: "x" * 250 for place in range(16)})
    equal(names_after(client), [("second", 2), ("first", 1)])


def test_session_is_on_its_own_readings_only():
    client = Client()
    client.send("m", 1)
    with client.session("s"):
        client.send("m", 2)
        client.send("m", 3, tags={"a": "b"})
    client.send("m", 4)
    client.send("m", 5, tags={"a": "b"})
    points = client.points()
    equal([point.get("session_id") for point in points], [None, "s", "s", None, None])
    equal(
        [point.get("tags") for point in points],
        [None, {"session_id": "s"}, {"a": "b", "session_id": "s"}, None, {"a": "b"}],
    )


# Several senders


def test_reading_sent_while_the_lock_is_held_comes_after_the_next():
    client = Client()
    client.send("m", 1)
    with client.lock:
        client.send("m", 2)
        client.send("n", "three", tags={"a": "b"})
        client.send("m", 4.5, timestamp=1600000000123)
        equal(client.pending, 4)
    client.send("m", 5)
    equal(client.pending, 5)
    points = client.points()
    equal([point["value"] for point in points], [1, 2, "three", 4.5, 5])
    equal([point["metric"] for point in points], ["m", "m", "n", "m", "m"])
    equal(points[2]["tags"], {"a": "b"})
    equal(points[3]["timestamp"], 1600000000123)


def test_reading_sent_while_the_lock_is_held_is_of_the_session_of_then():
    client = Client()
    with client.session("s"):
        with client.lock:
            client.send("m", 1)
    client.send("m", 2)
    equal([point.get("session_id") for point in client.points()], ["s", None])


def test_all_sent_while_the_lock_is_held_for_long_are_there_or_counted():
    client = Client()
    with client.lock:
        for number in range(BOX + 1):
            client.send("m", number)
        equal((client.pending, client.dropped), (BOX, 1))
        for number in range(BOX + 1, 50):
            client.send("m", number)
    client.send("m", 50)
    equal(client.values(), list(range(50 - BOX, 51)))
    equal((client.pending, client.dropped), (BOX + 1, 50 - BOX))


def test_bad_reading_is_refused_while_the_lock_is_held_too():
    client = Client()
    with client.lock:
        for metric, value in (("", 1), (None, 1), ([], 1), ("m", None), ("m", float("nan"))):
            with raises(ValueError):
                client.send(metric, value)
    client.send("m", 1)
    equal((client.values(), client.dropped), ([1], 0))


def test_reading_too_large_that_was_sent_while_the_lock_was_held_is_counted():
    client = Client(ring_bytes=1024)
    with client.lock:
        client.send("m", ["x" * 1100])
        client.send("m", 1)
    client.send("m", 2)
    equal((client.values(), client.dropped), ([1, 2], 1))


def test_send_that_interrupts_the_text_of_a_float_does_not_change_it():
    # A timer callback, or a thread: between the digits of a float and their way into the JSON.
    client = Client()
    plain = render.digits
    interrupted = []

    def digits(*arguments):
        span = plain(*arguments)
        if not interrupted:
            interrupted.append(True)
            client.send("callback", [9876.25])
        return span

    render.digits = digits
    try:
        client.send("m", [0.5])
    finally:
        render.digits = plain
    assert interrupted
    equal(
        sorted([(point["metric"], point["value"]) for point in client.points()]),
        [("callback", [9876.25]), ("m", [0.5])],
    )


def threads():
    if _thread is None:
        raise Skip("this build has no threads")
    return _thread


def hammer(client, count, name, done):
    """In a thread: send so many readings, whose value tells the tags and the text."""
    try:
        for number in range(count):
            if number % 3 == 0:
                client.send(name, number)
            elif number % 3 == 1:
                client.send(name, "%s-%d" % (name, number), tags={"number": str(number % 5)})
            else:
                client.send(name, [number, number + 0.5])
            if number % 50 == 49:
                time.sleep(0.001)
    except BaseException as exc:
        sys.print_exception(exc) if hasattr(sys, "print_exception") else print(repr(exc))
        raise
    finally:
        done.append(name)


def number_of(point):
    """The number that a point of hammer() has; fails if it is not as it was sent."""
    value = point["value"]
    if isinstance(value, str):
        name, _, number = value.partition("-")
        equal(point["tags"], {"number": str(int(number) % 5)})
        equal(name, point["metric"])
        return int(number)
    assert "tags" not in point, point
    if isinstance(value, list):
        equal(value[1], value[0] + 0.5)
        return value[0]
    return value


def test_readings_of_threads_arrive_once_and_whole():
    client = Client(ring_bytes=200000)
    names = ["thread%d" % place for place in range(2)]
    each = 1500
    done = []
    got = {name: [] for name in names}
    got["main"] = []
    for name in names:
        threads().start_new_thread(hammer, (client, each, name, done))
    own = 0
    while len(done) < len(names) or client.pending:
        if len(done) < len(names):
            client.send("main", own)
            own += 1
        for point in client.points(300):
            got[point["metric"]].append(number_of(point))
        client.confirm_all()
    equal(client.dropped, 0)
    for name in names:
        equal(got[name], list(range(each)))
    equal(got["main"], list(range(own)))


def test_thread_waits_for_the_lock_that_another_holds():
    client = Client()
    done = []

    def add():
        for number in range(2 * BOX):
            client.send("thread", number)
        done.append(True)

    with client.lock:
        threads().start_new_thread(add, ())
        time.sleep(0.05)
        assert not done
    wait_until(lambda: done)
    equal((client.values(), client.dropped), (list(range(2 * BOX)), 0))


# Who listens


def heard(client):
    """A list that gets (metric, suffix, value, stamp) of each further reading."""
    got = []
    client.listen(
        lambda metric, suffix, kind, value, ticks, stamp: got.append((metric, suffix, value, stamp))
    )
    return got


def test_listener_hears_of_every_reading_however_it_is_sent():
    client = Client()
    client.send("m", 0)
    got = heard(client)
    client.send("m", 1)
    client.send("m", 1.5)
    client.send("n", "text")
    client.send("m", 2, tags={"a": "b"})
    client.send("m", 3, timestamp=1600000000)
    client.send_at(0, "m", 4)
    client.send_batch([("m", 5), ("o", True)])
    with client.lock:  # as if this were a callback
        client.send("m", 6)
    client.send("o", 7)
    equal(
        got,
        [
            ("m", None, 1, None),
            ("m", None, 1.5, None),
            ("n", None, b'"text"', None),
            ("m", b',"tags":{"a":"b"}}', 2, None),
            ("m", None, 3, 1600000000000),
            ("m", None, 4, None),
            ("m", None, 5, None),
            ("o", None, True, None),
            ("m", b"}", 6, None),
            ("o", None, 7, None),
        ],
    )
    client.listen(None)
    client.send("m", 8)
    equal(len(got), 10)
    equal(client.values(), [0, 1, 1.5, "text", 2, 3, 4, 5, True, 6, 7, 8])


def test_listener_is_called_when_the_reading_is_in_and_the_lock_held():
    client = Client()
    seen = []

    def tap(*_):
        taken = client.lock.enter()
        if taken:
            client.lock.exit()
        seen.append((taken, client.pending))

    client.listen(tap)
    for value in (1, 2.5, "text", 3):
        client.send("m", value)
    equal(seen, [(False, 1), (False, 2), (False, 3), (False, 4)])


def test_reading_that_is_refused_is_not_heard_of():
    client = Client(ring_bytes=256, overflow="refuse")
    got = heard(client)
    for metric, value in (("", 1), ("m", None), ("m", ["x" * 300])):
        with raises(ValueError):
            client.send(metric, value)
    equal(got, [])
    with raises(BufferFull):
        while True:
            client.send("m", 1)
    equal(len(got), client.pending)


def test_reading_that_is_added_quietly_is_in_the_ring_and_nobody_hears_of_it():
    client = Client()
    client.send("m", 1)
    got = heard(client)
    with client.lock:
        client.add("m", None, 10, 2.5, 0, None, True)
        client.add("n", b',"tags":{"a":"b"}}', 13, b'"text"', 0, 1600000000123, True)
    equal(got, [])
    points = client.points()
    equal([point["value"] for point in points], [1, 2.5, "text"])
    equal((points[2]["tags"], points[2]["timestamp"]), ({"a": "b"}, 1600000000123))


def test_reading_may_be_put_elsewhere_with_the_lock_held():
    client = Client()
    got = []

    def add(*reading):
        taken = client.lock.enter()
        if taken:
            client.lock.exit()
        got.append((taken, reading))

    heard_of = heard(client)
    client.put("m", None, 10, 2.5, 7, None, add)
    with client.lock:  # as if this were a callback
        client.put("m", None, 11, 3, 8, None, add)
    client.put("m", None, 11, 4, 9, None)
    equal(
        got,
        [(False, ("m", None, 10, 2.5, 7, None)), (False, ("m", b"}", 11, 3, 8, None))],
    )
    equal(client.values(), [4])
    equal(len(heard_of), 1)


def test_clock_without_a_line_dates_readings_by_what_it_splits():
    class Plain:
        hi = lo = 0
        ticks = 5

        def ticks_ms(self):
            return self.ticks

        def split(self, ticks):
            self.hi, self.lo = divmod(START_MS + ticks, 1000000)

    client = Client(clock=Plain())
    client.send("m", 1.5)
    Plain.ticks = 8
    client.send("m", 2)
    equal([point["timestamp"] - START_MS for point in client.points()], [5, 8])


# The heap


@only("micropython")
def test_send_of_a_known_metric_needs_no_heap():
    import micropython

    client = Client()
    values = (1.5, 1 / 3, -2.5, 7, -7, 1 << 20, True, False, 0.0)
    for value in values:
        client.send("m", value)
    micropython.heap_lock()
    try:
        for value in values:
            client.send("m", value)
    finally:
        micropython.heap_unlock()
    equal(client.pending, 2 * len(values))
    equal(client.values()[len(values) :], client.values()[: len(values)])


@only("micropython")
def test_send_that_drops_the_oldest_does_not_grow_the_heap():
    client = Client(ring_bytes=512)
    fill(client)
    before = used_heap()
    for _ in range(1000):
        client.send("m", 2.5)
    assert used_heap() <= before, used_heap() - before
    assert client.dropped > 900


@only("micropython")
def test_making_pieces_needs_hardly_any_heap():
    client = Client(ring_bytes=60000)
    for number in range(5000):
        client.send("m", number / 4)
    gc.collect()
    client.measure()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    client.measure()
    for _ in client.body:
        pass
    taken = gc.mem_alloc() - before
    gc.enable()
    print("%d B" % taken)
    assert taken < 2048, taken


# The end


def test_a_buffer_that_is_discarded_gives_its_bytes_back_and_refuses_readings():
    client = Client()
    client.send("m", 1.5)
    client.buffer.discard()
    equal(client.buffer.ring.data, None)
    with raises(TypeError):
        client.send("m", 1.5)
