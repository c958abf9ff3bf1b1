"""Calibration, averages, deadbands and heartbeats of the readings that a sampler sends."""

from plexus.readings.decimal import Decimal
from plexus.sensors.sampling.filters import Filters
from support import equal, only, raises

INFINITE = float("inf")


def one(filters, value, ticks=0, metric="t"):
    """What becomes of one reading's value: itself, another, or None."""
    readings = filters.shaped([(metric, value)], ticks)
    return readings[0][1] if readings else None


def series(filters, values):
    return [one(filters, value, ticks) for ticks, value in enumerate(values)]


# Calibration


def test_calibration_scales_and_adds():
    equal(one(Filters({"t": (2, 0.5)}), 10), 20.5)
    equal(one(Filters({"t": {"scale": 2, "offset": 0.5}}), 10), 20.5)
    equal(one(Filters({"t": {"offset": -1.5}}), 10), 8.5)


def test_calibration_leaves_other_metrics_alone():
    equal(one(Filters({"t": (2, 0)}), 10, metric="u"), 10)


def test_calibration_leaves_what_is_no_number_alone():
    for value in (True, "text", [1]):
        assert one(Filters({"t": (2, 1)}), value) is value


def test_calibration_of_an_object_is_of_all_its_numbers_or_of_one():
    value = {"x": 1, "y": 2, "name": "n"}
    equal(one(Filters({"t": (10, 0)}), value), {"x": 10, "y": 20, "name": "n"})
    filters = Filters({"t": (10, 0), "t.y": (1, 1)})
    equal(one(filters, value), {"x": 10, "y": 3, "name": "n"})


def test_calibrated_values_have_no_more_digits_than_single_precision():
    equal(one(Filters({"t": (1.1, 0)}), 22.3), 24.53)


def test_calibration_in_whole_numbers_leaves_a_whole_number_all_its_digits():
    value = one(Filters({"t": (1, -9)}), 123456789)
    equal(value, 123456780)
    assert isinstance(value, int)


def test_calibrated_decimals_keep_their_digits():
    filters = Filters({"t": (2, -0.5), "t.b": (0.5, 0)})
    value = one(filters, {"a": Decimal(2222222222, 7), "b": Decimal(25, 1)})
    equal(str(value["a"]), "443.9444444")
    equal(value["b"], 1.25)


def test_calibration_keeps_tags():
    equal(Filters({"t": (2, 0)}).shaped([("t", 1, {"a": "b"})], 0), [("t", 2, {"a": "b"})])


# Averages


def test_mean_is_sent_once_for_so_many_reads():
    equal(series(Filters(average=3), [1, 2, 6, 4, 4, 4]), [None, None, 3, None, None, 4])


def test_mean_of_an_object_is_that_of_its_numbers():
    filters = Filters(average=2)
    one(filters, {"x": 1, "y": 10})
    equal(one(filters, {"x": 2, "y": 20}), {"x": 1.5, "y": 15})


def test_mean_of_what_is_no_number_is_the_last():
    equal(series(Filters(average=2), ["a", "b", True, False]), [None, "b", None, False])


def test_mean_counts_the_reads_that_had_the_metric():
    filters = Filters(average=3)
    filters.shaped([("t", 1), ("u", 5)], 0)
    filters.shaped([("t", 2)], 1)
    equal(sorted(filters.shaped([("t", 6), ("u", 7)], 2)), [("t", 3), ("u", 6)])


def test_readings_with_other_tags_have_means_of_their_own():
    filters = Filters(average=2)
    a, b = {"probe": "a"}, {"probe": "b"}
    filters.shaped([("t", 1, a), ("t", 10, b)], 0)
    readings = filters.shaped([("t", 3, a), ("t", 30, b)], 1)
    equal(sorted([value for _, value, _ in readings]), [2, 20])


def test_mean_of_large_values_loses_no_digits():
    # A sum of these would be beyond 24 bits.
    equal(series(Filters(average=1000), [101325] * 1000)[-1], 101325)


def test_mean_of_large_whole_numbers_is_whole():
    for values, mean in (([123456789, 123456791], 123456790), ([123456789, 123456792], 123456791)):
        value = series(Filters(average=2), values)[-1]
        equal(value, mean)
        assert isinstance(value, int)


def test_mean_of_decimals_loses_no_digits():
    def at(number, alt):
        return {"lat": Decimal(number, 7), "alt": alt}

    filters = Filters(average=3)
    values = series(filters, [at(472852332, 400.5), at(472852333, 401.5), at(472852337, 402.5)])
    equal(str(values[-1]["lat"]), "47.2852334")
    equal(values[-1]["alt"], 401.5)


def test_mean_of_decimals_and_whole_numbers_is_a_decimal():
    equal(str(series(Filters(average=2), [1, Decimal(25, 1)])[-1]), "1.8")


def test_mean_of_floats_and_others_is_a_float():
    for values in ([1, 2.5, Decimal(40, 1)], [Decimal(40, 1), 2.5, 1], [2.5, 1, 4]):
        equal(series(Filters(average=3), values)[-1], 2.5)


def test_what_has_no_mean_is_the_last():
    filters = Filters(average=2, no_mean=("course",))
    filters.shaped([("course", 359.0), ("speed", 1.0)], 0)
    equal(sorted(filters.shaped([("course", 2.0), ("speed", 2.0)], 1)),
          [("course", 2.0), ("speed", 1.5)])  # fmt: skip


def test_mean_has_the_tags_and_no_age():
    filters = Filters(average=2)
    filters.shaped([("a", 1, {"b": "c"}, 5), ("d", 1, None, 7)], 0)
    readings = sorted(filters.shaped([("a", 3, {"b": "c"}, 5), ("d", 3, None, 7)], 1))
    equal(readings, [("a", 2, {"b": "c"}), ("d", 2, None)])


def test_means_of_ever_new_tags_are_kept_of_the_last_64():
    filters = Filters(average=2)
    filters.shaped([("t", i, {"i": str(i)}) for i in range(100)], 0)
    readings = filters.shaped([("t", 99, {"i": "99"})], 1)
    equal(sorted([reading[1] for reading in readings]), list(range(36, 100)))


# Deadband


def test_value_is_sent_when_it_differs_by_the_deadband_from_the_last_sent():
    values = [20.0, 20.25, 20.5, 20.75, 20.0]
    equal(series(Filters(deadband=0.5), values), [20.0, None, 20.5, None, 20.0])


def test_deadband_of_zero_sends_changes():
    equal(series(Filters(deadband=0), [1, 1, 2, 2]), [1, None, 2, None])


def test_deadband_of_one_metric_leaves_the_others():
    filters = Filters(deadband={"t": 1})
    equal([one(filters, 5), one(filters, 5)], [5, None])
    equal([one(filters, 5, metric="u"), one(filters, 5, metric="u")], [5, 5])


def test_what_is_no_number_is_sent_when_it_changes():
    values = ["on", "on", "off", True, True]
    equal(series(Filters(deadband=1), values), ["on", None, "off", True, None])


def test_object_is_sent_when_one_of_its_numbers_has_moved():
    first, still, moved = {"x": 0, "y": 2}, {"x": 0.25, "y": 2}, {"x": 0, "y": 4}
    equal(series(Filters(deadband=1), [first, still, moved]), [first, None, moved])


def test_deadband_of_a_position_is_in_degrees():
    def at(number):
        return {"lat": Decimal(number, 7), "lon": Decimal(85652650, 7)}

    filters = Filters(deadband=0.0001)
    positions = [at(472852332), at(472853331), at(472853332)]
    equal(series(filters, positions), [positions[0], None, positions[2]])


def test_deadband_of_decimals_of_other_digits():
    values = [Decimal(10, 1), Decimal(1049, 3), Decimal(105, 2), Decimal(105, 2)]
    equal(series(Filters(deadband=0.05), values), [values[0], None, values[2], None])


def test_value_that_differs_by_just_the_deadband_is_sent_whatever_the_float_makes_of_it():
    values = [round(20 + i / 10, 1) for i in range(40)]
    equal(series(Filters(deadband=0.1), values), values)
    for value in (20.05, 20.09, 20.099):
        equal(series(Filters(deadband=0.1), [20.0, value]), [20.0, None])
    equal(series(Filters(deadband=0.01), [101325.0, 101325.005]), [101325.0, None])


def test_deadband_of_readings_that_happened_before():
    filters = Filters(deadband=0)
    readings = [("t", True, None, 5), ("t", True, None, 3), ("t", False, None, 1)]
    equal(filters.shaped(readings, 0), [readings[0], readings[2]])


def test_last_values_of_ever_new_tags_are_kept_of_the_64_sent_last():
    def send(i):
        return filters.shaped([("t", 1, {"i": str(i)})], 0)

    filters = Filters(deadband=1)
    sent = [i for i in range(64) if send(i)]
    equal(len(sent), 64)
    equal([send(i) for i in (0, 63)], [[], []])
    for i in range(64, 70):
        send(i)
    equal([i for i in range(69, -1, -1) if send(i)], [5, 4, 3, 2, 1, 0])


def test_deadband_is_in_the_units_of_the_calibrated_value():
    equal(series(Filters({"t": (10, 0)}, deadband=5), [1, 1.25, 1.5]), [10, None, 15])


def test_heartbeat_sends_a_value_that_stays():
    filters = Filters(deadband=1, heartbeat_ms=100)
    sent = [ticks for ticks in range(0, 400, 10) if one(filters, 7, ticks) is not None]
    equal(sent, [0, 100, 200, 300])


def test_heartbeat_counts_from_what_was_sent_last():
    filters = Filters(deadband=1, heartbeat_ms=100)
    equal([one(filters, value, ticks) for value, ticks in ((1, 0), (5, 90), (5, 110), (5, 190))],
          [1, 5, None, 5])  # fmt: skip


@only("cpython")  # the ticks of the other one's 64-bit port wrap at 2^62
def test_heartbeat_holds_while_ticks_wrap():
    filters = Filters(deadband=1, heartbeat_ms=100)
    one(filters, 1, (1 << 30) - 50)
    equal([one(filters, 1, 40), one(filters, 1, 60)], [None, 1])


def test_what_has_been_is_forgotten_when_it_is_reset():
    filters = Filters(deadband=1, average=2)
    equal(series(filters, [1, 3, 9]), [None, 2, None])
    filters.reset()
    equal(series(filters, [2, 2]), [None, 2])


# Bad arguments


def test_bad_arguments_are_named():
    for line in ((1,), ("a", 0), {"scale": None}, {"offst": 1}, 2, "ab", None, (INFINITE, 0)):
        with raises(ValueError, "calibration: 't': ", "scale, offset"):
            Filters({"t": line})
    for calibration in (2, "ab", [1]):
        with raises(ValueError, "calibration: ", "give {metric: (scale, offset)}"):
            Filters(calibration)
    for deadband in (-1, "a", {"t": -1}, True, INFINITE):
        with raises(ValueError, "deadband: "):
            Filters(deadband=deadband)
    for average in (0, 1.5, True):
        with raises(ValueError, "average: "):
            Filters(average=average)
    for heartbeat_ms in (-1, 86400001, "a"):
        with raises(ValueError, "heartbeat_ms: ", "0 to 86400000"):
            Filters(deadband=1, heartbeat_ms=heartbeat_ms)
