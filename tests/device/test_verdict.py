"""When to try again: jitter, growth, caps and Retry-After; and that tick() keeps to it."""

import time

from clients import OwnTicks, Randoms, client, fill, refused, right_clock, values
from plexus.delivery.verdict import (
    CONFIRMED,
    FAILED,
    RATE_LIMITED,
    REFUSED,
    REFUSED_READING,
    TOO_LARGE,
    Retry,
    judge,
)
from plexus.readings.buffer import BufferFull
from support import Admin, equal, raises

OK = {"success": True, "count": 3, "persisted": True, "persistedCount": 3}
MOST = Randoms(1)
LEAST = Randoms(0)


def _waits(random, verdict, times, asked_ms=None):
    retry = Retry(random)
    waits = []
    for _ in range(times):
        retry.failed(verdict, 0, asked_ms)
        waits.append(retry.wait_ms(0))
    return waits


class Bound:
    """Gives the bytes of the number that makes the longest wait for a bound of that many ms."""

    def __init__(self):
        self.bound = 0

    def __call__(self, size):
        return self.bound.to_bytes(size, "big")


def _longest(verdict, times):
    # The longest wait after each failure: drawn numbers rise until the wait does not follow.
    longest = []
    random = Bound()
    for failures in range(times):
        maximum = 0
        for bound in (1000 << n for n in range(11)):
            for number in (min(bound, 60000), min(bound * 30, 900000)):
                retry = Retry(LEAST)
                for _ in range(failures):
                    retry.failed(verdict, 0)
                random.bound = number
                retry._random = random
                retry.failed(verdict, 0)
                maximum = max(maximum, retry.wait_ms(0))
        longest.append(maximum)
    return longest


def test_bound_of_the_wait_doubles_up_to_a_minute():
    equal(_longest(FAILED, 8), [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000])


def test_bound_of_the_wait_after_a_refusal_starts_at_30_s_and_ends_at_15_minutes():
    equal(_longest(REFUSED, 7), [30000, 60000, 120000, 240000, 480000, 900000, 900000])


def test_wait_is_drawn_evenly_from_zero_to_the_bound():
    import os

    counts = [0] * 4
    for _ in range(2000):
        retry = Retry(os.urandom)
        retry.failed(FAILED, 0)
        wait = retry.wait_ms(0)
        assert 0 <= wait <= 1000, wait
        counts[min(3, wait // 250)] += 1
    for count in counts:
        assert 350 < count < 650, counts  # 500 expected, with a deviation of 19


def test_wait_ends_when_so_much_time_has_passed():
    retry = Retry(Randoms(0.5))
    retry.failed(FAILED, 1000)
    wait = retry.wait_ms(1000)
    assert 0 < wait <= 1000
    equal(retry.wait_ms(1000 + wait - 1), 1)
    equal(retry.wait_ms(1000 + wait), 0)
    equal(retry.wait_ms(1000), 0)  # and does not come back


def test_wait_goes_on_over_the_wrap_of_the_ticks():
    retry = Retry(Randoms(0.5))
    start = time.ticks_add(0, -100) if hasattr(time, "ticks_add") else (1 << 30) - 100
    retry.failed(FAILED, start)
    wait = retry.wait_ms(start)
    equal(retry.wait_ms(0), wait - 100)


def test_success_starts_again_from_the_shortest():
    retry = Retry(LEAST)
    for _ in range(10):
        retry.failed(FAILED, 0)
    retry.succeeded()
    equal(retry.wait_ms(0), 0)
    retry._random = Bound()
    retry._random.bound = 60000
    retry.failed(FAILED, 0)
    assert retry.wait_ms(0) <= 1000


def test_retry_after_is_obeyed_and_spread_by_a_tenth():
    for fraction in (0, 0.1, 0.37, 0.5, 0.99, 1):
        (wait,) = _waits(Randoms(fraction), RATE_LIMITED, 1, 10000)
        assert 10000 <= wait <= 11000, wait
    waits = set(_waits(Randoms(*[n / 50 for n in range(50)]), RATE_LIMITED, 50, 100000))
    assert len(waits) > 20, waits


def test_verdicts_of_the_documented_statuses():
    equal(judge(200, OK, 3), CONFIRMED)
    equal(judge(201, OK, 3), CONFIRMED)
    for status in (500, 502, 503, 504, 599, 408, 425, 301, 302, 303, 304, 307, 308):
        equal((status, judge(status, None, 3)), (status, FAILED))
    for status in (401, 402, 403, 404, 405, 410, 411, 418, 422, 451):
        equal((status, judge(status, None, 3)), (status, REFUSED))
    equal(judge(400, None, 3), REFUSED_READING)
    equal(judge(413, None, 3), TOO_LARGE)
    equal(judge(429, None, 3), RATE_LIMITED)


def test_success_that_comes_with_an_error_status_is_none():
    for status in (301, 401, 500):
        assert judge(status, OK, 3) != CONFIRMED


# --- tick() -----------------------------------------------------------------------------------


def _px(server, ticks, **options):
    return client(server, clock=right_clock(ticks), **options)


def test_tick_flushes_when_the_interval_has_passed(server):
    with OwnTicks() as ticks:
        px = _px(server, ticks, flush_interval_ms=10000)
        px.send("n", 1)
        ticks.advance(9999)
        equal((px.tick(), px.pending), (0, 1))
        ticks.advance(1)
        equal((px.tick(), px.pending), (1, 0))
        px.send("n", 2)
        ticks.advance(9999)
        equal(px.tick(), 0)
        ticks.advance(1)
        equal(px.tick(), 1)


def test_tick_flushes_when_the_ring_is_filled_so_far(server):
    with OwnTicks() as ticks:
        px = _px(server, ticks, ring_bytes=1000, flush_fill_percent=50)
        sent = 0
        while sent < 500:
            px.send("n", sent)
            sent += 1
            if px.tick():
                break
        equal((px.pending, px.dropped), (0, 0))
        assert 500 // 16 <= sent <= 500 // 2, sent


def test_tick_makes_no_request_while_nothing_waits(server):
    with OwnTicks() as ticks:
        px = _px(server, ticks)
        for _ in range(5):
            ticks.advance(60000)
            equal(px.tick(), 0)
        equal(Admin(server.admin_url).requests(), [])


def test_drain_goes_on_with_each_tick(server):
    with OwnTicks() as ticks:
        px = _px(server, ticks, batch_points=10)
        fill(px, 35)
        ticks.advance(10000)
        confirmed = [px.tick()]
        px.send("n", 35)  # waits for the next interval
        for _ in range(5):
            confirmed.append(px.tick())
        assert sum(confirmed) in (35, 36) and max(confirmed) == 10, confirmed
        assert 0 not in confirmed[:4], confirmed
        admin = Admin(server.admin_url)
        equal(len({r["connection"] for r in admin.requests()}), 1)
        equal(values(admin)[:35], list(range(35)))


def test_tick_sends_nothing_before_the_back_off_is_over(server):
    admin = Admin(server.admin_url)
    admin.script({"status": 503, "times": 3})
    with OwnTicks() as ticks:
        px = _px(server, ticks, flush_interval_ms=0, random=Randoms(0.3))
        px.send("n", 1)
        for tries in (1, 2, 3):
            equal(px.tick(), 0)
            equal(len(admin.requests()), tries)
            wait_s = int(px.status.split("next try in ")[1].split(" ")[0])
            assert wait_s >= 1, px.status
            wait_ms = px.delivery.retry.wait_ms(ticks())
            assert (wait_s - 1) * 1000 < wait_ms <= wait_s * 1000
            ticks.advance(wait_ms - 1)
            equal((px.tick(), len(admin.requests())), (0, tries))
            ticks.advance(1)
        equal((px.tick(), px.pending), (1, 0))


def _seconds_to_next_try(server, fault, random):
    Admin(server.admin_url).script(fault)
    with OwnTicks() as ticks:
        px = _px(server, ticks, random=random)
        px.send("n", 1)
        equal(refused(px).status, fault.get("status", 429))
        return px.delivery.retry.wait_ms(ticks()) / 1000


def test_retry_after_in_seconds_is_obeyed(server):
    assert 7 <= _seconds_to_next_try(server, {"retry_after": 7}, LEAST) <= 7.7


def test_retry_after_as_a_date_is_obeyed_by_the_servers_own_clock(server):
    fault = {
        "retry_after": "Tue, 14 Nov 2023 22:14:20 GMT",
        "headers": {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"},
    }
    assert 60 <= _seconds_to_next_try(server, fault, LEAST) <= 66


def test_retry_after_date_that_has_passed_means_soon(server):
    fault = {"retry_after": "Tue, 14 Nov 2000 22:14:20 GMT"}
    assert _seconds_to_next_try(server, fault, MOST) <= 1


def test_retry_after_of_503_is_obeyed(server):
    assert 20 <= _seconds_to_next_try(server, {"status": 503, "retry_after": 20}, LEAST) <= 22


def test_retry_after_is_bounded_by_an_hour(server):
    assert _seconds_to_next_try(server, {"retry_after": 2000000000}, LEAST) <= 3960


def test_retry_after_that_makes_no_sense_is_ignored(server):
    for text in ("soon", "-5", "1.5", "", "99 bottles"):
        assert _seconds_to_next_try(server, {"retry_after": text}, MOST) <= 1, text


def test_429_without_retry_after_backs_off(server):
    assert _seconds_to_next_try(server, {"status": 429}, MOST) <= 1


def test_refused_key_backs_off_long_and_is_tried_again(server):
    admin = Admin(server.admin_url)
    admin.script({"status": 401, "times": 2})
    with OwnTicks() as ticks:
        px = _px(server, ticks, flush_interval_ms=0, random=Randoms(0.9))
        px.send("n", 1)
        px.tick()
        first = px.delivery.retry.wait_ms(ticks())
        ticks.advance(first)
        px.tick()
        second = px.delivery.retry.wait_ms(ticks())
        assert first <= 30000 and second <= 60000 and first + second > 2000, (first, second)
        ticks.advance(second)
        equal((px.tick(), px.pending), (1, 0))


def test_flush_does_not_wait_for_the_back_off(server):
    Admin(server.admin_url).script({"status": 503})
    with OwnTicks() as ticks:
        px = _px(server, ticks, random=Randoms(0.5))
        px.send("n", 1)
        refused(px)
        assert px.delivery.retry.wait_ms(ticks())
        equal(px.flush(), 1)
        equal(px.delivery.retry.wait_ms(ticks()), 0)


def test_wait_grows_with_failures_and_is_reset_by_success(server):
    admin = Admin(server.admin_url)
    admin.script({"status": 500, "times": 6})
    with OwnTicks() as ticks:
        random = Bound()
        random.bound = 900  # below every bound: so long is every wait
        px = _px(server, ticks, flush_interval_ms=0, random=random)
        px.send("n", 1)
        for _ in range(5):
            px.tick()
            ticks.advance(1000)
        random.bound = 31999
        px.tick()
        equal(px.delivery.retry.wait_ms(ticks()), 31999)
        ticks.advance(32000)
        equal(px.tick(), 1)
        admin.script({"status": 500})
        px.send("n", 2)
        px.tick()
        assert px.delivery.retry.wait_ms(ticks()) <= 1000


def test_counters_go_out_as_metrics_when_asked_for(server):
    with OwnTicks() as ticks:
        px = _px(server, ticks, report_interval_ms=5000, flush_interval_ms=0)
        px.send("n", 1)
        px.tick()
        ticks.advance(5000)
        px.tick()
        while px.pending:
            px.tick()
        points = Admin(server.admin_url).points()
        got = {p["metric"]: p["value"] for p in points if p["metric"] != "n"}
        equal(
            got,
            {
                "plexus.pending": got["plexus.pending"],
                "plexus.dropped": 0,
                "plexus.rejected": 0,
                "plexus.confirmed": 1,
            },
        )


def test_report_into_a_full_ring_does_not_raise_from_tick(server):
    with OwnTicks() as ticks:
        px = _px(server, ticks, report_interval_ms=1, ring_bytes=256, overflow="refuse")
        with raises(BufferFull):
            fill(px, 1000)
        ticks.advance(10000)
        px.tick()
        equal(px.pending < 10, True)


def test_retry_after_of_nothing_still_backs_off():
    equal(_waits(MOST, FAILED, 3, 0), _waits(MOST, FAILED, 3))
