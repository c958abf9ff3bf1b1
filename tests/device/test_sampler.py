"""The sampler: each sensor at its own rate, conversions that nobody waits for, failures."""

import asyncio

from models import bme280
from plexus.port import ticks_add, ticks_diff
from plexus.readings.buffer import BufferFull
from plexus.sensors.bme280 import BME280
from plexus.sensors.driver import Driver
from plexus.sensors.sampling.sampler import Sampler
from readings import START_MS, Client, FakeClock
from sensors import i2c_rig
from support import FakeTicks, equal, only, raises


class Ticking(FakeClock):
    """A clock whose ticks the test advances."""

    def __init__(self, start_ms):
        super().__init__()
        self.ticks_ms = FakeTicks(start_ms)
        self.time_map[0] = self.ticks_ms()


class Bench:
    """A sampler, what it has sent, and the time."""

    def __init__(self, start_ms=1000, **options):
        clock = Ticking(start_ms)
        self.advance = clock.ticks_ms.advance
        self.px = Client(clock=clock, **options)
        self.sampler = Sampler(self.px)
        self.add = self.sampler.add

    def pass_ms(self, duration_ms, step_ms=1):
        for _ in range(duration_ms // step_ms):
            self.advance(step_ms)
            self.sampler.tick()

    def sent(self):
        """(metric, value) of all that was sent."""
        return [(point["metric"], point["value"]) for point in self.px.points()]

    def sent_at_ms(self, metric):
        """When the readings of a metric were taken, in ms since the start."""
        points = self.px.points()
        return [p["timestamp"] - START_MS for p in points if p["metric"] == metric]


class Counter:
    """A user's own sensor: counts its reads."""

    def __init__(self, metric="count"):
        self.metric = metric
        self.reads = 0

    def read(self):
        self.reads += 1
        return [(self.metric, self.reads)]


class Slow(Driver):
    """Needs a set-up of 7 ms, and 30 ms for each measurement."""

    METRICS = {"slow": ""}
    INTERVAL_MS = 100

    def __init__(self):
        self.set_up = 0
        self.fail = None

    def setup(self):
        self.set_up += 1
        yield 7

    def measure(self):
        yield 30
        if self.fail:
            raise self.fail
        yield "slow", self.set_up


def test_sensors_are_read_at_their_own_rates():
    bench = Bench()
    bench.add(Counter("fast"), interval_ms=10)
    bench.add(Counter("lazy"), interval_ms=25)
    bench.sampler.tick()
    bench.pass_ms(50)
    equal(bench.sent_at_ms("fast"), [0, 10, 20, 30, 40, 50])
    equal(bench.sent_at_ms("lazy"), [0, 25, 50])


def test_a_driver_is_read_at_its_own_interval_unless_told_otherwise():
    bench = Bench()
    equal(bench.add(Slow()).interval_ms, 100)
    equal(bench.add(Slow(), interval_ms=500).interval_ms, 500)
    equal(bench.add(Counter()).interval_ms, 1000)


def test_tick_tells_the_time_until_there_is_more_to_do():
    bench = Bench()
    bench.add(Counter(), interval_ms=40)
    bench.add(Slow())
    equal(bench.sampler.tick(), 8)  # the set-up; no tick of it may be short
    bench.advance(8)
    equal(bench.sampler.tick(), 31)
    bench.advance(31)
    equal(bench.sampler.tick(), 1)


def test_a_conversion_does_not_hold_up_the_others():
    bench = Bench()
    bench.add(Slow())
    bench.add(Counter(), interval_ms=5)
    bench.sampler.tick()
    bench.pass_ms(30)
    equal(bench.sent_at_ms("count"), [0, 5, 10, 15, 20, 25, 30])
    equal(bench.sent_at_ms("slow"), [])
    bench.pass_ms(10)
    equal(bench.sent_at_ms("slow"), [39])


def test_the_interval_is_kept_in_spite_of_conversion_and_lateness():
    bench = Bench()
    bench.add(Slow())
    bench.sampler.tick()
    bench.pass_ms(350, 2)
    # The first has its set-up as well.
    equal(bench.sent_at_ms("slow"), [40, 132, 232, 332])


def test_reads_that_could_not_be_in_time_are_left_out():
    bench = Bench()
    sensor = Counter()
    bench.add(sensor, interval_ms=10)
    bench.sampler.tick()
    bench.advance(57)
    bench.sampler.tick()
    equal(sensor.reads, 2)
    bench.pass_ms(13)
    equal(bench.sent_at_ms("count"), [0, 57, 60, 70])


def test_it_tells_how_late_it_ever_was_since_its_start():
    bench = Bench()
    channel = bench.add(Counter(), interval_ms=10)
    bench.advance(500)
    bench.sampler.tick()
    equal(channel.max_lateness_ms, 0)
    bench.pass_ms(30)
    bench.advance(14)
    bench.sampler.tick()
    bench.pass_ms(50)
    equal(channel.max_lateness_ms, 4)


@only("cpython")  # the ticks of the other one's 64-bit port wrap at 2^62
def test_rates_hold_while_ticks_wrap():
    bench = Bench(start_ms=(1 << 30) - 25)
    bench.add(Counter(), interval_ms=10)
    bench.sampler.tick()
    bench.pass_ms(60)
    equal(len(bench.sent()), 7)


def test_readings_of_one_measurement_have_one_timestamp():
    bench = Bench()
    rig = i2c_rig(BME280, bme280.Model())
    bench.add(rig.driver)
    bench.sampler.tick()
    for _ in range(20):
        bench.advance(1)
        rig.bus.clock.advance(1)
        bench.sampler.tick()
    points = bench.px.points()
    equal([p["metric"] for p in points], ["temperature", "pressure", "humidity"])
    equal(len({p["timestamp"] for p in points}), 1)


def test_read_may_give_a_dict_or_nothing():
    class Own:
        def read(self):
            return answers.pop()

    answers = [None, {"a": 1, "b": True}]
    bench = Bench()
    bench.add(Own(), interval_ms=10)
    bench.sampler.tick()
    bench.pass_ms(10)
    equal(bench.sent(), [("a", 1), ("b", True)])
    equal(bench.sampler.status, {"own": "ok"})


def test_prefix_and_tags_go_with_each_reading():
    class Own:
        def read(self):
            yield "a", 1
            yield "b", 2, {"probe": "left"}

    bench = Bench()
    bench.add(Own(), prefix="lab.", tags={"room": "7", "probe": "none"})
    bench.sampler.tick()
    points = bench.px.points()
    equal([p["metric"] for p in points], ["lab.a", "lab.b"])
    equal([p["tags"] for p in points], [
        {"room": "7", "probe": "none"},
        {"room": "7", "probe": "left"},
    ])  # fmt: skip


class Event:
    """What happened a while ago, besides what is now."""

    def __init__(self, age_ms=300, tags=None):
        self.event = ("event", True, tags, age_ms)

    def read(self):
        yield self.event
        yield "now", 1


def test_a_reading_with_an_age_gets_the_time_at_which_it_happened():
    bench = Bench()
    bench.add(Event(tags={"pin": "4"}), prefix="door.", tags={"room": "7"})
    bench.add(Event())
    bench.advance(1000)
    bench.sampler.tick()
    equal(bench.sent_at_ms("door.event"), [700])
    equal(bench.sent_at_ms("event"), [700])
    equal(bench.sent_at_ms("now"), [1000])
    equal(bench.px.points()[0]["tags"], {"pin": "4", "room": "7"})


def test_an_age_counts_from_when_the_sensor_gave_it():
    class Waiting(Driver):
        def measure(self):
            yield "event", True, None, 300
            yield 50

    bench = Bench()
    bench.add(Waiting())
    bench.advance(1000)
    bench.sampler.tick()
    bench.pass_ms(51)
    equal(bench.sent_at_ms("event"), [700])


def test_an_age_holds_for_a_client_that_knows_no_such_thing():
    class Plain:
        ticks_ms = FakeTicks()

        def send(self, metric, value, tags=None):
            sent.append((metric, value, tags))

        def send_batch(self, points, tags=None):
            for metric, value in points:
                self.send(metric, value, tags)

    sent = []
    sampler = Sampler(Plain())
    sampler.add(Event())
    sampler.tick()
    equal(sent, [("event", True, None), ("now", 1, None)])


def test_an_age_that_is_none_is_an_error_of_the_sensor():
    for age_ms in (-1, 1 << 29, 0.5):
        bench = Bench()
        bench.add(Event(age_ms))
        bench.sampler.tick()
        status = bench.sampler.status["event"]
        assert status.startswith("ValueError: the age of event in ms: "), status


def test_a_wait_that_is_none_is_an_error_of_the_sensor():
    class Own:
        def __init__(self, item):
            self.item = item

        def read(self):
            yield self.item

    for item in (1700000000000, -1):
        bench = Bench()
        bench.add(Own(item))
        bench.sampler.tick()
        status = bench.sampler.status["own"]
        assert status.startswith("ValueError: a number alone is a wait in ms: "), status


def test_what_a_driver_says_has_no_mean_is_sent_as_it_was_last():
    class Own:
        NO_MEAN = ("course",)

        def read(self):
            return {"course": courses.pop(), "speed": 1.0}

    courses = [3.0, 359.0]
    bench = Bench()
    bench.add(Own(), interval_ms=10, average=2)
    bench.sampler.tick()
    bench.pass_ms(10)
    equal(sorted(bench.sent()), [("course", 3.0), ("speed", 1.0)])


def test_ticks_that_would_be_half_a_wrap_away_are_refused_everywhere():
    for milliseconds in (1 << 61, -(1 << 61)):
        with raises(OverflowError):
            ticks_add(0, milliseconds)
    equal(ticks_diff(ticks_add(5, (1 << 29) - 1), 5), (1 << 29) - 1)


def test_a_sensor_that_fails_stops_no_other_and_shows():
    class Broken:
        def read(self):
            raise ValueError("no idea")

    bench = Bench()
    bench.add(Broken(), interval_ms=10)
    bench.add(Counter(), interval_ms=10)
    bench.sampler.tick()
    bench.pass_ms(20)
    equal(len(bench.sent_at_ms("count")), 3)
    equal(bench.sampler.status, {"broken": "ValueError: no idea", "counter": "ok"})
    assert ("broken.status", "ValueError: no idea") in bench.sent()


def test_a_failure_is_sent_once_and_so_is_the_recovery():
    bench = Bench()
    sensor = Slow()
    channel = bench.add(sensor, prefix="lab.")
    bench.sampler.tick()
    bench.pass_ms(40)
    sensor.fail = OSError("unplugged")
    bench.pass_ms(1000)
    assert channel.failures > 1
    sensor.fail = None
    bench.pass_ms(3000)
    equal(channel.failures, 0)
    states = [value for metric, value in bench.sent() if metric == "lab.slow.status"]
    equal(states, ["OSError: unplugged", "ok"])


def test_a_status_does_not_name_the_sensor_twice():
    class Broken:
        def read(self):
            raise OSError(5)

    bench = Bench()
    for name, prefix in (("tank", "tank."), ("tank", "lab."), ("tank", "lab.tank."), ("t", "t_")):
        bench.add(Broken(), name=name, prefix=prefix)
        bench.sampler.channels[-1].name = name  # also where another has it
    bench.sampler.tick()
    metrics = [metric for metric, _ in bench.sent()]
    equal(metrics, ["tank.status", "lab.tank.status", "lab.tank.status", "t_t.status"])


def test_a_failing_sensor_is_tried_at_growing_intervals_of_at_most_a_minute():
    class Broken:
        def read(self):
            tries.append(bench.px.ticks_ms())
            raise OSError(5)

    tries = []
    bench = Bench(start_ms=0)
    bench.add(Broken(), interval_ms=1000)
    bench.sampler.tick()
    bench.pass_ms(300000, 1000)
    waits = [after - before for before, after in zip(tries, tries[1:])]
    equal(waits, [2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000])


def test_a_slow_sensor_that_fails_is_not_tried_sooner_than_its_interval():
    class Broken:
        def read(self):
            raise OSError(5)

    bench = Bench()
    channel = bench.add(Broken(), interval_ms=600000)
    for _ in range(5):
        bench.sampler.tick()
        bench.advance(600000)
    equal(channel.failures, 5)


def test_a_driver_is_set_up_again_after_a_failure_and_only_then():
    bench = Bench()
    sensor = Slow()
    bench.add(sensor)
    bench.sampler.tick()
    bench.pass_ms(350)
    equal(sensor.set_up, 1)
    sensor.fail = OSError(5)
    bench.pass_ms(100)
    sensor.fail = None
    bench.pass_ms(1000)
    equal(sensor.set_up, 2)
    equal(bench.sampler.status, {"slow": "ok"})


def test_a_replugged_chip_is_read_again():
    bench = Bench()
    rig = i2c_rig(BME280, bme280.Model())
    channel = bench.add(rig.driver, interval_ms=50)

    def pass_ms(duration_ms):
        for _ in range(duration_ms):
            bench.advance(1)
            rig.bus.clock.advance(1)
            bench.sampler.tick()

    pass_ms(100)
    rig.bus.remove(0x76)
    pass_ms(100)
    assert channel.status.startswith("SensorError: 0x76: no answer ("), channel.status
    rig.bus.attach(bme280.Model(), 0x76)
    pass_ms(1000)
    equal(channel.status, "ok")


def test_a_value_that_cannot_be_is_left_out_and_told_and_the_others_go_at_their_rate():
    class Own:
        values = ()

        def read(self):
            return [("bad", value) for value in self.values] + [("fine", 1)]

    endless = float("inf")
    for value in (
        float("nan"),
        endless,
        -endless,
        None,
        {1},
        b"x",
        {"x": endless},
        [None, endless],
    ):
        bench = Bench()
        sensor = Own()
        channel = bench.add(sensor, interval_ms=10, deadband=0)
        sensor.values = (value,)
        bench.sampler.tick()
        bench.pass_ms(30)
        equal(channel.failures, 0)
        assert channel.status.startswith("SensorError: bad: value: "), channel.status
        sensor.values = (0,)
        bench.pass_ms(10)
        status = "own.status"
        told = [value for metric, value in bench.sent() if metric == status]
        equal(told[1:], ["ok"])
        assert told[0].startswith("SensorError: bad: value: "), told
        equal([metric for metric, _ in bench.sent() if metric != status], ["fine", "bad"])


def test_a_sensor_that_gives_nothing_that_can_be_keeps_its_rate():
    class Own:
        reads = 0

        def read(self):
            self.reads += 1
            return {"bad": None}

    bench = Bench()
    sensor = Own()
    bench.add(sensor, interval_ms=10)
    bench.sampler.tick()
    bench.pass_ms(100)
    equal(sensor.reads, 11)
    equal([metric for metric, _ in bench.sent()], ["own.status"])


def test_a_value_that_cannot_be_does_not_spoil_a_mean():
    bench = Bench()
    sensor = Door({})
    bench.add(sensor, interval_ms=10, average=4)
    for value in (1.0, float("nan"), 3.0, None):
        sensor.readings = {"a": value}
        bench.sampler.tick()
        bench.advance(10)
    equal([reading for reading in bench.sent() if reading[0] == "a"], [("a", 2.0)])


def test_a_drivers_value_out_of_range_is_told_and_the_others_go_at_their_rate():
    bench = Bench()
    rig = i2c_rig(BME280, bme280.Model())
    channel = bench.add(rig.driver, interval_ms=100)

    def pass_ms(duration_ms):
        for _ in range(duration_ms // 10):
            bench.advance(10)
            rig.bus.clock.advance(10)
            bench.sampler.tick()

    bench.sampler.tick()
    pass_ms(100)
    good = rig.chip.raw_pressure
    rig.chip.raw_pressure = 0
    pass_ms(300)
    told = channel.status
    assert told.startswith("SensorError: pressure: "), told
    assert told.endswith(" is not from 300 to 1100"), told
    equal(channel.failures, 0)
    rig.chip.raw_pressure = good
    pass_ms(100)
    sent = bench.sent()
    equal([value for metric, value in sent if metric == "bme280.status"], [told, "ok"])
    equal(len([metric for metric, _ in sent if metric == "temperature"]), 5)
    equal(len({value for metric, value in sent if metric == "pressure"}), 1)
    rig.chip.raw_temperature = rig.chip.raw_pressure = 0
    pass_ms(300)
    equal(channel.status, "SensorError: 0x76: nothing was measured")
    assert channel.failures


def test_tick_raises_nothing_whatever_a_sensor_raises_or_is_called():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    class Own:
        def read(self):
            raise Mute()

    bench = Bench()
    bench.add(Own(), 10)
    for name, prefix, tags in (("a", 5, None), ("b", None, None), (5, "", None), ("c", "", 5)):
        bench.add(Counter(), 10, name, prefix, tags)
    bench.add(Counter("good"), 10, name="good")
    bench.pass_ms(50)
    status = bench.sampler.status
    equal((status["own"], status["good"]), ("Mute", "ok"))
    for name in ("a", "b", "c"):
        assert "Error: " in status[name], status
    equal([value for metric, value in bench.sent() if metric == "good"], [1, 2, 3, 4, 5, 6])


def test_names_are_unique_and_tell_an_unusual_address():
    bench = Bench()
    for address in (0x76, 0x76, 0x77):
        bench.add(BME280(None, address))
    bench.add(Counter(), name="tank")
    equal([c.name for c in bench.sampler.channels], ["bme280", "bme280_2", "bme280_77", "tank"])


def test_a_sensor_of_ones_own_may_have_an_address_of_any_kind():
    class Modbus(Counter):
        def __init__(self, address):
            super().__init__()
            self.address = address

    bench = Bench()
    for address in (17, "10.0.0.5"):
        bench.add(Modbus(address))
    equal([c.name for c in bench.sampler.channels], ["modbus", "modbus_2"])


def test_a_removed_sensor_is_closed_and_read_no_more():
    class Closing(Slow):
        def close(self):
            closed.append(self)

    closed = []
    bench = Bench()
    sensor = Closing()
    channel = bench.add(sensor)
    bench.sampler.remove(channel)
    bench.pass_ms(200)
    equal(bench.sent(), [])
    equal(closed, [sensor])


def test_a_removed_sensor_of_ones_own_is_closed_too():
    class Own(Counter):
        def close(self):
            closed.append(self)

    closed = []
    bench = Bench()
    channels = [bench.add(Own()), bench.add(Counter())]
    for channel in channels:
        bench.sampler.remove(channel)
    equal(closed, [channels[0].sensor])
    equal(bench.sampler.channels, [])


def test_bad_arguments_are_named():
    bench = Bench()
    for interval_ms in (0, -1, 1.5, True, 86400001):
        with raises(ValueError, "interval_ms: ", "1 to 86400000"):
            bench.add(Counter(), interval_ms=interval_ms)
    for on_demand in (None, 1, "yes"):
        with raises(ValueError, "on_demand: ", "True or False"):
            bench.add(Counter(), on_demand=on_demand)
    with raises(ValueError, "sensor: ", "no read()"):
        bench.add(object())
    equal(bench.sampler.channels, [])


# What could not be sent


class Door:
    """A user's own sensor: gives what it is told."""

    def __init__(self, readings):
        self.readings = readings

    def read(self):
        return self.readings


def test_a_change_that_found_no_room_is_sent_when_there_is_some():
    bench = Bench(ring_bytes=512, overflow="refuse")
    door = Door({"open": False})
    channel = bench.add(door, 10, deadband=0)
    bench.sampler.tick()
    with raises(BufferFull):
        while True:
            bench.px.send("n", 1)
    door.readings = {"open": True}
    bench.pass_ms(10)
    assert channel.status.startswith("BufferFull: "), channel.status
    bench.px.measure()
    bench.px.confirm_all()
    bench.pass_ms(1000)
    equal([value for metric, value in bench.sent() if metric == "open"], [True])


def test_a_value_beside_one_that_is_refused_is_sent_with_the_next():
    bench = Bench()
    sensor = Door({"a": 1.0, "b": float("nan")})
    bench.add(sensor, 10, deadband=0.1)
    bench.sampler.tick()
    sensor.readings = {"a": 1.0, "b": 2.0}
    bench.pass_ms(100)
    equal([each for each in bench.sent() if each[0] in "ab"], [("a", 1.0), ("b", 2.0)])


def test_a_value_for_which_there_was_no_memory_is_sent_with_the_next():
    def no_memory(*_, **__):
        raise MemoryError()

    bench = Bench()
    bench.add(Door({"a": 1}), 10, deadband=0)
    before = bench.px.send_batch
    bench.px.send_batch = no_memory
    bench.sampler.tick()
    bench.px.send_batch = before
    bench.pass_ms(100)
    equal([each for each in bench.sent() if each[0] == "a"], [("a", 1)])


def test_a_sensor_that_fails_sends_nothing_twice_for_it():
    class Failing(Door):
        def read(self):
            if self.readings is None:
                raise OSError("gone")
            return self.readings

    bench = Bench()
    sensor = Failing({"a": 1})
    bench.add(sensor, 10, deadband=0)
    bench.sampler.tick()
    sensor.readings = None
    bench.pass_ms(10)
    sensor.readings = {"a": 1}
    bench.pass_ms(100)
    equal([metric for metric, _ in bench.sent()], ["a", "failing.status", "failing.status"])


# Sensors that are read only while somebody wants to see them


def test_a_sensor_on_demand_is_read_only_while_it_has_a_client():
    bench = Bench()
    sensor = Counter()
    channel = bench.add(sensor, interval_ms=10, on_demand=True)
    bench.pass_ms(50)
    equal((sensor.reads, channel.client, channel.on_demand), (0, None, True))
    live = Client(clock=bench.px.clock)
    channel.wake(live)
    bench.pass_ms(25)
    equal(live.values(), [1, 2, 3])
    channel.wake(None)
    bench.pass_ms(50)
    equal(sensor.reads, 3)
    equal(bench.sent(), [])


def test_a_kept_sensor_sends_to_the_samplers_client():
    bench = Bench()
    channel = bench.add(Counter())
    assert channel.client is bench.px
    equal(channel.on_demand, False)


def test_a_woken_sensor_is_read_at_once():
    bench = Bench()
    channel = bench.add(Counter(), interval_ms=60000, on_demand=True)
    bench.pass_ms(500)
    channel.wake(bench.px)
    bench.sampler.tick()
    equal(bench.sent_at_ms("count"), [500])
    bench.pass_ms(1000)
    channel.wake(None)
    channel.wake(bench.px)
    bench.sampler.tick()
    equal(bench.sent_at_ms("count"), [500, 1500])


def test_nothing_is_lost_when_the_client_changes():
    bench = Bench()
    channel = bench.add(Slow(), on_demand=True)
    live = Client(clock=bench.px.clock)
    channel.wake(live)
    bench.sampler.tick()
    bench.pass_ms(120)
    channel.wake(bench.px)  # while it converts
    bench.pass_ms(100)
    equal([p["timestamp"] - START_MS for p in live.points()], [39])
    equal(bench.sent_at_ms("slow"), [131])
    equal(channel.sensor.set_up, 1)
    bench.pass_ms(20)
    equal(bench.sent_at_ms("slow"), [131, 231])


def test_a_sensor_that_is_not_read_is_idle_and_not_late():
    bench = Bench()
    channel = bench.add(Counter(), interval_ms=10, on_demand=True)
    equal(bench.sampler.status, {"counter": "idle"})
    channel.wake(bench.px)
    bench.pass_ms(20)
    equal(channel.status, "ok")
    channel.wake(None)
    equal((channel.status, channel.failures), ("idle", 0))
    bench.pass_ms(500)
    channel.wake(bench.px)
    bench.pass_ms(20)
    equal((channel.status, channel.max_lateness_ms), ("ok", 0))


def test_tick_returns_soon_while_a_sensor_may_be_woken():
    bench = Bench()
    bench.add(Counter(), interval_ms=60000, on_demand=True)
    equal(bench.sampler.tick(), 100)


def test_the_failure_of_a_woken_sensor_goes_to_its_client():
    bench = Bench()
    sensor = Slow()
    sensor.fail = OSError("unplugged")
    channel = bench.add(sensor, on_demand=True)
    live = Client(clock=bench.px.clock)
    channel.wake(live)
    bench.pass_ms(500)
    equal(live.values(), ["OSError: unplugged"])
    channel.wake(None)
    equal((channel.status, channel.failures), ("idle", 0))
    channel.wake(live)  # who may be another, and is told anew
    bench.pass_ms(100)
    equal(live.values(), ["OSError: unplugged"] * 2)
    equal(bench.sent(), [])


def test_the_recovery_of_a_sensor_that_failed_before_it_was_idle_is_sent():
    bench = Bench()
    sensor = Slow()
    sensor.fail = OSError("unplugged")
    channel = bench.add(sensor, on_demand=True)
    channel.wake(bench.px)
    bench.pass_ms(100)
    channel.wake(None)
    sensor.fail = None
    channel.wake(bench.px)
    bench.pass_ms(100)
    states = [value for metric, value in bench.sent() if metric == "slow.status"]
    equal(states, ["OSError: unplugged", "ok"])


def test_a_chip_that_converts_as_it_is_woken_again_is_given_the_time():
    bench = Bench()
    channel = bench.add(Slow(), on_demand=True)
    channel.wake(bench.px)
    bench.sampler.tick()
    bench.pass_ms(20)  # until 39 it converts
    channel.wake(None)
    bench.pass_ms(5)
    channel.wake(bench.px)
    bench.pass_ms(100)
    equal(bench.sent_at_ms("slow"), [39 + 39])


def test_a_woken_sensor_sends_what_its_deadband_had_held_back():
    bench = Bench()
    channel = bench.add(Slow(), on_demand=True, deadband=1, average=2)
    for _ in range(2):
        channel.wake(bench.px)
        bench.sampler.tick()
        bench.pass_ms(250)  # three reads: one more than a mean
        sent = bench.sent_at_ms("slow")
        channel.wake(None)
    equal(sent, [131, 250 + 131])


# What a dashboard is told of a sensor


def test_a_drivers_metrics_are_known_at_once():
    bench = Bench()
    channel = bench.add(BME280(None), prefix="lab.", on_demand=True)
    equal(sorted(channel.metrics), ["lab.humidity", "lab.pressure", "lab.temperature"])


def test_the_metrics_of_ones_own_sensor_are_learned():
    class Own:
        def read(self):
            return [("a", 1), ("b", True, {"x": "1"}), ("b", True, {"x": "2"}), ("c", 1, None, 5)]

    bench = Bench()
    channel = bench.add(Own(), prefix="lab.")
    equal(channel.metrics, [])
    bench.sampler.tick()
    equal(channel.metrics, ["lab.a", "lab.b", "lab.c"])


def test_ever_new_metrics_do_not_fill_the_memory():
    class Own:
        count = 0

        def read(self):
            self.count += 1
            yield "m%d" % self.count, 1

    bench = Bench()
    channel = bench.add(Own(), interval_ms=10)
    bench.pass_ms(500)
    equal(len(channel.metrics), 32)
    equal(len(channel._seen), 32)


def test_a_description_tells_the_chip_and_where_it_is():
    class Pinned(Driver):
        BUS = "pin"
        pin = "Pin(4)"

    bench = Bench()
    sensors = BME280(None), BME280(None, 0x77), Counter(), Pinned()
    words = [bench.add(sensor).description for sensor in sensors]
    equal(words, ["BME280 at 0x76", "BME280 at 0x77", "Counter", "Pinned at Pin(4)"])


def test_a_sensor_is_found_by_its_name():
    bench = Bench()
    channels = [bench.add(Counter()) for _ in range(2)]
    assert bench.sampler.find("counter_2") is channels[1]
    equal(bench.sampler.find("Counter"), None)
    equal(bench.sampler.find(["counter"]), None)


def test_run_samples_beside_other_tasks():
    px = Client()
    sampler = Sampler(px)
    sensor = Counter()

    async def main():
        task = asyncio.create_task(sampler.run())
        while sensor.reads < 1:
            await asyncio.sleep(0)
        task.cancel()

    sampler.add(sensor)
    asyncio.run(main())
    equal(px.values(), [1])


def test_nothing_stays_allocated_by_reads():
    import gc

    if not hasattr(gc, "mem_alloc"):
        return
    bench = Bench()
    rig = i2c_rig(BME280, bme280.Model())
    rig.bus.log = _Nothing()
    bench.add(rig.driver, interval_ms=20)

    def sample(count):
        for _ in range(count):
            bench.advance(10)
            rig.bus.clock.advance(10)
            bench.sampler.tick()
        gc.collect()
        return gc.mem_alloc()

    # The first rounds fill the tables of known metrics.
    sample(100)
    before = sample(10)
    assert sample(500) <= before + 64


class _Nothing:
    def append(self, item):
        pass
