"""Floats in the ring and as decimals, on the interpreter's own floats."""

import struct

from plexus.readings.render import float_text
from readings import Client, Random, decimal
from support import equal

DOUBLES = (
    # (value, shortest decimal): the borders of notation, digits and precision
    (0.0, "0.0"),
    (-0.0, "-0.0"),
    (0.1, "0.1"),
    (-72.5, "-72.5"),
    (1.0, "1.0"),
    (100.0, "100.0"),
    (0.5, "0.5"),
    (2.5, "2.5"),
    (3.14159, "3.14159"),
    (1013.25, "1013.25"),
    (99999.9999, "99999.9999"),
    (0.0001, "0.0001"),
    (0.00012345, "0.00012345"),
    (0.00001, "1e-5"),
    (16777216.0, "16777216.0"),
    (2147483647.0, "2147483647.0"),
    (2147483648.0, "2147483648.0"),
    (5e-324, "5e-324"),
    (2.2250738585072014e-308, "2.2250738585072014e-308"),
    (1.7976931348623157e308, "1.7976931348623157e308"),
    (1e15, "1000000000000000.0"),
    (9007199254740992.0, "9007199254740992.0"),
    (1e17, "1e17"),
    (1.5e22, "1.5e22"),
    (1e-7, "1e-7"),
    (0.1 + 0.2, "0.30000000000000004"),
    (1 / 3, "0.3333333333333333"),
    (2345678.91, "2345678.91"),
    (2.0**-127, "5.877471754111438e-39"),
)

SINGLES = (
    # (bits, shortest decimal that reads back as the same single-precision float)
    (0x00000000, "0.0"),
    (0x80000000, "-0.0"),
    (0x3DCCCCCD, "0.1"),
    (0x42910000, "72.5"),
    (0x40490FDB, "3.1415927"),
    (0x7F7FFFFF, "3.4028235e38"),
    (0x00800000, "1.1754944e-38"),
    (0x007FFFFF, "1.1754942e-38"),
    (0x00000001, "1e-45"),
    (0x4B800000, "16777216.0"),
    (0x3F800001, "1.0000001"),
    (0x415FFFFF, "13.999999"),
    (0x447FFFFF, "1023.99994"),
    (0x00400000, "5.877472e-39"),
    (0x501502F9, "10000000000.0"),
)


def test_double_is_written_with_its_shortest_digits():
    for value, text in DOUBLES:
        equal(float_text(value).decode(), text)


def test_single_is_written_with_its_shortest_digits():
    for bits, text in SINGLES:
        equal(decimal(struct.pack("<I", bits), True), text)


def test_float_leaves_the_ring_as_it_came():
    client = Client()
    for value, _ in DOUBLES:
        client.send("m", value)
    equal(client.value_texts(), [text for _, text in DOUBLES])


def test_float_of_any_bits_leaves_the_ring_as_its_own_text():
    # float_text is compared with the exact digits of both interpreters' repr elsewhere.
    random = Random(7)
    client = Client(ring_bytes=8192)
    for _ in range(20):
        expected = []
        for _ in range(100):
            bits = random.bits(32) << 32 | random.bits(32)
            if bits >> 52 & 2047 == 2047:
                bits ^= 1 << 62
            any_value = struct.unpack("<d", struct.pack("<Q", bits))[0]
            for value in (any_value, random.below(1 << 20) / 100, float(random.below(1 << 31))):
                client.send("m", value)
                expected.append(float_text(value).decode())
        equal(client.value_texts(), expected)
        client.confirm_all()


def test_float_stays_a_float_for_the_server():
    client = Client()
    for value in (1.0, -3.0, 1e10, 1e20, 1e-20, 0.0):
        client.send("m", value)
    for text in client.value_texts():
        assert "." in text or "e" in text, text


def test_float_in_an_object_is_written_as_a_reading_is():
    client = Client()
    for value, text in DOUBLES:
        client.send("m", [value])
        equal(client.value_texts(), ["[" + text + "]"])
        client.confirm_all()


def bytes_taken(values, jitter_ms):
    """The most bytes of the ring that one of the values took, at 1 s with some jitter."""
    random = Random(3)
    client = Client(ring_bytes=60000)
    client.send("temperature", 20.0)
    client.clock.now_ms += 1000
    client.send("temperature", 20.0)
    maximum = total = 0
    for value in values:
        client.clock.now_ms += 1000 + random.below(2 * jitter_ms + 1) - jitter_ms
        before = client.ring.used
        client.send("temperature", value)
        taken = client.ring.used - before
        total += taken
        maximum = max(maximum, taken)
    print("%d readings: %d B each, %d at most" % (len(values), total // len(values), maximum))
    equal(client.pending, len(values) + 2)
    return maximum


def test_reading_in_single_precision_takes_at_most_8_bytes():
    random = Random(5)
    values = []
    for _ in range(1000):
        bits = random.bits(32)
        if bits >> 23 & 255 == 255:
            bits ^= 1 << 30
        values.append(struct.unpack("<f", struct.pack("<I", bits))[0])
    assert bytes_taken(values, 3) <= 8


def test_reading_of_a_sensors_decimals_takes_at_most_8_bytes():
    random = Random(6)
    assert bytes_taken([(random.below(200000) - 50000) / 1000 for _ in range(1000)], 3) <= 8


def test_reading_in_double_precision_takes_at_most_12_bytes():
    random = Random(8)
    assert bytes_taken([random.below(1 << 31) / 987654321 for _ in range(1000)], 3) <= 12


def test_small_integer_takes_at_most_8_bytes():
    random = Random(9)
    assert bytes_taken([random.below(1 << 20) for _ in range(1000)], 3) <= 8
