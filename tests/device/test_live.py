"""The live view: what streams want, how often, as which frames; what is kept, and what is lost."""

import gc
import json
import time

from plexus.agent.live import Live
from plexus.agent.streams import Stream
from readings import START_MS, Client, FakeClock
from support import Skip, equal, only, raises

SHORT_NAMES = True

try:
    import _thread
except ImportError:
    _thread = None

FRAME = 2048
INT = 11  # a kind of record
METRICS = 64  # for so many a stream knows when the next is due


class Clock(FakeClock):
    """A fake clock whose ticks run: the time is START_MS + ticks."""

    ticks = 0

    def ticks_ms(self):
        return self.ticks

    def split(self, ticks):
        self.hi, self.lo = divmod(self.now_ms + ticks, 1000000)


def device(known=True, ring_bytes=8192, live_bytes=4096, **options):
    """A client without a network, and its live view, which is connected."""
    px = Client(ring_bytes, clock=Clock(START_MS, known), **options)
    px.source_id = "dev-1"
    live = Live(px, live_bytes)
    live.connected = True
    return px, live


def frames(live):
    """All messages that wait, as JSON has them; each checked for its size."""
    messages = []
    while True:
        frame = live.frame()
        if frame is None:
            return messages
        assert 0 < len(frame) <= FRAME, len(frame)
        messages.append(json.loads(bytes(frame)))


def points(live):
    return [point for message in frames(live) for point in message["points"]]


def values(live):
    return [point["value"] for point in points(live)]


def sent_every(px, step_ms, count, metric="m"):
    """Send 0, 1, ... so many ms apart."""
    for number in range(count):
        px.send(metric, number)
        px.clock.ticks += step_ms


# Frames


def test_frame_is_a_telemetry_message():
    px, live = device()
    live.start(Stream("a"))
    px.send("t", 21.5)
    px.clock.ticks += 7
    px.send("h", 40)
    equal(
        bytes(live.frame()),
        b'{"type":"telemetry","source_id":"dev-1","points":['
        b'{"metric":"t","value":21.5,"timestamp":1700000000000},'
        b'{"metric":"h","value":40,"timestamp":1700000000007}]}',
    )
    equal(live.frame(), None)


def test_values_of_every_kind_are_shown_as_they_are_kept():
    px, live = device()
    live.start(Stream("a"))
    for value in (
        1.5,
        1 / 3,
        1e-30,
        -2.5,
        7,
        -7,
        1 << 40,
        True,
        False,
        "t\u00e9xt",
        {"a": [1]},
        [2.5],
    ):
        for _ in range(2):
            px.send("m", value)
    px.send("m", 1, tags={"a": "b"}, source_id="dev-1")
    px.send("m", 2, timestamp=1600000000123)
    px.send_batch([("n", 1), ("m", "x")], tags={"c": "d"})
    equal(points(live), px.points())
    equal(live.sent, px.pending)


def test_reading_of_another_source_is_not_shown_as_one_of_this():
    px, live = device()
    live.start(Stream("a"))
    px.send("m", 1, source_id="dev-2")
    px.send("m", 2, tags={"a": "b", "source_id": "dev-2"})
    live.send("m", 3, source_id="dev-2")
    equal((values(live), px.pending, live.dropped), ([2], 2, 0))
    px.session_id = "s1"
    px.send("m", 4, tags={"a": "b"}, source_id="dev-2")
    px.send("m", 5, tags={"a": "b", "source_id": "dev-2"})
    equal((values(live), px.pending), ([5], 4))


def test_frame_is_no_larger_than_the_server_takes():
    px, live = device(ring_bytes=65536, live_bytes=65536)
    live.max_bytes = 400
    live.start(Stream("a"))
    sent_every(px, 3, 50)
    px.send("m", "x" * 250)
    px.send("m", {"a": "x" * 400})  # which fits into no frame
    px.send("m", 50)
    messages = []
    while True:
        frame = live.frame()
        if frame is None:
            break
        assert len(frame) <= 400, len(frame)
        messages.append(json.loads(bytes(frame)))
    found = [point["value"] for message in messages for point in message["points"]]
    equal((found[:50], found[-1], live.sent + live.dropped), (list(range(50)), 50, 53))
    assert live.dropped == 1 and "x" * 250 in found, (live.dropped, found)


def test_no_frame_fits_into_less_than_its_head():
    px, live = device()
    live.max_bytes = 20
    live.start(Stream("a"))
    sent_every(px, 3, 5)
    equal((live.frame(), live.sent, live.dropped), (None, 0, 5))


def test_every_reading_of_many_frames_is_there_once_and_in_order():
    px, live = device(ring_bytes=65536, live_bytes=65536)
    live.start(Stream("a"))
    sent_every(px, 3, 2000)
    messages = frames(live)
    assert len(messages) > 40, len(messages)
    equal([p["value"] for m in messages for p in m["points"]], list(range(2000)))
    assert min(len(json.dumps(m)) for m in messages[:-1]) > FRAME - 200


def test_reading_of_an_earlier_moment_has_its_own_time():
    px, live = device()
    live.start(Stream("a"))
    px.clock.ticks = 5000
    px.send_at(4000, "m", 1)
    live.send_at(3000, "m", 2)
    equal([p["timestamp"] - START_MS for p in points(live)], [4000, 3000])


def test_value_too_large_for_a_frame_is_dropped_and_counted():
    px, live = device(live_bytes=8192)
    live.start(Stream("a"))
    px.send("m", 1)
    px.send("m", ["x" * 4000])
    px.send("m", ["y" * 2000])
    px.send("m", 2)
    equal((values(live), live.dropped), ([1, 2], 2))
    equal(len(px.values()), 4)


def test_value_too_large_for_a_frame_does_not_take_the_place_of_others():
    px, live = device()
    live.start(Stream("a"))
    sent_every(px, 10, 300)
    px.send("m", ["x" * 4000])
    equal((len(values(live)), live.dropped), (300, 1))


def test_tags_too_large_for_a_frame_are_dropped_and_counted():
    px, live = device()
    live.start(Stream("a"))
    for count in (9, 16):
        px.send("m", 1, tags={"t%d" % place: "x" * 250 for place in range(count)})
    px.send("m", 2)
    equal((values(live), live.dropped, px.pending), ([2], 2, 3))


def test_largest_reading_that_fits_fills_the_frame():
    px, live = device()
    live.start(Stream("a"))
    longest = 0
    for count in range(1900, 2000):
        px.send("m", ["x" * count])
        frame = live.frame()
        if frame is not None:
            longest = len(frame)
    equal(longest, FRAME)


# Which readings


def test_stream_without_metrics_shows_all_and_others_theirs():
    for metrics, expected in ((None, [1, 2, 3]), ((), [1, 2, 3]), (["b", "x"], [2]), (["x"], [])):
        px, live = device()
        live.start(Stream("a", metrics))
        for place, metric in enumerate(("a", "b", "c")):
            px.send(metric, place + 1)
        equal(values(live), expected)


def test_sources_prefix_of_a_metric_is_taken_off():
    px, live = device()
    live.start(Stream("a", ["dev-1:a", "dev-2:b", "c"]))
    equal(live.streams[0].metrics, {"a", "dev-2:b", "c"})
    for metric in ("a", "b", "c"):
        px.send(metric, metric)
    equal(values(live), ["a", "c"])


def test_several_streams_show_a_reading_once():
    px, live = device()
    live.start(Stream("a", ["m"]))
    live.start(Stream("b", ["m", "n"], interval_ms=100))
    for number in range(4):
        px.send("m", number)
        px.send("n", number)
        px.clock.ticks += 50
    equal(
        [(p["metric"], p["value"]) for p in points(live)],
        [("m", 0), ("n", 0), ("m", 1), ("m", 2), ("n", 2), ("m", 3)],
    )


def test_stream_of_the_same_id_is_replaced():
    px, live = device()
    live.start(Stream("a", ["m"]))
    live.start(Stream("a", ["n"]))
    px.send("m", 1)
    px.send("n", 2)
    equal((len(live.streams), values(live)), (1, [2]))


def test_ninth_stream_is_refused_and_one_of_the_eight_may_be_replaced():
    _, live = device()
    for number in range(8):
        live.start(Stream("s%d" % number))
    with raises(ValueError, "8 streams", "stop"):
        live.start(Stream("s8"))
    live.start(Stream("s3", ["m"]))
    equal(len(live.streams), 8)
    live.stop("s0")
    live.start(Stream("s8"))
    equal(len(live.streams), 8)


def test_session_has_its_stream_beside_the_eight():
    _, live = device()
    for number in range(8):
        live.start(Stream("s%d" % number))
    live.start(Stream("session", session=True))
    live.start(Stream("session", ["m"], session=True))
    equal(len(live.streams), 9)
    with raises(ValueError, "session_id: ", "stop"):
        live.start(Stream("another", session=True))
    with raises(ValueError, "8 streams"):
        live.start(Stream("s8"))


def test_streams_name_so_many_metrics_together_and_no_more():
    _, live = device()
    full = ["%03d" % number + "x" * 125 for number in range(32)]
    live.start(Stream("a", full[:16]))
    live.start(Stream("b", full[16:]))
    with raises(ValueError, "metrics: ", "4096 characters"):
        live.start(Stream("c", ["m"]))
    with raises(ValueError, "metrics: ", "4096 characters"):
        live.start(Stream("s", ["m"], session=True))
    live.start(Stream("c"))
    live.start(Stream("b", full[17:]))
    live.start(Stream("d", ["dev-1:" + full[16]]))


def test_bad_streams_are_refused_by_name():
    for name, arguments in (
        ("id", ("",)),
        ("id", (None,)),
        ("metrics", ("a", "temperature")),
        ("metrics", ("a", [5])),
        ("metrics", ("a", [""])),
        ("metrics", ("a", ["m" * 257])),
        ("metrics", ("a", {"m": 1})),
        ("metrics", ("a", ["m"] * 65)),
        ("interval_ms", ("a", None, -1)),
        ("interval_ms", ("a", None, 1.5)),
        ("interval_ms", ("a", None, True)),
        ("interval_ms", ("a", None, 86400001)),
    ):
        with raises(ValueError, name + ":"):
            Stream(*arguments)


def test_stop_ends_one_stream_or_all_that_are_no_sessions():
    for id in ("*", None):
        _, live = device()
        for name in ("a", "b", "c"):
            live.start(Stream(name))
        live.start(Stream("d", session=True))
        equal(live.stop("b"), 1)
        equal(live.stop("b"), 0)
        equal(live.stop(id), 2)
        equal([stream.id for stream in live.streams], ["d"])
        equal(live.stop("d"), 1)
        equal(live.streams, ())


def test_nothing_is_shown_before_a_stream_or_after_its_end():
    px, live = device()
    px.send("m", 1)
    live.start(Stream("a"))
    px.send("m", 2)
    live.stop("a")
    px.send("m", 3)
    equal((values(live), px.pending), ([2], 3))


def test_nothing_is_shown_while_the_time_is_unknown():
    px, live = device(known=False)
    live.start(Stream("a"))
    px.send("m", 1)
    equal((live.pending, live.dropped), (0, 0))
    px.clock.learn(0)
    px.send("m", 2)
    equal(values(live), [2])


def test_nothing_is_shown_while_there_is_no_connection():
    px, live = device()
    live.start(Stream("a"))
    live.connected = False
    px.send("m", 1)
    live.send("m", 2)
    equal((live.pending, live.dropped), (0, 0))
    live.connected = True
    px.send("m", 3)
    equal(values(live), [3])


def test_end_of_the_connection_ends_streams_and_forgets_what_waits():
    px, live = device()
    live.start(Stream("a"))
    live.start(Stream("s", session=True))
    px.send("m", 1)
    with px.lock:
        px.send("m", 2)
    live.end_streams()
    equal(([s.id for s in live.streams], live.pending, live.dropped), (["s"], 0, 0))
    equal(live.connected, False)
    live.connected = True
    px.send("m", 3)
    equal(values(live), [3])


# How often


def test_cap_shows_a_regular_source_regularly():
    for step_ms, cap_ms, every in ((10, 100, 10), (50, 100, 2), (100, 100, 1), (250, 100, 1)):
        px, live = device(live_bytes=16384)
        live.start(Stream("a", None, cap_ms))
        sent_every(px, step_ms, 200)
        got = values(live)[1:]  # the second may be early
        equal(got, list(range(got[0], 200, every)))
        assert every - 1 <= got[0] <= every, got


def test_cap_that_is_no_multiple_of_the_sources_interval_is_met_on_average():
    px, live = device(ring_bytes=16384, live_bytes=16384)
    live.start(Stream("a", None, 50))
    sent_every(px, 20, 1001)
    equal(len(values(live)), 20 * 1000 // 50 + 1)


def test_cap_bears_the_jitter_of_a_source_as_fast_as_it():
    px, live = device(live_bytes=16384)
    live.start(Stream("a", None, 100))
    for number in range(200):
        px.clock.ticks = 1000 + 100 * number + 12 - (number * 5 % 13)
        px.send("m", number)
    equal(values(live), list(range(200)))


def test_source_that_is_a_little_too_fast_is_on_average_not_faster_than_the_cap():
    px, live = device(ring_bytes=65536, live_bytes=65536)
    live.start(Stream("a", None, 100))
    sent_every(px, 93, 1000)
    got = len(values(live))
    assert 920 <= got <= 93000 // 100 + 1, got


def test_pause_of_a_source_is_not_made_up_for():
    px, live = device()
    live.start(Stream("a", None, 100))
    px.send("m", -1)
    px.clock.ticks += 10000
    sent_every(px, 10, 20)
    equal(values(live), [-1, 0, 9, 19])


def test_cap_counts_the_readings_of_callbacks_with_the_others():
    px, live = device()
    live.start(Stream("a", None, 100))
    with px.session("s"):
        px.send("m", 1)
        with px.lock:
            px.send("m", 2)
        px.send("n", 3)
    equal(values(live), [1, 3])


def test_cap_counts_each_metric_and_tags_for_itself():
    px, live = device()
    live.start(Stream("a", None, 100))
    for _ in range(2):
        px.send("m", 1)
        px.send("n", 2)
        px.send("m", 3, tags={"a": "b"})
        px.send("m", 4, tags={"a": "c"})
        px.clock.ticks += 10
    equal(values(live), [1, 2, 3, 4])


def test_cap_goes_by_the_time_of_the_reading():
    px, live = device()
    live.start(Stream("a", None, 20))
    px.clock.ticks = 1000
    for age_ms in range(90, -1, -10):  # a chip's own memory, read at once
        px.send_at(px.clock.ticks - age_ms, "m", age_ms)
    equal(values(live), [90, 70, 50, 30, 10])


def test_ticks_that_begin_anew_do_not_stop_a_stream():
    px, live = device()
    live.start(Stream("a", None, 100))
    px.clock.ticks = 0x3FFFFFFF - 250
    for number in range(6):
        px.send("m", number)
        px.clock.ticks = px.clock.ticks + 100 & 0x3FFFFFFF
    equal(values(live), list(range(6)))


@only("micropython")
def test_when_tagged_metrics_are_due_takes_a_few_bytes_each():
    px, live = device(ring_bytes=16384)
    used = []
    for cap_ms in (0, 1000):
        for name in range(8):
            live.start(Stream("s%d" % name, None, cap_ms))
        for number in range(METRICS):
            px.send("metric", 1, tags={"a": str(number)})
        gc.collect()
        used.append(gc.mem_alloc())
    assert used[1] - used[0] < 8 * METRICS * 24, used


def test_thousands_of_metrics_keep_the_table_small_and_the_cap():
    px, live = device(ring_bytes=65536, live_bytes=65536)
    stream = Stream("a", None, 1000)
    live.start(stream)
    for number in range(3000):
        px.send("m%d" % number, number)
    assert len(stream._due) <= METRICS + 1, len(stream._due)
    equal(values(live), list(range(METRICS + 1)))
    px.clock.ticks += 2000
    px.send("m2999", 5)
    px.send("m2999", 6)
    equal(values(live), [5])


def test_period_follows_the_fastest_stream_within_its_bounds():
    _, live = device()
    equal(live.period_ms, 250)
    for id, interval_ms, period_ms in (("a", 5000, 250), ("b", 100, 100), ("c", 0, 20)):
        live.start(Stream(id, None, interval_ms))
        equal(live.period_ms, period_ms)
    live.stop("c")
    equal(live.period_ms, 100)


# What is kept


def test_reading_that_is_not_kept_is_shown_and_nowhere_else():
    px, live = device()
    live.send("m", 1)
    live.start(Stream("a"))
    live.send("m", 2)
    live.send_batch([("m", 3), ("n", [4])], tags={"a": "b"})
    equal((values(live), px.pending), ([2, 3, [4]], 0))


def test_reading_for_a_stream_that_stores_is_kept_and_shown_once():
    for options in ({"store": True}, {"session": True}):
        px, live = device()
        live.start(Stream("a", ["m"], **options))
        live.start(Stream("b", ["m"], store=True))
        live.send("m", 1)
        live.send("n", 2)
        live.send("m", "x", tags={"a": "b"})
        equal((px.values(), values(live)), ([1, "x"], [1, "x"]))


def test_kept_reading_is_not_stored_twice():
    px, live = device()
    live.start(Stream("a", store=True))
    px.send("m", 1)
    px.send("m", "x")
    equal((px.values(), values(live)), ([1, "x"], [1, "x"]))


def test_stream_that_stores_keeps_no_more_than_its_cap():
    px, live = device()
    live.start(Stream("a", None, 100))
    live.start(Stream("b", None, 200, store=True))
    sent_every(live, 50, 9)
    equal((values(live), px.values()), ([0, 2, 4, 6, 8], [0, 4, 8]))


def test_session_keeps_while_nobody_is_connected_or_the_time_is_unknown():
    px, live = device(known=False)
    live.start(Stream("s", session=True))
    live.send("m", 1)
    live.connected = False
    live.send("m", 2)
    px.clock.learn(0)
    live.send("m", 3)
    equal((px.values(), live.pending, live.dropped), ([1, 2, 3], 0, 0))


def test_reading_of_a_callback_is_kept_though_its_stream_or_connection_ends_first():
    for end in (Live.end_streams, Live.stop):
        px, live = device()
        live.start(Stream("a", store=True))
        live.send("m", 1)
        with px.lock:
            live.send("m", 2)
        end(live)
        live.send("m", 3)
        equal((px.values(), px.dropped, live.dropped), ([1, 2], 0, 0))


def test_bad_reading_that_is_not_kept_is_refused_as_any():
    for streams in (0, 1):
        px, live = device()
        if streams:
            live.start(Stream("a", store=True))
        for metric, value in (("", 1), (5, 1), ("m", float("nan")), ("m", None), ("m", object())):
            with raises(ValueError):
                live.send(metric, value)
            with raises(ValueError):
                live.send_batch([("good", 1), (metric, value)])
        with raises(ValueError, "tag "):
            live.send("m", 1, tags={"a": 5})
        equal((px.pending, live.pending), (0, 0))


# A slow connection


def test_slow_connection_loses_the_oldest_of_the_live_view_only():
    px, live = device(ring_bytes=65536, live_bytes=1024)
    live.start(Stream("a"))
    sent_every(px, 10, 3000)
    equal(px.values(), list(range(3000)))
    equal(live.pending + live.dropped, 3000)
    assert live.pending > 100, live.pending
    equal(values(live), list(range(live.dropped, 3000)))
    equal(live.sent + live.dropped, 3000)


def test_reading_that_is_not_kept_raises_nothing_when_the_live_ring_is_full():
    px, live = device(live_bytes=256, overflow="refuse")
    live.start(Stream("a"))
    for number in range(200):
        live.send("m", "x%d" % number)
        live.send("n", 1, tags={"a": "x" * 250})
    equal((live.pending + live.dropped, px.dropped), (400, 0))


def test_ring_that_refuses_refuses_in_the_stream_that_stores_too():
    from plexus.readings.buffer import BufferFull

    px, live = device(ring_bytes=256, overflow="refuse")
    live.start(Stream("a", store=True))
    with raises(BufferFull):
        for number in range(1000):
            live.send("m", number)
    equal(px.dropped, 0)
    live.stop()
    live.send("m", 1)


# Sessions


def test_session_is_in_the_frame_and_on_its_readings():
    px, live = device()
    live.start(Stream("a"))
    with px.session('s "1"'):
        px.send("m", 1)
        px.send("m", 2, tags={"a": "b"})
        live.send("n", 3)
    (message,) = frames(live)
    equal((message["session_id"], message["source_id"]), ('s "1"', "dev-1"))
    equal([p["session_id"] for p in message["points"]], ['s "1"'] * 3)
    equal(message["points"][0]["tags"], {"session_id": 's "1"'})
    equal(message["points"][1]["tags"], {"a": "b", "session_id": 's "1"'})


def test_frames_session_never_covers_readings_from_outside_it():
    px, live = device()
    live.start(Stream("a"))
    px.send("m", 1)
    with px.session("s1"):
        px.send("m", 2)
        px.send("m", 3)
    with px.session("s2"):
        px.send("m", 4)
        first = frames(live)
        px.send("m", 5)
        second = frames(live)
    px.send("m", 6)
    third = frames(live)
    for message in first + second + third:
        for point in message["points"]:
            if "session_id" in message:
                equal(point["session_id"], message["session_id"])
    equal([m.get("session_id") for m in first], [None, "s2"])
    equal([m.get("session_id") for m in second + third], ["s2", None])
    got = [(p["value"], p.get("session_id")) for m in first + second + third for p in m["points"]]
    equal(got, [(1, None), (2, "s1"), (3, "s1"), (4, "s2"), (5, "s2"), (6, None)])


def test_reading_of_a_callback_is_not_covered_by_a_session_that_began_later():
    px, live = device()
    live.start(Stream("a"))
    with px.lock:
        px.send("m", 1)
    with px.session("s"):
        px.send("m", 2)
    got = [(m.get("session_id"), [p["value"] for p in m["points"]]) for m in frames(live)]
    equal(got, [(None, [1]), ("s", [2])])


def test_reading_whose_session_was_another_as_its_tags_were_made_is_not_covered():
    px, live = device()
    live.start(Stream("a"))
    outside = px.suffix_of({"a": "b"}, None)
    with px.session("s1"):
        first = px.suffix_of({"a": "b"}, None)
    with px.session("s2"):
        px.send("m", 1, tags={"a": "b"})
        px.put("m", outside, INT, 2, 0, None)  # its thread was stopped in send()
        px.put("m", first, INT, 3, 0, None)
        px.send("m", 4)
    got = [(m.get("session_id"), [p.get("session_id") for p in m["points"]]) for m in frames(live)]
    equal(got, [(None, ["s2", None, "s1"]), ("s2", ["s2"])])


def test_session_id_too_long_for_the_frames_head_is_on_its_readings():
    px, live = device()
    live.start(Stream("a"))
    with px.session("\u20ac" * 200):
        px.send("m", 1)
    (message,) = frames(live)
    assert "session_id" not in message
    equal(message["points"][0]["session_id"], "\u20ac" * 200)


def test_hundreds_of_sessions_use_no_more_memory_and_lose_nothing():
    px, live = device(ring_bytes=1024)
    live.start(Stream("a"))
    for number in range(500):
        with px.session("session-%d" % number):
            px.send("m", number)
            live.send("n", number, tags={"number": str(number)})
        got = points(live)
        equal([p["session_id"] for p in got], ["session-%d" % number] * 2)
    assert len(live._waiting.ring.texts) <= 64, len(live._waiting.ring.texts)


# Callbacks and threads


def test_reading_of_a_callback_on_top_of_anything_is_shown_later():
    px, live = device()
    live.start(Stream("a", ["m"]))
    px.send("m", 1)
    with px.lock:  # as if inside of send() or of frame()
        px.send("m", 2)
        px.send("x", 3)
        live.send("m", "four", tags={"a": "b"})
        equal(live.frame(), None)
    equal(values(live), [1, 2, "four"])
    px.send("x", 5)
    equal(px.values(), [1, 2, 3, 5])


def test_reading_of_a_callback_comes_before_those_that_follow_it():
    px, live = device()
    live.start(Stream("a"))
    px.send("m", 1)
    with px.lock:
        px.send("m", 2)
    px.send("m", 3)
    equal(values(live), [1, 2, 3])


def test_readings_of_a_callback_for_a_stream_that_stores_are_kept():
    px, live = device()
    live.start(Stream("a", store=True))
    with px.session("s"):
        with px.lock:
            live.send("m", 1)
    equal([p["session_id"] for p in points(live)], ["s"])
    equal([p["session_id"] for p in px.points()], ["s"])


def test_more_readings_of_callbacks_than_can_wait_are_counted():
    px, live = device()
    live.start(Stream("a"))
    with px.lock:
        for number in range(20):
            live.send("m", number)
    equal((values(live), px.dropped), (list(range(4, 20)), 4))


def test_readings_of_threads_are_shown_once_and_whole():
    if _thread is None:
        raise Skip("this build has no threads")
    px, live = device(ring_bytes=200000, live_bytes=200000)
    live.start(Stream("a"))
    live.start(Stream("b", None, 20, store=True))
    each = 800
    done = []

    def run(name):
        for number in range(each):
            if number % 2:
                px.send(name, number)
            else:
                live.send(name, [number], tags={"number": str(number % 5)})
            if number % 50 == 0:
                time.sleep(0.001)
        done.append(name)

    names = ("t0", "t1")
    got = {name: [] for name in names}
    for name in names:
        _thread.start_new_thread(run, (name,))
    while len(done) < len(names) or live.pending:
        for point in points(live):
            value = point["value"]
            if isinstance(value, list):
                value = value[0]
                equal(point["tags"], {"number": str(value % 5)})
            got[point["metric"]].append(value)
    for name in names:
        equal(got[name], list(range(each)))
    equal(live.dropped, 0)


# The heap


@only("micropython")
def test_streaming_uses_no_more_memory_with_time():
    px, live = device()
    live.start(Stream("a"))
    live.start(Stream("b", ["m1", "m2"], 30))
    levels = []
    for number in range(10000):
        px.clock.ticks = px.clock.ticks + 7 & 0x3FFFFFFF
        px.send("m%d" % (number % 7), number / 4)
        if number % 10 == 0:
            live.send("n", number, tags={"run": str(number)})
        if number % 20 == 0:
            live.frame()
        if number % 1000 == 999:
            gc.collect()
            levels.append(gc.mem_alloc())
    assert live.sent > 9000, live.sent
    assert max(levels[5:]) - max(levels[:5]) < 1000, levels


@only("micropython")
def test_showing_a_number_needs_no_heap():
    import micropython

    px, live = device()
    live.start(Stream("a", ["m"]))
    for value in (1.5, 7):
        px.send("m", value)
    micropython.heap_lock()
    try:
        for value in (1.5, 7):
            px.send("m", value)
    finally:
        micropython.heap_unlock()
    equal(values(live), [1.5, 7, 1.5, 7])
