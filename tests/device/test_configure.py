"""Changing a sensor while it runs: its rate, its prefix, and its driver's options."""

import sys

import models.dht
import models.ds18x20
import models.onewire
from models import bme280, ds18b20, hx711, machine, max6675, pms5003
from models.bus import I2C, Clock
from models.onewire import Wire
from models.spi import SPI
from models.uart import UART
from plexus.sensors.bme280 import BME280
from plexus.sensors.dht import DHT
from plexus.sensors.digital import Digital
from plexus.sensors.driver import Driver
from plexus.sensors.ds18b20 import DS18B20
from plexus.sensors.hx711 import HX711
from plexus.sensors.max6675 import MAX6675
from plexus.sensors.pms5003 import PMS5003
from plexus.sensors.pulses import Pulses
from plexus.sensors.sampling.configure import configure
from plexus.sensors.sampling.factory import DriverFactory
from plexus.sensors.sampling.sampler import Sampler
from readings import START_MS, Client, FakeClock
from sensors import every_i2c_driver
from support import FakeTicks, equal, raises

for name in ("dht", "ds18x20", "onewire"):
    sys.modules[name] = sys.modules["models." + name]


class Bench:
    """A sampler, what it has sent, and the time: also that of a bus, its `clock`."""

    def __init__(self):
        clock = FakeClock()
        clock.ticks_ms = self.ticks_ms = FakeTicks(1000)
        clock.time_map[0] = 1000
        self.px = Client(clock=clock)
        self.sampler = Sampler(self.px)
        self.clock = Clock()

    def add(self, factory, **how):
        return self.sampler.add(factory(), factory=factory, **how)

    def pass_ms(self, duration_ms):
        while duration_ms > 0:
            step_ms = min(max(self.sampler.tick(), 1), duration_ms)
            self.ticks_ms.advance(step_ms)
            self.clock.advance(step_ms)
            duration_ms -= step_ms

    def sent(self, metric=None):
        """(metric, value) of all that was sent, or the values of one metric."""
        points = [(point["metric"], point["value"]) for point in self.px.points()]
        return points if metric is None else [v for name, v in points if name == metric]

    def sent_at_ms(self, metric):
        points = self.px.points()
        return [p["timestamp"] - START_MS for p in points if p["metric"] == metric]


class Gauge(Driver):
    """Takes 30 ms for a measurement; its option is what it yields."""

    METRICS = {"level": ""}
    INTERVAL_MS = 100

    def __init__(self, level=1, offset=0):
        if not isinstance(level, int):
            raise ValueError("level: %r; give a whole number" % (level,))
        self.level = level + offset
        self.closed = False

    def measure(self):
        yield 30
        yield "level", self.level

    def close(self):
        self.closed = True


def gauge(**how):
    bench = Bench()
    return bench, bench.add(DriverFactory(Gauge), **how)


# Rate


def test_a_rate_is_the_interval_next_to_it():
    _, channel = gauge()
    for rate, interval_ms in ((50, 20), (0.5, 2000), (3, 333), (100, 10), (60, 17), (0.1, 10000)):
        answer = configure(channel, {"sample_rate": rate})
        equal(channel.interval_ms, interval_ms)
        equal(answer["interval_ms"], interval_ms)
        assert abs(answer["sample_rate"] - 1000 / interval_ms) < 0.001, answer


def test_the_slowest_rate_is_once_a_day():
    _, channel = gauge()
    configure(channel, {"sample_rate": 1 / 86400})
    assert 86399900 <= channel.interval_ms <= 86400000, channel.interval_ms


def test_an_interval_may_be_given_instead():
    _, channel = gauge()
    answer = configure(channel, {"interval_ms": 250})
    equal(answer, {"sample_rate": 4, "interval_ms": 250, "prefix": ""})
    equal(channel.interval_ms, 250)


def test_a_new_rate_holds_at_once():
    bench, channel = gauge(interval_ms=60000)
    bench.pass_ms(100)
    configure(channel, {"sample_rate": 10})
    bench.pass_ms(400)
    equal(bench.sent_at_ms("level"), [31, 131, 231, 331, 431])


def test_a_measurement_under_way_is_not_lost_by_a_new_rate():
    bench, channel = gauge(interval_ms=60000)
    bench.pass_ms(10)
    configure(channel, {"sample_rate": 10})
    bench.pass_ms(200)
    equal(bench.sent_at_ms("level"), [31, 131])


def test_new_rates_again_and_again_read_no_more_often_than_they_say():
    bench, channel = gauge(interval_ms=60000)
    bench.pass_ms(40)
    for _ in range(50):
        configure(channel, {"interval_ms": 60001})
        bench.pass_ms(40)
        configure(channel, {"interval_ms": 60000})
        bench.pass_ms(40)
    equal(bench.sent_at_ms("level"), [31])
    for _ in range(50):
        configure(channel, {"interval_ms": 1000})
        bench.pass_ms(40)
        configure(channel, {"interval_ms": 60000})
        bench.pass_ms(40)
    at_ms = bench.sent_at_ms("level")
    equal(len(at_ms), 5)
    assert min(b - a for a, b in zip(at_ms[1:], at_ms[2:])) >= 1000, at_ms


def test_a_slower_rate_does_not_read_at_once():
    bench, channel = gauge(interval_ms=1000)
    bench.pass_ms(500)
    configure(channel, {"interval_ms": 5000})
    bench.pass_ms(400)
    equal(bench.sent_at_ms("level"), [31])


def refused(config, *words, channel=None):
    channel = channel or gauge(prefix="lab.")[1]
    before = channel.sensor, channel.interval_ms, channel.prefix, channel.options, channel.due
    with raises(ValueError, *words) as caught:
        configure(channel, config)
    assert str(caught.value).startswith(words[0]), caught.value
    assert len(str(caught.value)) <= 200
    after = channel.sensor, channel.interval_ms, channel.prefix, channel.options, channel.due
    equal(after, before)


def test_a_rate_that_is_none_is_refused():
    bad = (0, -1, 101, 0.00001, True, None, "50", [50], {}, float("nan"), float("inf"), 1 << 70)
    for rate in bad:
        refused({"sample_rate": rate}, "sample_rate: ", "1/86400 to 100")
    for interval_ms in (0, 9, -5, 1.5, True, None, "50", 86400001, 1 << 70, []):
        refused({"interval_ms": interval_ms}, "interval_ms: ", "10 to 86400000")


def test_a_sensor_may_be_as_fast_as_its_owner_has_made_it():
    _, channel = gauge(interval_ms=3)
    refused({"sample_rate": 400}, "sample_rate: ", "1/86400 to 333", channel=channel)
    refused({"interval_ms": 2}, "interval_ms: ", "3 to 86400000", channel=channel)
    configure(channel, {"sample_rate": 50})
    answer = configure(channel, {"interval_ms": 3})
    equal(configure(channel, {"sample_rate": answer["sample_rate"]})["interval_ms"], 3)


def test_rate_and_interval_together_are_refused():
    refused({"sample_rate": 10, "interval_ms": 100}, "sample_rate: ", "one of the two")


def test_what_is_no_object_is_refused():
    for config in (None, [], "sample_rate", 5):
        refused(config, "config: ", "give one")


# Prefix


def test_a_new_prefix_is_that_of_all_readings_from_then_on():
    bench, channel = gauge(prefix="lab.")
    bench.pass_ms(50)
    configure(channel, {"prefix": "roof."})
    bench.pass_ms(100)
    equal(bench.sent(), [("lab.level", 1), ("roof.level", 1)])
    equal(channel.metrics, ["roof.level"])
    configure(channel, {"prefix": ""})
    equal(channel.metrics, ["level"])


def test_what_a_deadband_holds_back_is_sent_under_a_new_prefix():
    bench, channel = gauge(deadband=1)
    bench.pass_ms(250)
    configure(channel, {"prefix": "a."})
    bench.pass_ms(200)
    equal(bench.sent(), [("level", 1), ("a.level", 1)])


def test_a_prefix_that_is_none_is_refused():
    for prefix in (None, 5, True, [], "x" * 65, "x" * 5000):
        refused({"prefix": prefix}, "prefix: ", "64 characters")
    refused({"prefix": "\ud83d"}, "prefix: ", "surrogate")


def test_a_prefix_that_makes_a_name_too_long_is_refused():
    class Own:
        METRICS = ("m" * 200,)

        def read(self):
            return {"m" * 200: 1}

    channel = Bench().sampler.add(Own())
    configure(channel, {"prefix": "p" * 56})
    refused({"prefix": "p" * 57}, "prefix: ", "257 bytes", channel=channel)
    channel = Bench().sampler.add(Gauge(), name="n" * 240)
    refused({"prefix": "p" * 20}, "prefix: ", channel=channel)


# Options


def test_an_option_is_the_drivers_and_the_sensor_begins_anew():
    bench, channel = gauge()
    before = channel.sensor
    bench.pass_ms(50)
    answer = configure(channel, {"level": 7, "sample_rate": 20})
    equal(answer, {"sample_rate": 20, "interval_ms": 50, "prefix": "", "level": 7})
    assert before.closed and not channel.sensor.closed
    bench.pass_ms(100)
    equal(bench.sent("level"), [1, 7, 7])


def test_a_sensor_that_cannot_be_closed_is_replaced_even_so():
    class Stuck(Gauge):
        def close(self):
            raise OSError(5)

    bench = Bench()
    channel = bench.sampler.add(Stuck(), factory=DriverFactory(Gauge))
    bench.pass_ms(50)
    equal(configure(channel, {"level": 7, "interval_ms": 50})["level"], 7)
    bench.pass_ms(90)
    equal((bench.sent(), channel.status), ([("level", 1), ("level", 7), ("level", 7)], "ok"))


def test_options_given_before_stay():
    bench, channel = gauge()
    configure(channel, {"level": 7})
    configure(channel, {"offset": 100})
    bench.pass_ms(50)
    equal(bench.sent("level"), [107])


def test_options_of_the_entry_stay_and_those_given_stand_over_them():
    bench = Bench()
    channel = bench.add(DriverFactory(Gauge, (), {"level": 5, "offset": 10}))
    configure(channel, {"level": 6})
    equal(channel.sensor.level, 16)


def test_a_measurement_under_way_is_dropped_and_its_wait_kept():
    bench, channel = gauge()
    bench.pass_ms(10)
    configure(channel, {"level": 7})
    bench.pass_ms(100)
    equal(bench.sent("level"), [7])
    equal(bench.sent_at_ms("level"), [62])


def test_a_long_wait_of_the_sensor_before_is_not_waited_for():
    class Warm(Gauge):
        def setup(self):
            yield 180000

    bench = Bench()
    channel = bench.sampler.add(Warm(), factory=DriverFactory(Gauge))
    bench.pass_ms(10)
    configure(channel, {"level": 7})
    bench.pass_ms(1100)
    equal(bench.sent("level"), [7])


def test_a_mean_is_of_one_sensor_alone():
    bench, channel = gauge(average=2)
    bench.pass_ms(90)
    configure(channel, {"level": 9})
    bench.pass_ms(200)
    equal(bench.sent("level"), [9])


def test_what_is_refused_leaves_the_sensor_reading():
    bench, channel = gauge()
    bench.pass_ms(50)
    refused({"level": "high", "sample_rate": 50, "prefix": "a."}, "level: 'high'", channel=channel)
    assert not channel.sensor.closed
    bench.pass_ms(200)
    equal(bench.sent("level"), [1, 1, 1])


def test_a_good_option_beside_a_bad_rate_is_not_taken():
    refused({"level": 3, "sample_rate": 0}, "sample_rate: ")
    refused({"level": 3, "prefix": 5}, "prefix: ")


def test_an_unknown_option_is_named():
    refused({"level": 3, "speed": 1}, "speed: ", "docs/sensors.md")


def test_a_value_of_a_wrong_type_is_named():
    refused({"offset": "a"}, "offset: ", "docs/sensors.md")


def test_a_number_that_is_none_is_refused():
    for value in (float("nan"), float("inf")):
        refused({"offset": value}, "offset: ", "finite")


def test_a_long_value_is_not_quoted_whole():
    refused({"level": "x" * 5000}, "level: 'xxx", "; give a whole number")
    refused({"x" * 5000: 1}, "xxx", "; docs/sensors.md lists its options")


def test_none_is_a_value_as_well():
    class Optional(Gauge):
        def __init__(self, level=1):
            super().__init__(0 if level is None else level)

    channel = Bench().add(DriverFactory(Optional))
    equal(configure(channel, {"level": None})["level"], None)
    equal(channel.sensor.level, 0)


def test_how_a_sensor_is_wired_cannot_be_changed():
    def make(bus, address=None, cs=None):
        return Gauge()

    channel = Bench().add(DriverFactory(make, (None,), {"cs": 1}, ("cs",)))
    for name in ("cs", "address", "pin", "pins", "bus", "battery"):
        refused({name: 5}, name + ": ", "configuration", channel=channel)


def test_a_driver_that_cannot_be_made_again_has_no_options():
    channel = Bench().sampler.add(Gauge())
    refused({"level": 5}, "level: ", "no options", channel=channel)
    equal(configure(channel, {"sample_rate": 5})["interval_ms"], 200)


def test_a_sensor_may_change_itself():
    class Own(Gauge):
        def configure(self, level):
            if level > 5:
                raise ValueError("level: %r; give up to 5" % (level,))
            self.level = level

    bench = Bench()
    sensor = Own()
    channel = bench.sampler.add(sensor)
    equal(configure(channel, {"level": 4})["level"], 4)
    assert channel.sensor is sensor and not sensor.closed
    bench.pass_ms(50)
    equal(bench.sent("level"), [4])
    refused({"level": 6}, "level: 6", channel=channel)
    refused({"size": 6}, "size: ", channel=channel)


def test_a_sensor_that_nobody_reads_is_changed_as_well():
    bench, channel = gauge(on_demand=True)
    configure(channel, {"level": 3, "sample_rate": 20})
    equal((channel.status, channel.interval_ms), ("idle", 50))
    bench.pass_ms(100)
    equal(bench.sent(), [])
    channel.wake(bench.px)
    bench.pass_ms(50)
    equal(bench.sent("level"), [3])


def test_a_failing_sensor_is_tried_at_once_with_its_new_options():
    class Broken(Gauge):
        def measure(self):
            if self.level < 5:
                raise OSError(5)
            yield "level", self.level

    bench = Bench()
    channel = bench.add(DriverFactory(Broken))
    bench.pass_ms(5000)
    assert channel.failures > 3
    configure(channel, {"level": 5})
    equal((channel.status, channel.failures), ("starting", 0))
    bench.pass_ms(10)
    equal(bench.sent("broken.status")[-1], "ok")
    equal(channel.status, "ok")


# Drivers on their buses

OPTIONS = {
    "ads1115": {"full_scale_mv": 2048},
    "aht20": {"variant": "AHT20"},
    "apds9960": {"gain": 16},
    "bh1750": {"resolution": 0.5},
    "bme280": {"oversampling": 4},
    "bme680": {"heater_temperature": None},
    "bmp280": {"oversampling": 4},
    "bmp3xx": {"oversampling": 2},
    "bno055": {"values": ["orientation"]},
    "ccs811": {"interval_s": 1},
    "hmc5883l": {"field_range": 190},
    "ina219": {"samples": 4},
    "ina226": {"samples": 4},
    "ina260": {"samples": 4},
    "lis3dh": {"accel_range": 8},
    "lis3mdl": {"field_range": 800},
    "lm75": {"bits": 9},
    "lsm6dso": {"accel_range": 8},
    "mcp9808": {"resolution": 0.25},
    "mpu6050": {"accel_range": 8},
    "qmc5883l": {"field_range": 800},
    "scd30": {"altitude_m": 300},
    "scd4x": {"altitude_m": 300},
    "sgp30": {"baseline": [30000, 31000]},
    "sgp40": {"humidity": 40},
    "sht3x": {"repeatability": "low"},
    "sht4x": {"repeatability": "low"},
    "tmp117": {"averaging": 32},
    "tsl2591": {"integration_ms": 200},
    "veml7700": {"gain": 1, "integration_ms": 200},
    "vl53l0x": {"budget_ms": 50},
}


class Time:
    """Within it, a driver's module lives in the bench's time."""

    def __init__(self, bench, driver):
        self._module = sys.modules[driver.__module__]
        self._ticks_ms = bench.ticks_ms

    def __enter__(self):
        self._before = getattr(self._module, "ticks_ms", None)
        if self._before:
            self._module.ticks_ms = self._ticks_ms

    def __exit__(self, *_):
        if self._before:
            self._module.ticks_ms = self._before


def changed_on_the_run(bench, factory, options, driver):
    """It reads, is changed between two measurements and within one, and never fails."""
    channel = bench.add(factory)
    with Time(bench, driver):
        for run_ms in (20000, channel.interval_ms + 3, 20000):
            bench.pass_ms(run_ms)
            configure(channel, options)
        bench.pass_ms(20000)
    equal((driver.__name__, channel.status), (driver.__name__, "ok"))
    equal(bench.sent(channel.name + ".status"), [])
    return channel


def test_every_chip_on_i2c_reads_on_after_a_change_of_its_options():
    for name, driver, model in every_i2c_driver():
        if name not in OPTIONS:
            continue
        bench = Bench()
        bus = I2C()
        bench.clock = bus.clock
        chip = model()
        bus.attach(chip, driver.ADDRESSES[0])
        changed_on_the_run(bench, DriverFactory(driver, (bus, None)), OPTIONS[name], driver)


def test_a_chip_gets_its_new_options():
    bench = Bench()
    bus = I2C()
    bench.clock = bus.clock
    chip = bus.attach(bme280.Model(), 0x76)
    channel = bench.add(DriverFactory(BME280, (bus, 0x76)))
    bench.pass_ms(100)
    equal(chip.registers[0xF2], 1)
    configure(channel, {"oversampling": 4})
    bench.pass_ms(100)
    equal(chip.registers[0xF2], 3)
    refused({"oversampling": 3}, "oversampling: 3", channel=channel)
    refused({"address": 0x77}, "address: ", channel=channel)
    refused({"bus": 1}, "bus: ", channel=channel)


def test_thermometers_on_one_wire_read_on():
    bench = Bench()
    wire = Wire()
    bench.clock = wire.clock
    chip = ds18b20.Model()
    wire.attach(chip)
    names = {chip.rom.hex(): "tank"}
    changed_on_the_run(bench, DriverFactory(DS18B20, (wire,)), {"names": names}, DS18B20)
    equal(bench.sent("tank")[-1], 25.0625)


def test_an_option_that_makes_a_name_too_long_is_refused():
    channel = Bench().add(DriverFactory(DS18B20, (Wire(),)), prefix="p" * 60)
    config = {"names": {"28ff641e0f160351": "m" * 200}}
    refused(config, "prefix: with the metric's name: 26", channel=channel)


def test_a_sensor_on_a_serial_line_reads_on():
    bench = Bench()
    uart = UART(pms5003.Model(), rxbuf=256)
    bench.clock = uart.clock
    factory = DriverFactory(PMS5003, (uart,), {"warm_up_ms": 100})
    changed_on_the_run(bench, factory, {"counts": True}, PMS5003)
    assert bench.sent("particles_10")


def test_a_scale_at_two_pins_reads_on():
    with machine.Installed():
        bench = Bench()
        data, clock = machine.Pin(4), machine.Pin(5)
        chip = hx711.Model(data, clock, bench.clock)
        chip.raw[128] = 1000
        chip.raw[64] = 500
        factory = DriverFactory(HX711, (), {"data": data, "clock": clock}, ("data", "clock"))
        changed_on_the_run(bench, factory, {"gain": 64}, HX711)
        values = bench.sent("weight")
        equal((values[0], values[-1]), (1000, 500))
        channel = bench.sampler.channels[0]
        refused({"data": 6}, "data: ", channel=channel)


def test_a_chip_select_is_no_option():
    with machine.Installed():
        bench = Bench()
        bus = SPI()
        bench.clock = bus.clock
        cs = machine.Pin(5)
        bus.attach(max6675.Model(), cs)
        channel = bench.add(DriverFactory(MAX6675, (bus,), {"cs": cs}, ("cs",)))
        refused({"cs": 6}, "cs: ", channel=channel)
        refused({"spi": 6}, "spi: ", channel=channel)
        bench.pass_ms(1000)
        equal(channel.status, "ok")


class Pin4:
    """A bench with `machine`, its pin 4, and the time of a driver's module."""

    def __init__(self, driver):
        self._installed = machine.Installed()
        self.bench = Bench()
        self._time = Time(self.bench, driver)

    def __enter__(self):
        self._installed.__enter__()
        self._time.__enter__()
        self.pin = machine.Pin(4)
        return self

    def __exit__(self, *_):
        self._time.__exit__(None, None, None)
        self._installed.__exit__(None, None, None)


def test_an_input_with_other_options_has_the_interrupt():
    with Pin4(Digital) as rig:
        bench, pin = rig.bench, rig.pin
        pin.drive(1)
        channel = bench.add(DriverFactory(Digital, (pin,)), interval_ms=1000)
        bench.pass_ms(10)
        before = pin.handler
        configure(channel, {"invert": True})
        equal(pin.handler, None)
        bench.pass_ms(10)
        assert pin.handler and pin.handler != before
        pin.drive(0)
        bench.pass_ms(100)
        pin.drive(1)
        bench.pass_ms(2000)
        equal(bench.sent("state"), [True, False, True, False, False])


def test_a_refused_option_leaves_the_interrupt_alone():
    with Pin4(Digital) as rig:
        channel = rig.bench.add(DriverFactory(Digital, (rig.pin,)))
        rig.bench.pass_ms(10)
        before = rig.pin.handler
        refused({"debounce_ms": -1}, "debounce_ms: -1", channel=channel)
        refused({"pin": 5}, "pin: ", channel=channel)
        assert before and rig.pin.handler == before


def test_pulses_are_counted_with_the_new_options():
    with Pin4(Pulses) as rig:
        bench, pin = rig.bench, rig.pin
        channel = bench.add(DriverFactory(Pulses, (pin,)), interval_ms=100)
        bench.pass_ms(10)
        configure(channel, {"edge": "rising"})
        bench.pass_ms(10)
        for level in (0, 1, 0, 1, 0):
            pin.drive(level)
        bench.pass_ms(100)
        equal(bench.sent("count"), [0, 0, 2])


def test_a_counter_of_the_chip_is_let_go_of_and_taken_again():
    with Pin4(Pulses) as rig:
        bench, pin = rig.bench, rig.pin
        channel = bench.add(DriverFactory(Pulses, (pin,), {"counter": 0}), interval_ms=100)
        bench.pass_ms(10)
        before = machine.counters[0]
        configure(channel, {"edge": "rising"})
        equal(machine.counters, {})
        bench.pass_ms(10)
        assert machine.counters[0] is not before
        for level in (0, 1, 0, 1, 0):
            pin.drive(level)
        bench.pass_ms(100)
        equal(bench.sent("count"), [0, 0, 2])


def test_a_humidity_sensor_is_not_read_sooner_than_it_bears():
    with Pin4(DHT) as rig:
        bench = rig.bench
        chip = models.dht.Model(clock=bench.clock)
        changed_on_the_run(bench, DriverFactory(DHT, (chip,)), {"model": "dht22"}, DHT)
