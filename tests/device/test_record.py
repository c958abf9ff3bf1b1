"""What send() takes and refuses: the API's rules. A refusal leaves the buffer as it was."""

import json
from array import array

from readings import START_MS, Client
from support import equal, only, raises

INF = float("inf")


def refused(words, metric="m", value=1, **options):
    """send() refuses that with a ValueError with these words, and nothing else has changed."""
    client = Client()
    client.send("before", 1.5)
    client.send("before", "text", tags={"a": "b"})
    body = client.text()
    used = client.ring.used
    with raises(ValueError, *words.split("|")):
        client.send(metric, value, **options)
    equal((client.pending, client.dropped), (2, 0))
    equal(client.ring.used, used)
    equal(client.text(), body)
    client.send("after", 2)
    equal(client.values(), [1.5, "text", 2])


def sent(metric="m", value=1, **options):
    """The point that a reading becomes."""
    client = Client()
    client.send(metric, value, **options)
    return client.points()[0]


_CLIENT = Client()


def value_text(value):
    """A value's JSON (str)."""
    _CLIENT.send("m", value)
    (text,) = _CLIENT.value_texts()
    _CLIENT.confirm_all()
    return text


# Metric


EUROS = "€" * 85 + "x"  # 256 bytes of UTF-8


def test_metric_may_have_256_bytes():
    for metric in ("m", "motor.rpm", "a b/c:é€𝄞", "x" * 256, EUROS, "𝄞" * 64, '"\\\n'):
        equal(sent(metric)["metric"], metric)


def test_empty_metric_is_refused():
    refused("metric: |1 to 256", "")


def test_long_metric_is_refused():
    refused("metric: |257 bytes|256", "x" * 257)
    refused("metric: |257 bytes|256", EUROS + "x")
    refused("metric: |258 bytes|256", "é" * 129)


def test_metric_that_is_no_string_is_refused():
    for metric in (None, 1, 1.5, True, b"m", ("a",)):
        refused("metric: ", metric)


def test_metric_that_cannot_be_a_key_is_refused():
    for metric in ([], {}, ["a"], bytearray(b"m")):
        refused("metric: ", metric)


# Source


def test_reading_may_have_its_own_source():
    for source_id in ("a", "0", "esp32-002", "a._-", "x" * 256):
        equal(sent(source_id=source_id)["source_id"], source_id)


def test_reading_without_its_own_source_names_none():
    assert "source_id" not in sent()


def test_source_outside_its_grammar_is_refused():
    for source_id in ("A", "aB", "a b", "a/b", "a:b", "-a", ".a", "_a", "é", "a\n", "ａ", "a²"):
        refused("source_id: |a-z, 0-9", source_id=source_id)


def test_source_of_wrong_length_is_refused():
    for source_id in ("", "x" * 257):
        refused("source_id: |1 to 256", source_id=source_id)


def test_source_that_is_no_string_is_refused():
    for source_id in (1, True, b"a", ["a"]):
        refused("source_id: ", source_id=source_id)


# Numbers


def test_nan_and_infinity_are_refused():
    for value in (float("nan"), INF, -INF):
        refused("value: |NaN|leave the reading out", value=value)
        refused("value: |NaN|leave the reading out", value=[1, {"x": (value,)}])
        refused("value: |NaN|leave the reading out", value=array("d", [1.0, value]))


def test_none_is_refused():
    refused("value: None|leave the reading out", value=None)


def test_integers_of_any_size_arrive():
    for exponent in (7, 8, 14, 21, 27, 28, 29, 30, 31, 32, 53, 62, 63, 64, 100, 1000):
        for off in (-1, 0, 1):
            for value in ((1 << exponent) + off, -(1 << exponent) + off):
                equal(value_text(value), str(value))


def test_small_integers_arrive():
    for value in list(range(-300, 300)) + [9999, 10000, 99999, 100000, -99999, -100000]:
        equal(value_text(value), str(value))


def test_bool_is_no_number():
    equal((value_text(True), value_text(False)), ("true", "false"))
    equal((value_text([True, 1]), value_text({"a": False})), ("[true,1]", '{"a":false}'))


def test_integer_of_too_many_digits_is_refused():
    refused("value: |308 digits|string", value=1 << 1024)
    refused("value: |308 digits|string", value=-(1 << 13700))
    refused("value: |308 digits|string", value={"a": [1 << 1024]})
    last = (1 << 1024) - (1 << 970)  # the least that no double is nearest to
    refused("value: |308 digits|string", value=last)
    equal(value_text(last - 1), str(last - 1))


def test_objects_and_arrays_are_measured_as_the_platform_writes_them_again():
    # How many of a value in an array have 4096 B as Go's encoding/json writes them: it escapes
    # < > & U+2028 U+2029 in 6 B each, and has exponents below 1e-6 and from 1e21 on only.
    for value, size in (
        ("a", 3),
        ("<", 8),
        (">&", 14),
        ("\u2028", 8),
        ("é", 4),
        (1e20, 21),
        (-1e20, 22),
        (1.5e20, 21),
        (0.00001, 7),
        (0.0000015, 9),
        (1e22, 4),
        (1.5, 3),
        (7, 1),
    ):
        most = (4096 - 1) // (size + 1)
        equal(len(sent(value=[value] * most)["value"]), most)
        refused("value: |B of JSON|4096", value=[value] * (most + 1))


# Strings


def test_string_may_have_0_to_256_bytes():
    for value in ("", "x", "x" * 256, EUROS, "𝄞" * 64):
        equal(sent(value=value)["value"], value)


def test_long_string_is_refused():
    refused("value: |257 bytes|256", value="x" * 257)
    refused("value: |257 bytes|256", value=EUROS + "x")


def test_control_characters_quotes_and_backslashes_are_escaped():
    equal(value_text('a"b\\c/d'), '"a\\"b\\\\c/d"')
    for code in range(32):
        equal(json.loads(value_text("a%sb" % chr(code))), "a%sb" % chr(code))
        assert chr(code) not in value_text(chr(code))
    equal(value_text("\n\x1f"), '"\\u000a\\u001f"')


def test_other_characters_are_themselves():
    for value in ("\x7f", "\x80", "é", "\u2028", "€", "\ufffd", "\U0001f600", "\U0010ffff"):
        equal(value_text(value), '"%s"' % value)


@only("cpython")
def test_half_a_surrogate_pair_is_refused():
    # MicroPython's strings are UTF-8, which has none; how it takes "\ud800" is another test.
    refused("value: ", value="\ud800")
    refused("value: ", value=["a\udfff"])
    refused("metric: ", "\ud800")
    refused("tag", tags={"a": "\ud800"})
    refused("tag", tags={"\ud800": "a"})


@only("micropython")
def test_half_a_surrogate_pair_that_micropython_lets_a_string_hold_is_refused():
    refused("value: ", value="\ud800")


# Objects and arrays


def test_objects_and_arrays_arrive():
    for value in (
        {"x": 1.2, "y": 3.4, "z": 5.6},
        [1.0, 2.0, 3.0, 4.0],
        [],
        {},
        [[], {}, [{}]],
        {"": ""},
        {"a": {"b": [1, "two", 3.5, True, None, -(10**30)]}},
        ["é", '"'],
    ):
        got = sent(value=value)["value"]
        equal(got, value)
        equal(type(got), type(value))


def test_tuple_and_array_arrive_as_arrays():
    equal(value_text((1, 2.5, "a")), '[1,2.5,"a"]')
    equal(value_text(()), "[]")
    equal(value_text(array("i", [1, -2])), "[1,-2]")
    equal(value_text(array("d", [0.5, 2.0])), "[0.5,2.0]")
    equal(value_text(array("B")), "[]")


def test_none_within_an_object_arrives():
    equal(value_text({"a": None}), '{"a":null}')


def test_object_of_4096_bytes_arrives():
    value = ["x" * 1000, "y" * 1000, "z" * 1000, "é" * 500]
    room = 4096 - len(value_text(value).encode())
    value[0] += "x" * room
    equal(len(value_text(value).encode()), 4096)
    value[0] += "x"
    refused("value: |4097|4096", value=value)
    refused("value: |4096", value={"a": value})


def test_nesting_is_bounded():
    value = 1
    for _ in range(16):
        value = [value]
    equal(value_text(value), "[" * 16 + "1" + "]" * 16)
    refused("value: |deep", value=[value])
    refused("value: |deep", value={"a": value})


def test_object_that_holds_itself_is_refused():
    value = []
    value.append(value)
    refused("value: ", value=value)


def test_key_that_is_no_string_is_refused():
    for key in (1, None, 1.5, True, b"a", (1,)):
        refused("value: |keys are strings", value={key: 1})
        refused("value: |keys are strings", value=[{"a": {key: 1}}])


def test_value_of_another_type_is_refused():
    for value in (b"a", bytearray(b"a"), {1, 2}, 1j, object(), len, range(3), memoryview(b"a")):
        refused("value: |cannot be sent", value=value)
        refused("value: |cannot be sent", value=[value])


# Tags


def test_tags_arrive():
    for tags in (
        {"location": "lab"},
        {"a": "", "b": "x" * 256, "é" * 128: '"\\\n'},
        {"t%d" % i: str(i) for i in range(16)},
    ):
        equal(sent(tags=tags)["tags"], tags)


def test_no_tags_are_left_out():
    assert "tags" not in sent(tags={})
    assert "tags" not in sent()


def test_same_tags_in_another_order_are_the_same_bytes():
    client = Client()
    client.send("m", 1, tags={"a": "1", "b": "2"})
    client.send("m", 1, tags={"b": "2", "a": "1"})
    texts = client.text().decode().split('"tags":')
    equal(texts[1].partition("}")[0], texts[2].partition("}")[0])


def test_17_tags_are_refused():
    refused("tags: |17|16", tags={"t%d" % i: "x" for i in range(17)})


def test_tag_that_is_no_string_is_refused():
    for value in (1, None, True, 1.5, b"x", ["a"], {"a": "b"}):
        refused("tag|location|string", tags={"location": value})


def test_long_tag_is_refused():
    refused("tag|location|257|256", tags={"location": "x" * 257})
    refused("tag|257|256", tags={"x" * 257: "a"})
    refused("tag|257 bytes|256", tags={"location": EUROS + "x"})
    refused("tag|257 bytes|256", tags={EUROS + "x": "a"})


def test_tag_name_that_is_no_string_is_refused():
    for name in (1, None, True, b"x"):
        refused("tag", tags={name: "a"})
    refused("tag", tags={1: "a", "b": "c", None: "d"})


def test_empty_tag_name_is_refused():
    refused("tag name: ", tags={"": "a"})


def test_tags_that_are_no_dict_are_refused():
    for tags in ("a", ["a"], 1, True, (("a", "b"),)):
        refused("tags: |dict", tags=tags)


# Session


def suffixed(tags, session_id):
    from plexus.readings.compound import suffix

    return json.loads(b"{" + (suffix(tags, session_id, None))[1:])


def test_session_is_named_twice():
    equal(
        suffixed({"a": "b"}, "test-001"),
        {"tags": {"a": "b", "session_id": "test-001"}, "session_id": "test-001"},
    )
    equal(suffixed(None, "s"), {"tags": {"session_id": "s"}, "session_id": "s"})


def test_tag_of_the_users_own_named_session_id_stays():
    got = suffixed({"session_id": "mine"}, "theirs")
    equal(got, {"tags": {"session_id": "mine"}, "session_id": "theirs"})


def test_16_tags_leave_no_place_for_the_session_among_them():
    tags = {"t%d" % i: "x" for i in range(16)}
    equal(suffixed(tags, "s"), {"tags": tags, "session_id": "s"})


# Timestamps


def test_integer_timestamp_is_seconds_or_milliseconds():
    for timestamp, milliseconds in (
        (1699900000, 1699900000000),
        (1699900000123, 1699900000123),
        (1577836800000, 1577836800000),
        (999999999999999, 999999999999999),
        (999999999999, 999999999999000),
    ):
        equal(sent(timestamp=timestamp)["timestamp"], milliseconds)


def test_time_before_2020_is_refused_with_what_to_do():
    for timestamp in (1, 86400, 800000000, 1577836799, 1000000000000, 1577836799999):
        refused("timestamp: |2020|946684800", timestamp=timestamp)
    equal(sent(timestamp=1577836800)["timestamp"], 1577836800000)


@only("cpython")  # a board's floats are too coarse; the Unix port's are those of CPython
def test_float_timestamp_is_seconds_or_milliseconds():
    for timestamp, milliseconds in (
        (1699900000.123, 1699900000123),
        (1699900000.9996, 1699900001000),
        (1699900000123.0, 1699900000123),
        (1699900000123.4, 1699900000123),
    ):
        equal(sent(timestamp=timestamp)["timestamp"], milliseconds)


def test_float_timestamp_is_refused_where_floats_are_single():
    import plexus.readings.timestamp as timestamp

    before = timestamp.SINGLE
    timestamp.SINGLE = True
    try:
        refused("timestamp: |128 s|int", timestamp=1699900000.5)
    finally:
        timestamp.SINGLE = before


def test_impossible_timestamp_is_refused():
    for timestamp in (
        0,
        -1,
        -1699900000,
        1000000000000000,
        10**16,
        1e16,
        0.0,
        -0.5,
        float("nan"),
        INF,
        -INF,
    ):
        refused("timestamp: |s or ms", timestamp=timestamp)


def test_timestamp_that_is_no_number_is_refused():
    for timestamp in (True, False, "1699900000", b"1", [1], (1,), {}, 1j, object()):
        refused("timestamp: ", timestamp=timestamp)


# Batches


def test_batch_shares_one_time():
    client = Client()
    client.send_batch([("a", 1), ("b", "x"), ("c", [2])], tags={"t": "u"}, source_id="s")
    points = client.points()
    got = [(point["metric"], point["value"]) for point in points]
    equal(got, [("a", 1), ("b", "x"), ("c", [2])])
    for point in points:
        equal((point["timestamp"], point["tags"], point["source_id"]), (START_MS, {"t": "u"}, "s"))


def test_batch_with_one_bad_reading_sends_none():
    for bad in (("", 1), ("b", None), ("b", float("nan")), (None, 1), ([], 1), ("b", {1: 2})):
        client = Client()
        with raises(ValueError):
            client.send_batch([("a", 1), bad])
        equal((client.pending, client.dropped), (0, 0))


def test_batch_with_a_bad_option_sends_none():
    for options in ({"timestamp": 0}, {"tags": {"a": 1}}, {"source_id": "A"}):
        client = Client()
        with raises(ValueError):
            client.send_batch([("a", 1)], **options)
        equal((client.pending, client.dropped), (0, 0))


# Events


def happened(*arguments, **options):
    """The point that an event becomes."""
    client = Client()
    client.event(*arguments, **options)
    point = client.points()[0]
    del point["timestamp"]
    return point


def test_event_is_a_reading_of_its_name():
    equal(happened("door"), {"metric": "door", "value": True})
    equal(happened("state", "on", tags={"a": "b"}),
          {"metric": "state", "value": "on", "tags": {"a": "b"}})  # fmt: skip
    equal(happened("fault", {"code": 7}, source_id="pump"),
          {"metric": "fault", "value": {"code": 7}, "source_id": "pump"})  # fmt: skip
    equal(happened("off", False), {"metric": "off", "value": False})


def test_number_of_an_event_says_that_it_is_no_measurement():
    for number in (7, 1.5, -3, 1 << 70):
        equal(happened("code", number), {"metric": "code", "value": number, "class": "event"})
    equal(happened("code", 7, tags={"a": "b"}, source_id="pump"),
          {"metric": "code", "value": 7, "tags": {"a": "b"}, "class": "event",
           "source_id": "pump"})  # fmt: skip
    assert "class" not in sent(value=7)


def test_long_text_of_an_event_is_cut_to_whole_characters():
    equal(happened("log", "x" * 300)["value"], "x" * 256)
    equal(happened("log", "€" * 300)["value"], "€" * 85)
    equal(happened("log", EUROS)["value"], EUROS)


def test_event_may_have_its_own_time():
    client = Client()
    client.event("door", "open", timestamp=1699900000123)
    equal(client.points()[0]["timestamp"], 1699900000123)


def test_event_without_a_name_is_refused():
    for name in ("", None, 3, "x" * 257):
        with raises(ValueError, "name: "):
            Client().event(name, 1)
