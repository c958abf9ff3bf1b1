"""A battery node's clock over its sleeps: it goes on by the RTC, and learns how that errs."""

from models import machine
from plexus.clock import Clock
from readings import Client
from support import FakeTicks, equal

with machine.Installed():
    from firmware import rtc_time
    from firmware.rtc_memory import RtcMemory

NOON_MS = 1790000000000
MINUTE_MS = 60000
HOUR_MS = 3600000
NTP_MS = 10


class Node:
    """Wakes of a node whose RTC gains `ppm` while it sleeps; the true time is `true_ms`."""

    def __init__(self, ppm=0, interval_ms=5 * MINUTE_MS):
        self.ppm = ppm
        self.interval_ms = interval_ms
        self.true_ms = NOON_MS
        self.kept = RtcMemory()
        machine.rtc["us"] = 946684800000000 + 300000  # since it was switched on

    def wake(self, cause=machine.DEEPSLEEP_RESET):
        machine.state["cause"] = cause
        self.ticks = FakeTicks(300)
        self.clock = Clock((), ticks=self.ticks)
        self.believed = rtc_time.resume(self.clock, self.kept, self.interval_ms)
        self.begun = self.ticks()
        self.known_ms = self.clock.now_ms()
        return self

    def sync(self, source="ntp"):
        self.advance(2000)
        self.clock.observe(self.true_ms, self.ticks(), NTP_MS, source)
        rtc_time.synced(self.kept, self.clock, self.known_ms, self.begun)
        return self

    def advance(self, ms):
        # Awake, all count by the crystal.
        self.true_ms += ms
        self.ticks.advance(ms)
        machine.rtc["us"] += ms * 1000

    def sleep(self, ms=None):
        self.kept.saved_ms = rtc_time.now_ms()
        ms = ms or self.interval_ms
        self.true_ms += ms
        machine.rtc["us"] += ms * 1000 + ms * self.ppm // 1000
        return self

    @property
    def off_ms(self):
        return self.clock.now_ms() - self.true_ms


def at(year, month, day, hour=0, minute=0, second=0, us=0):
    machine.RTC().datetime((year, month, day, 0, hour, minute, second, us))
    return rtc_time.now_ms()


def test_the_rtcs_date_is_read_as_ms_since_1970():
    with machine.Installed():
        equal(at(1970, 1, 1), 0)
        equal(at(2000, 1, 1), 946684800000)
        equal(at(2000, 2, 29, 23, 59, 59, 999999), 951868799999)
        equal(at(2024, 12, 31, 12), 1735646400000)
        equal(at(2028, 3, 1), 1835481600000)
        equal(at(2099, 12, 31), 4102358400000)


def test_every_day_is_one_later_than_the_day_before():
    with machine.Installed():
        last = 0
        for day in range(1, 3000):
            machine.rtc["us"] = (1580000000 + day * 86400) * 1000000
            now = rtc_time.now_ms()
            if last:
                equal(now - last, 86400000)
            last = now


def test_a_time_that_was_known_is_known_after_the_sleep():
    with machine.Installed():
        node = Node().wake(machine.PWRON_RESET).sync().sleep().wake()
        equal((node.believed, node.clock.known, node.clock.source), (True, True, "rtc"))
        equal(node.off_ms, 0)


def test_its_error_is_one_percent_of_the_time_since_the_sync():
    with machine.Installed():
        node = Node().wake(machine.PWRON_RESET).sync().sleep().wake()
        awake_ms = 2000  # the sync counts as of the wake in which it was
        equal(node.clock.error_ms, 1000 + (node.interval_ms + awake_ms) // 100)


def test_readings_of_before_the_first_sync_are_dated_by_it():
    with machine.Installed():
        node = Node()
        truth = []
        client = None
        for cause in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET, machine.DEEPSLEEP_RESET):
            node.wake(cause)
            client = client or Client(clock=node.clock)
            client.clock = node.clock
            client.listen(None)
            truth.append(node.true_ms)
            client.send("n", len(truth))
            equal(node.clock.known, False)
            if len(truth) < 3:
                node.sleep()
        node.clock.on_shift = client.ring.date
        node.sync()
        equal([p["timestamp"] for p in client.points()], truth)


def test_after_a_loss_of_power_the_rtc_is_no_guide():
    with machine.Installed():
        node = Node().wake(machine.PWRON_RESET).sync().sleep()
        machine.rtc["us"] = 946684800000000
        node.wake(machine.PWRON_RESET)
        equal((node.believed, node.clock.known, node.kept.synced_ms), (False, False, 0))


def test_an_rtc_that_went_on_while_nobody_can_tell_is_no_guide():
    with machine.Installed():
        for cause in (machine.PWRON_RESET, machine.SOFT_RESET):
            node = Node().wake(machine.PWRON_RESET).sync().sleep().wake(cause)
            equal((node.believed, node.clock.known), (False, False))


def test_an_rtc_that_somebody_has_set_is_no_guide():
    with machine.Installed():
        for hours in (-1, 3):
            node = Node().wake(machine.PWRON_RESET).sync().sleep()
            machine.rtc["us"] += hours * HOUR_MS * 1000
            node.wake()
            equal((node.believed, node.clock.known), (False, False))


def test_an_rtc_that_was_set_by_a_wake_which_did_not_end_dates_nothing_of_before():
    with machine.Installed():
        node = Node().wake(machine.PWRON_RESET).sleep().wake()
        node.kept.saved_ms = rtc_time.now_ms()
        node.clock.observe(node.true_ms, node.ticks(), NTP_MS, "ntp")  # and the watchdog comes
        node.wake(machine.WDT_RESET)
        equal((node.believed, node.clock.known), (False, False))


def test_the_time_line_of_before_a_sync_is_none_of_after_it():
    # The store's files of before that were not told their times must not get those of after.
    with machine.Installed():
        node = Node().wake(machine.PWRON_RESET)
        first = node.kept.line
        node.sleep().wake()
        equal(node.kept.line, first)
        node.sync()
        assert node.kept.line != first


def test_a_crash_and_the_watchdog_leave_the_time_known():
    with machine.Installed():
        for cause in (machine.HARD_RESET, machine.WDT_RESET):
            node = Node().wake(machine.PWRON_RESET).sync().sleep().wake(cause)
            equal((node.believed, node.off_ms), (True, 0))


def test_what_the_rtc_errs_by_is_learned_and_corrected():
    with machine.Installed():
        for ppm in (-9000, 10000):
            node = Node(ppm).wake(machine.PWRON_RESET).sync()
            for _ in range(12):
                node.sleep().wake()
            off_ms = abs(node.off_ms)
            node.sync()
            for _ in range(12):
                node.sleep().wake()
            if abs(node.off_ms) > off_ms // 50:
                raise AssertionError("%d ms off, %d before" % (node.off_ms, off_ms))


def test_an_error_that_changes_is_followed():
    with machine.Installed():
        node = Node(10000).wake(machine.PWRON_RESET).sync()
        for ppm in (10000, 4000, 4000, 4000):
            node.ppm = ppm
            for _ in range(12):
                node.sleep().wake()
            off_ms = abs(node.off_ms)
            node.sync()
        if off_ms > 12 * node.interval_ms // 10000:
            raise AssertionError("%d ms off" % off_ms)


def test_a_time_that_is_not_ntps_teaches_no_rate():
    with machine.Installed():
        node = Node(10000).wake(machine.PWRON_RESET).sync().sleep(HOUR_MS // 2).wake().sync("http")
        equal(node.kept.rate_ppm, 0)
        equal(node.kept.synced_ms > 0, True)


def test_two_syncs_soon_after_one_another_teach_no_rate():
    with machine.Installed():
        node = Node(10000).wake(machine.PWRON_RESET).sync().sleep(MINUTE_MS).wake().sync()
        equal(node.kept.rate_ppm, 0)


def test_a_rate_that_no_oscillator_has_is_not_learned():
    with machine.Installed():
        node = Node(90000).wake(machine.PWRON_RESET).sync().sleep(20 * MINUTE_MS).wake().sync()
        equal(node.kept.rate_ppm, 0)
