"""A battery node over many wakes: what it keeps, when it sends, and that all arrives once."""

import asyncio

from test_answers import Picky, mute

from clients import client, fill, host_ms
from models import machine
from plexus.clock import Clock
from plexus.port import ticks_add, ticks_ms
from stores import Place
from support import Admin, equal, raises

with machine.Installed():
    from firmware import recorder, rtc_memory, rtc_time, sleeper, wake_delivery
    from firmware.rtc_memory import ROOM, RtcMemory
    from firmware.wake_delivery import deliver

INTERVAL_MS = 300000
# Of RTC memory, what a reading of a BME280 takes that is read every five minutes, names and heads
# included. A ring of 1.5 B a reading gives 1.9 here, and 1,000 readings.
READING_BYTES = 5.3


class Network:
    state = "connected"
    status = ""

    def power_up(self):
        pass

    async def run(self):
        await asyncio.sleep(10)


class Away(Network):
    state = "trouble"
    status = "home: it is not heard"


class Asleep(Exception):
    pass


class Channel:
    """One that reads at once what it is given: a list of (metric, value)."""

    on_demand = False
    sensor = None
    status = "starting"
    failures = 0

    def __init__(self, readings):
        self._readings = readings

    def tick(self, px):
        px.send_batch(self._readings)
        self.status = "ok"
        return 1000


class Sampler:
    status = {}

    def __init__(self, channels):
        self.channels = channels


class Crashes:
    safe = False
    secrets = ()

    def __init__(self):
        self.reports = []

    def wake(self):
        pass

    stopped = told = wake

    def report(self):
        return self.reports[0] if self.reports else None


class Node:
    """Wakes of a node with the firmware's sleeper and a client of `server`, one after another.

    true_ms: the time that it is; asleep, the RTC goes on as it does. joins: wakes that were in the
    network. read: (true time, value) of all readings.
    """

    def __init__(self, server, **sleep):
        self._server = server
        self.sleep = dict({"interval_s": INTERVAL_MS // 1000}, **sleep)
        self.true_ms = host_ms() // INTERVAL_MS * INTERVAL_MS
        self.cause = machine.PWRON_RESET
        self.away = False
        self.store = None
        self.problems = ()
        self.crashes = Crashes()
        self.joins = self.count = self.sent = 0
        self.read = []
        self.tries = []  # which wakes have tried to join

    def __enter__(self):
        self._installed = machine.Installed()
        self._installed.__enter__()
        machine.deepsleep = self._sleeps
        self._load_once = sleeper.load_once
        self._longest_ms = sleeper.longest_ms
        # In place of the firmware's factory and button.
        sleeper.load_once = lambda near, name: (
            self if name in ("factory", "button") else self._load_once(near, name)
        )
        sleeper.longest_ms = lambda config: 300 if self.away else 20000
        return self

    def __exit__(self, *failure):
        sleeper.load_once = self._load_once
        sleeper.longest_ms = self._longest_ms
        del machine.deepsleep
        self._installed.__exit__(*failure)

    def wake(self, *readings):
        """One wake that reads this, a number each time another by default, and the sleep behind."""
        self.count += 1
        self._readings = readings or (("n", self.count),)
        self.read += [(self.true_ms, value) for _, value in self._readings]
        machine.state["cause"] = self.cause
        kept = rtc_memory.load(self.sleep, False)
        with raises(Asleep):
            config = {"sleep": self.sleep, "watchdog_s": 0}
            if self.store:
                config["store"] = self.store
            sleeper.main(config, {}, self.crashes, kept)
        self.cause = machine.DEEPSLEEP_RESET
        self.true_ms += INTERVAL_MS
        machine.rtc["us"] += INTERVAL_MS * 1000
        return RtcMemory()

    def power_cut(self):
        machine.rtc["us"] = 946684800000000
        machine.rtc["memory"] = b""
        self.cause = machine.PWRON_RESET

    def make_client(self, config):
        options = {"clock": Clock(()), "ring_bytes": config.get("ring_bytes", 4096)}
        if "store" in config:
            options["store"] = config["store"]["path"]
            options["store_bytes"] = config["store"]["bytes"]
        px = client(self._server, **options)
        clock = px.clock
        clock.sync = lambda: clock.observe(self.true_ms, clock.ticks_ms(), 10, "ntp")
        return px

    def make_sampler(self, *_):
        return Sampler([Channel(self._readings)]), (), self.problems

    def make_network(self, *_):
        self.joins += not self.away
        self.tries.append(self.count)
        return Away() if self.away else Network()

    def unload_board(self):
        pass

    unload_sensors = unload_board

    async def portal_wanted(self, profile):
        return False

    def _sleeps(self, ms):
        self.slept_ms = ms
        raise Asleep


def arrived(server, metric="n"):
    return Admin(server.admin_url).points(metric=metric)


def assert_arrived(server, read, metric="n"):
    """These readings, (true time, value), are on the server in their order, once, and in time."""
    points = arrived(server, metric)
    equal([point["value"] for point in points], [value for _, value in read])
    for point, (true_ms, _) in zip(points, read):
        if abs(point["timestamp"] - true_ms) > 5000:
            raise AssertionError("%d ms off: %r" % (point["timestamp"] - true_ms, point))


def problems_told(server):
    return [point["value"] for point in arrived(server, "device.problem")]


# --- which wakes send -----------------------------------------------------------------------------


def test_a_node_joins_at_power_on_and_at_each_nth_wake_and_all_arrives_in_order(server):
    with Node(server, send_every=3) as node:
        for _ in range(10):
            node.wake()
        equal(node.joins, 4)
        assert_arrived(server, node.read)


def test_without_send_every_each_wake_sends(server):
    with Node(server) as node:
        for _ in range(3):
            node.wake()
        equal(node.joins, 3)
        assert_arrived(server, node.read)


def test_what_was_confirmed_is_let_go_of_before_the_sleep(server):
    with Node(server, send_every=2) as node:
        counts = []
        for _ in range(3):
            counts.append(node.wake().count)
        equal(counts, [0, 1, 0])


def test_a_wake_sends_before_the_memory_is_full(server):
    with Node(server, send_every=1000) as node:
        for number in range(14):
            node.wake(("n", "%03d" % number + "x" * 250))
        equal(node.joins, 2)
        equal((RtcMemory().lost, RtcMemory().count), (0, 5))
        assert_arrived(server, node.read[:9])


def test_each_wake_that_sends_sets_the_clock_anew(server):
    with Node(server, send_every=2) as node:
        node.wake()
        machine.rtc["us"] += 20000000  # what it gains while it sleeps
        node.wake()
        node.wake()
        off_ms = rtc_time.now_ms() - node.true_ms
        if abs(off_ms) > 5000:
            raise AssertionError("%d ms off" % off_ms)


# --- the network is away --------------------------------------------------------------------------


def test_all_that_was_read_while_the_network_was_away_arrives_after_it(server):
    with Node(server) as node:
        node.wake()
        node.away = True
        for _ in range(5):
            node.wake()
        equal(len(arrived(server)), 1)
        node.away = False
        node.wake()
        assert_arrived(server, node.read)


def test_a_node_whose_network_is_away_tries_no_more_often_than_it_was_told(server):
    with Node(server, send_every=3) as node:
        node.away = True
        for number in range(14):
            # The memory is full at the 8th, which is none that sends.
            node.wake(("n", "%03d" % number + "x" * 220))
        equal(node.tries, [1, 4, 7, 10, 13])


def test_readings_of_before_the_time_was_ever_known_get_their_times(server):
    with Node(server, send_every=2) as node:
        node.away = True
        for _ in range(4):
            node.wake()
        node.away = False
        node.wake()
        assert_arrived(server, node.read)


def test_a_server_that_is_away_takes_nothing_from_a_node(server):
    admin = Admin(server.admin_url)
    with Node(server) as node:
        node.wake()
        admin.script({"status": 503, "times": 3})
        node.wake()
        equal(len(arrived(server)), 1)
        admin.clear_faults()
        node.wake()
        assert_arrived(server, node.read)


def test_a_server_that_is_away_at_power_on_leaves_right_times(server):
    # The time comes from NTP, and it is known before the readings are kept a second time.
    admin = Admin(server.admin_url)
    with Node(server, send_every=2) as node:
        admin.script({"status": 503, "times": 3})
        node.wake()
        admin.clear_faults()
        for _ in range(2):
            node.wake()
        assert_arrived(server, node.read)


def test_the_oldest_are_dropped_where_there_is_no_more_room_and_that_is_told(server):
    with Node(server) as node:
        node.wake()
        node.away = True
        for number in range(12):
            node.wake(("n", "%03d" % number + "x" * 250))
        lost = RtcMemory().lost
        assert 4 < lost < 8, lost
        node.away = False
        node.wake()
        assert_arrived(server, node.read[:1] + node.read[1 + lost :])
        equal(problems_told(server), ["%d readings that were kept are lost" % lost])
        node.wake()
        equal(len(problems_told(server)), 1)


def test_what_is_wrong_does_not_fill_the_memory_of_a_node_whose_network_is_away(server):
    with Node(server) as node:
        node.problems = ["sensors[0].driver: 'bme281'"]
        node.crashes.reports = ["crash, then power-on reset: ValueError"]
        node.away = True
        for _ in range(3):
            equal(node.wake().count, node.count)
        node.away = False
        node.wake()
        equal(problems_told(server), node.problems)
        equal(len(arrived(server, "device.crash")), 1)
        assert_arrived(server, node.read)


# --- what the memory has suffered -----------------------------------------------------------------


def damage(at):
    raw = bytearray(machine.rtc["memory"])
    raw[at] ^= 0x40
    machine.rtc["memory"] = bytes(raw)


def test_damaged_readings_are_passed_over_counted_and_told(server):
    with Node(server, send_every=4) as node:
        for _ in range(3):
            node.wake()
        damage(-10)
        for _ in range(2):
            node.wake()
        assert_arrived(server, node.read[:1] + node.read[3:])
        equal(problems_told(server), ["2 readings that were kept are lost"])


def test_a_damaged_header_is_told_and_the_node_goes_on(server):
    with Node(server, send_every=4) as node:
        for _ in range(3):
            node.wake()
        damage(5)
        for _ in range(5):
            node.wake()
        assert_arrived(server, node.read[:1] + node.read[3:])
        equal(
            problems_told(server),
            ["RTC memory: damaged, or of another version: passed over"],
        )


def test_a_power_cut_takes_what_is_in_the_memory_and_no_time_is_wrong_after_it(server):
    with Node(server, send_every=4) as node:
        for _ in range(3):
            node.wake()
        node.power_cut()
        for _ in range(5):
            node.wake()
        assert_arrived(server, node.read[:1] + node.read[3:])


def test_readings_that_outlive_a_power_on_whose_clock_does_not_are_counted_as_lost(server):
    with Node(server, send_every=4) as node:
        for _ in range(3):
            node.wake()
        machine.rtc["us"] = 946684800000000
        node.cause = machine.PWRON_RESET
        node.wake()
        assert_arrived(server, node.read[:1] + node.read[3:])
        equal(problems_told(server), ["2 readings that were kept are lost"])


def test_a_wake_that_hangs_while_it_sends_has_kept_its_readings(server):
    with Node(server) as node:
        node.wake()

        def hangs(*_):
            raise KeyboardInterrupt

        before, wake_delivery.deliver = wake_delivery.deliver, hangs
        try:
            with raises(KeyboardInterrupt):
                node.wake()
        finally:
            wake_delivery.deliver = before
        node.true_ms += INTERVAL_MS
        machine.rtc["us"] += INTERVAL_MS * 1000
        node.cause = machine.WDT_RESET
        node.wake()
        assert_arrived(server, node.read)


def test_a_micropython_without_that_memory_sends_at_each_wake(server):
    with Node(server, send_every=3) as node:
        machine.rtc["size"] = 0
        for _ in range(3):
            node.wake()
        equal(node.joins, 3)
        assert_arrived(server, node.read)


# --- what goes into the flash ---------------------------------------------------------------------


def long(number):
    """A reading of 260 B."""
    return ("n", "%03d" % number + "x" * 250)


def test_what_the_memory_has_no_room_for_goes_into_files_and_all_arrives_in_order(server):
    with Place() as place, Node(server) as node:
        node.store = {"path": place.path, "bytes": 16384}
        node.wake()
        node.away = True
        for number in range(25):
            node.wake(long(number))
        equal(len(place.names()), 3)
        node.away = False
        node.wake()
        equal(place.names(), [])
        assert_arrived(server, node.read)
        equal(problems_told(server), [])


def test_a_node_with_a_store_joins_only_when_that_is_full_too(server):
    with Place() as place, Node(server, send_every=1000) as node:
        node.store = {"path": place.path, "bytes": 16384}
        while node.joins < 2 and node.count < 60:
            node.wake(long(node.count))
        equal(node.joins, 2)
        if node.count < 25:
            raise AssertionError("it joined at wake %d" % node.count)
        assert_arrived(server, node.read)


def test_readings_in_files_from_before_the_time_was_known_get_their_times(server):
    with Place() as place, Node(server) as node:
        node.store = {"path": place.path, "bytes": 16384}
        node.away = True
        for number in range(12):
            node.wake(long(number))
        assert place.names()
        node.away = False
        node.wake()
        assert_arrived(server, node.read)


def test_their_times_are_kept_where_the_server_is_away_when_the_time_comes(server):
    admin = Admin(server.admin_url)
    with Place() as place, Node(server) as node:
        node.store = {"path": place.path, "bytes": 16384}
        node.away = True
        for number in range(12):
            node.wake(long(number))
        node.away = False
        admin.script({"status": 503, "times": 3})
        node.wake()
        admin.clear_faults()
        node.wake()
        assert_arrived(server, node.read)


def test_a_power_cut_leaves_what_is_in_files(server):
    with Place() as place, Node(server) as node:
        node.store = {"path": place.path, "bytes": 16384}
        node.wake()
        node.away = True
        for number in range(12):
            node.wake(long(number))
        kept = RtcMemory().count
        node.away = False
        node.power_cut()
        node.wake()
        assert_arrived(server, node.read[: -1 - kept] + node.read[-1:])


def test_a_store_that_cannot_be_written_costs_the_oldest_and_nothing_else(server):
    with Node(server) as node:
        node.store = {"path": "/proc/nowhere/plexus", "bytes": 16384}
        node.wake()
        node.away = True
        for number in range(12):
            node.wake(long(number))
        lost = RtcMemory().lost
        node.away = False
        node.wake()
        assert_arrived(server, node.read[:1] + node.read[1 + lost :])
        equal(problems_told(server), ["%d readings that were kept are lost" % lost])


# --- how much fits -------------------------------------------------------------------------------


def test_the_memory_holds_as_many_readings_as_the_rings_density_gives():
    with machine.Installed():
        machine.state["cause"] = machine.DEEPSLEEP_RESET
        kept = RtcMemory()
        seed = 1
        held = lost = 0
        while not lost:
            px = recorder.Recorder(ROOM + 1024)
            sleeper.restore(px, kept, INTERVAL_MS)
            walk = []
            for _ in range(3):
                seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                walk.append((seed >> 16) % 20)
            readings = (
                ("temperature", round(21 + walk[0] * 0.01, 2)),
                ("humidity", round(45 + walk[1] * 0.01, 2)),
                ("pressure", round(1013 + walk[2] * 0.01, 2)),
            )
            px.send_batch(readings)
            segment, count = sleeper.packed(px, kept)
            kept.saved_ms = rtc_time.now_ms()
            kept.save(segment, count)
            machine.rtc["us"] += INTERVAL_MS * 1000 + walk[0] * 1000
            held = max(held, count)
            lost = kept.lost
            kept = RtcMemory()
        if held < ROOM / READING_BYTES:
            raise AssertionError("%d readings" % held)


# --- delivery -------------------------------------------------------------------------------------


def test_refused_reading_keeps_no_other_from_going_in_the_same_wake():
    # The server does not name it, so that it is refused at two times before it is given up.
    server = Picky(mute)
    px = client(server)
    fill(px, 6)  # 3 and 4 are refused
    assert deliver(px, Network(), ticks_add(ticks_ms(), 30000), lambda: None)
    equal((sorted(server.kept), px.rejected, px.pending), ([0, 1, 2, 5], 2, 0))


def test_server_that_refuses_everything_ends_the_wake_when_it_is_over():
    px = client(Picky(lambda values: (400, "no")))
    fill(px, 3)
    assert not deliver(px, Network(), ticks_add(ticks_ms(), 500), lambda: None)
    equal((px.rejected, px.pending), (0, 3))


def test_the_watchdog_is_fed_between_requests_and_the_wakes_end_ends_them():
    server = Picky(lambda values: (200, ""))
    px = client(server, batch_points=2)
    fill(px, 9)
    fed = []
    ends = ticks_add(ticks_ms(), 20000)
    assert deliver(px, Network(), ends, lambda: fed.append(len(server.requests)))
    equal(fed[-4:], [2, 3, 4, 5])
    fill(px, 9)
    assert not deliver(px, Network(), ticks_ms(), lambda: None)
    equal(px.pending, 7)
