"""What comes in on a pin: the pulse counter and the digital input."""

import sys

from models import machine
from plexus.port.host import ticks_diff as board_ticks_diff
from plexus.sensors.digital import Digital
from plexus.sensors.driver import SensorError
from plexus.sensors.pulses import Pulses
from sensors import close
from support import IS_MICROPYTHON, equal, only, raises

_TICKS = 0x3FFFFFFF


class Bench:
    """`machine` with pin 4, and the drivers' time, which is the test's: ticks as a board's."""

    MODULES = ("plexus.sensors.pulses", "plexus.sensors.digital")

    def __init__(self, start_us=0):
        self.us = start_us
        self._installed = machine.Installed()

    def __enter__(self):
        self._installed.__enter__()
        self.pin = machine.Pin(4)
        self._before = []
        for module in [sys.modules[name] for name in self.MODULES]:
            for name in ("ticks_us", "ticks_ms", "ticks_diff"):
                if hasattr(module, name):
                    self._before.append((module, name, getattr(module, name)))
                    setattr(module, name, getattr(self, name))
        return self

    def __exit__(self, *_):
        for module, name, function in self._before:
            setattr(module, name, function)
        self._installed.__exit__(None, None, None)

    def ticks_us(self):
        return self.us & _TICKS

    def ticks_ms(self):
        return self.us // 1000 & _TICKS

    def ticks_diff(self, end, start):
        return board_ticks_diff(end, start)

    def pulse(self, times=1, gap_us=1000):
        """So many pulses to low, each followed by as long a gap."""
        for _ in range(times):
            self.drive(0, gap_us)
            self.drive(1, gap_us)

    def drive(self, level, us):
        self.pin.drive(level)
        self.us += us

    def pass_s(self, seconds):
        self.us += seconds * 1000000


def started(driver):
    """The driver after its first read."""
    driver.read()
    return driver


def test_pulses_gives_the_count_and_its_rate():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        bench.pulse(500, gap_us=2000)  # in 2 s
        equal(pulses.read(), [("count", 500), ("rate", 250.0)])


def test_pulses_has_no_rate_at_the_first_read():
    with Bench() as bench:
        equal(Pulses(bench.pin).read(), [("count", 0)])


def test_pulses_has_a_rate_of_zero_without_pulses():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        bench.pulse(10)
        pulses.read()
        bench.pass_s(1)
        equal(pulses.read(), [("count", 10), ("rate", 0.0)])


def test_pulses_gives_units_of_so_many_pulses():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin, per_unit=450, rate_per="minute"))
        bench.pulse(900, gap_us=5000)  # 2 l in 9 s
        (_, count), (_, rate) = pulses.read()
        equal(count, 2.0)
        close(rate, 2 / 9 * 60, 1e-5)


def test_pulses_per_unit_may_be_a_fraction():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin, per_unit=0.5, rate_per="hour"))
        bench.pulse(3)
        bench.us = 3600 * 1000000
        equal(pulses.read(), [("count", 6.0), ("rate", 6.0)])


def test_pulses_of_a_unit_are_exact_past_the_digits_of_a_float():
    # The flow meter of a house: 450 pulses a litre, and what 10^8 and more of them are.
    for per_unit, count in ((450, "222222.222222"), (4.5, "22222222.222222"), (0.5, "200000000")):
        with Bench() as bench:
            pulses = started(Pulses(bench.pin, per_unit=per_unit))
            pulses._total = 100000000 - 1
            bench.pulse()
            metric, got = pulses.read()[0]
            equal((metric, str(got)), ("count", count))
            bench.pulse()
            assert str(pulses.read()[0][1]) != count


def test_pulses_counts_the_edge_that_it_is_told():
    for edge, counts in (("falling", [1, 1, 2]), ("rising", [0, 1, 1])):
        with Bench() as bench:
            pulses = started(Pulses(bench.pin, edge=edge))
            got = []
            for level in (0, 1, 0):
                bench.drive(level, 1000)
                got.append(pulses.read()[0][1])
            equal(got, counts)


def test_pulses_sets_the_pull():
    for pull, level in (("up", 1), ("down", 0)):
        with Bench() as bench:
            started(Pulses(bench.pin, pull=pull))
            equal(bench.pin.value(), level)
    with Bench() as bench:
        bench.pin.init(bench.pin.IN, bench.pin.PULL_UP)
        started(Pulses(bench.pin, pull=None))
        equal(bench.pin.pull, bench.pin.PULL_UP)


def test_pulses_takes_bounces_for_one():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin, debounce_us=5000))
        for _ in range(20):
            bench.pulse(4, gap_us=300)
            bench.us += 10000
        equal(pulses.read()[0], ("count", 20))


def test_pulses_counts_one_that_comes_when_the_ticks_have_wrapped_to_the_last_one():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin, debounce_us=5000))
        bench.drive(0, 100)
        bench.drive(1, 1000000)
        pulses.read()  # long after the first, so that a bounce is out of the question
        bench.us = _TICKS + 1
        bench.drive(0, 100)
        equal(pulses.read()[0], ("count", 2))


def test_pulses_counts_those_that_come_each_15_minutes():
    with Bench() as bench:  # the ticks' difference is negative then
        pulses = started(Pulses(bench.pin, debounce_us=200000))
        for _ in range(5):
            bench.pulse()
            bench.pass_s(900)
        equal(pulses.read()[0], ("count", 5))


def test_pulses_debounces_over_the_wrap_of_the_ticks():
    with Bench(start_us=_TICKS - 50) as bench:
        pulses = started(Pulses(bench.pin, debounce_us=5000))
        bench.pulse(4, gap_us=100)
        equal(pulses.read()[0], ("count", 1))


def test_pulses_has_its_rate_over_the_wrap_of_the_milliseconds():
    with Bench(start_us=_TICKS * 1000) as bench:
        pulses = started(Pulses(bench.pin))
        bench.pulse(1000)
        equal(pulses.read(), [("count", 1000), ("rate", 500.0)])


def test_pulses_read_twice_in_a_millisecond_has_its_rate_the_next_time():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        bench.pulse(gap_us=100)
        equal(pulses.read(), [("count", 1)])
        bench.us = 1000000
        equal(pulses.read(), [("count", 1), ("rate", 1.0)])


def test_pulses_is_exact_past_the_small_ints():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        pulses._total = pulses._rated = (1 << 30) - 2
        for count in range((1 << 30) - 1, (1 << 30) + 3):
            bench.pulse()
            got = pulses.read()[0]
            equal(got, ("count", count))
            assert isinstance(got[1], int)  # a board's float would be 64 off


def test_pulses_counter_in_the_interrupt_wraps_unnoticed():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        pulses._count = pulses._seen = (1 << 28) - 2
        bench.pulse(5)
        equal(pulses.read()[0], ("count", 5))
        equal(pulses._count, 3)


@only("micropython")
def test_pulses_and_digital_inputs_allocate_nothing_at_an_edge():
    import micropython

    for driver_class in (Pulses, Digital):
        with machine.Installed():
            pin = machine.Pin(4)
            pin.source = lambda: 1
            driver = started(driver_class(pin))
            edge = pin.handler
            micropython.heap_lock()
            try:
                for _ in range(3):
                    edge(pin)
            finally:
                micropython.heap_unlock()
            driver.close()


def test_pulses_that_is_closed_lets_go_of_its_interrupt():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        bench.pulse()
        pulses.close()
        equal(bench.pin.handler, None)
        bench.pulse()
        equal(pulses.read()[0], ("count", 1))


def test_pulses_that_is_read_after_it_was_closed_counts_on():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin))
        bench.pulse()
        pulses.close()
        bench.pass_s(1)
        equal(pulses.read(), [("count", 1)])  # and no rate of a time when it did not listen
        bench.pulse()
        equal(pulses.read()[0], ("count", 2))


def test_pulses_counts_by_the_chips_counter_what_comes_while_interrupts_wait():
    for edge, count in (("falling", 3), ("rising", 2)):
        with Bench() as bench:
            pulses = started(Pulses(bench.pin, edge=edge, counter=0))
            equal(bench.pin.handler, None)
            machine.disable_irq()
            bench.pulse(2)
            bench.drive(0, 1000)
            equal(pulses.read()[0], ("count", count))


def test_pulses_that_is_closed_lets_go_of_the_chips_counter_and_its_total_stays():
    with Bench() as bench:
        pulses = started(Pulses(bench.pin, counter=0))
        bench.pulse(3)
        pulses.read()
        pulses.close()
        equal(machine.counters, {})
        bench.pulse(2)
        equal(pulses.read()[0], ("count", 3))
        bench.pulse(2)
        equal(pulses.read()[0], ("count", 5))


def test_pulses_whose_read_is_broken_off_loses_no_count():
    for options in ({}, {"counter": 1}):
        with Bench() as bench:
            pulses = started(Pulses(bench.pin, **options))
            bench.pulse(3)
            sample = pulses.sample()
            equal(next(sample), ("count", 3))
            sample.close()
            bench.pulse(2)
            equal(pulses.read()[0], ("count", 5))


def test_pulses_with_a_counter_that_the_firmware_has_not_is_an_error():
    with Bench() as bench:
        counter = machine.Counter
        del machine.Counter
        try:
            with raises(SensorError, "Pin(4)", "no machine.Counter"):
                Pulses(bench.pin, counter=0).read()
        finally:
            machine.Counter = counter


def test_pulses_refuses_options_that_make_no_sense():
    for options, words in (
        ({"per_unit": 0}, ("per_unit: 0", "give a number")),
        ({"rate_per": "day"}, ("rate_per: 'day'", "minute")),
        ({"edge": "both"}, ("edge: 'both'", "rising")),
        ({"pull": "high"}, ("pull: 'high'", "down")),
        ({"debounce_us": -1}, ("debounce_us: -1", "0 to 60000000")),
        ({"debounce_us": 0.5}, ("debounce_us: 0.5", "0 to 60000000")),
        ({"debounce_us": True}, ("debounce_us: True", "0 to 60000000")),
        ({"per_unit": "450"}, ("per_unit: '450'", "give a number")),
        ({"per_unit": float("inf")}, ("per_unit: inf", "give a number")),
        ({"rate_per": []}, ("rate_per: []", "minute")),
        ({"counter": "0"}, ("counter: '0'", "0 to 7")),
        ({"counter": True}, ("counter: True", "0 to 7")),
        ({"debounce_us": 10, "counter": 0}, ("debounce_us", "counter")),
    ):
        with raises(ValueError, *words):
            Pulses(None, **options)


def states(driver):
    return [reading[1] for reading in driver.read()]


def test_digital_input_gives_the_pins_state():
    with Bench() as bench:
        for level in (0, 1):
            bench.pin.drive(level)
            equal(Digital(bench.pin).read(), [("state", bool(level))])


def test_digital_input_that_is_inverted_is_true_while_the_pin_is_low():
    with Bench() as bench:
        button = Digital(bench.pin, pull="up", invert=True)
        equal(states(button), [False])
        bench.drive(0, 30000)
        equal(states(button), [True])


def test_digital_input_gives_each_change_between_two_reads():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        bench.pulse(3, gap_us=30000)
        equal(states(button), [False, True, False, True, False, True])
        equal(states(button), [True])


def test_digital_input_gives_a_change_that_went_back_before_the_read():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up", invert=True))
        bench.pulse(gap_us=30000)
        equal(states(button), [True, False])


def ages(driver):
    """(state, its age in ms) of the changes."""
    return [(state, age_ms) for _, state, _, age_ms in driver.read()]


def test_digital_input_gives_each_change_its_own_time():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        bench.drive(0, 100000)
        bench.drive(1, 250000)
        bench.drive(0, 50000)
        equal(ages(button), [(False, 400), (True, 300), (False, 50)])
        equal(button.read(), [("state", False)])


def test_digital_inputs_time_is_that_of_the_last_bounce():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        for level in (0, 1, 0):
            bench.drive(level, 5000)
        bench.us += 35000
        equal(ages(button), [(False, 40)])


def test_digital_inputs_times_stand_after_a_glitch():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        bench.drive(0, 100000)
        bench.drive(1, 5000)
        bench.drive(0, 30000)
        equal(ages(button), [(False, 135)])


def test_digital_inputs_times_are_those_of_the_last_32_changes():
    with Bench(start_us=_TICKS * 1000) as bench:  # over the wrap of the ticks as well
        button = started(Digital(bench.pin, pull="up"))
        bench.pulse(50, gap_us=30000)
        bench.drive(0, 1000)  # it does not stand yet
        equal([age_ms for _, age_ms in ages(button)], list(range(961, 1, -30)))


def test_digital_input_takes_bounces_for_one_change():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        for _ in range(2):  # pressed, and let go: both bounce
            bench.pulse(5, gap_us=3000)
            bench.drive(0, 50000)
            bench.pulse(5, gap_us=3000)
            bench.drive(1, 50000)
        equal(states(button), [False, True, False, True])


def test_digital_input_takes_a_glitch_for_nothing():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        bench.us += 50000
        bench.drive(0, 5000)
        bench.drive(1, 50000)
        equal(states(button), [True])


def test_digital_input_keeps_its_state_until_the_debounce_time_is_over():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up", debounce_ms=20))
        bench.us += 50000
        bench.drive(0, 19000)
        equal(states(button), [True])
        bench.us += 1000
        equal(states(button), [False])
        equal(states(button), [False])


def test_digital_input_without_debounce_gives_all_changes():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up", debounce_ms=0))
        bench.pulse(2, gap_us=0)
        equal(states(button), [False, True, False, True])


def test_digital_input_gives_at_most_the_last_32_changes():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        bench.pulse(100, gap_us=30000)
        bench.drive(0, 30000)
        equal(states(button), [True, False] * 16)


def test_digital_input_sees_a_change_whose_interrupt_was_lost():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        handler, bench.pin.handler = bench.pin.handler, None
        bench.drive(0, 30000)
        bench.pin.handler = handler
        states(button)
        bench.us += 30000
        equal(states(button), [False])


def test_digital_input_goes_on_over_the_wrap_of_the_ticks():
    with Bench(start_us=_TICKS * 1000) as bench:
        button = started(Digital(bench.pin, pull="up"))
        bench.us += 19000
        bench.pulse(1, gap_us=30000)
        equal(states(button), [False, True])


def test_digital_input_that_stood_still_for_a_week_gives_its_changes():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        for _ in range(8):
            bench.pass_s(86400)
            equal(states(button), [True])
        bench.pulse(2, gap_us=30000)
        equal(states(button), [False, True, False, True])


def test_digital_inputs_count_of_changes_wraps_unnoticed():
    with Bench() as bench:
        button = started(Digital(bench.pin, pull="up"))
        button._changes = button._seen = (1 << 28) - 1
        bench.pulse(1, gap_us=30000)
        equal(states(button), [False, True])
        equal(button._changes, 1)


def test_digital_input_that_is_closed_lets_go_of_its_interrupt():
    with Bench() as bench:
        button = started(Digital(bench.pin))
        button.close()
        equal(bench.pin.handler, None)
        equal(button.ready, False)


def test_digital_input_refuses_options_that_make_no_sense():
    with raises(ValueError, "pull: 'high'", "down"):
        Digital(None, pull="high")
    with raises(ValueError, "debounce_ms: -1", "0 to 60000"):
        Digital(None, debounce_ms=-1)
    with raises(ValueError, "debounce_ms: True", "0 to 60000"):
        Digital(None, debounce_ms=True)
    with raises(ValueError, "invert: 'false'", "True or False"):
        Digital(None, invert="false")


def test_the_real_ticks_us_runs_on():
    from plexus.sensors.pulses import ticks_us

    before = ticks_us()
    while ticks_us() == before:
        pass
    assert (ticks_us() - before & _TICKS) < 60000000
    assert IS_MICROPYTHON or ticks_us() <= _TICKS
