"""Random readings through the ring into JSON; prints hashes of all bytes that came out.

python corpus.py SEED READINGS      (the same output on every interpreter)
"""

import binascii
import hashlib
import struct
import sys

import plexus.readings.buffer as buffer
import plexus.readings.record as record
import plexus.readings.render as render
from readings import Client, Random, decimal

OLDEST_S = 1577836800  # 2020: an earlier timestamp is refused


def set_precision(single):
    """Work as on a board whose floats are single precision, or (0) as here."""
    for module in (buffer, record, render):
        module.SINGLE = bool(single)
        module._SINGLE = int(single)
    client = Client(1000)
    client.send("m", 1.999999910593033)  # of single precision
    in_ring = client.value_texts() == ["1.9999999" if single else "1.999999910593033"]
    if not in_ring or (render.float_text(1 / 3) == b"0.33333334") != single:
        raise AssertionError("the precision is set elsewhere")


def double_bits(random):
    """The bytes of a finite double: of any magnitude, or of such as sensors give."""
    kind = random.below(6)
    if kind == 0:
        bits = random.bits(32) << 32 | random.bits(32)
    elif kind == 1:  # powers of two and their neighbours
        bits = (random.below(2047) << 52) + random.below(3) - 1 & (1 << 64) - 1
    elif kind == 2:  # exact in single precision, subnormals of it included
        bits = (869 + random.below(290) << 52) | random.bits(23) << 29
    elif kind == 3:  # of ordinary magnitude
        bits = (1005 + random.below(60) << 52) | random.bits(32) << 20 | random.bits(20)
    elif kind == 4:
        return struct.pack("<d", random.below(1 << 30) / 10 ** random.below(10))
    else:
        return struct.pack("<d", -float(random.below(1 << 24)) / (1 << random.below(12)))
    if bits >> 52 & 2047 == 2047:
        bits ^= 1 << 62
    return struct.pack("<Q", bits)


def float_of(random, single):
    """A finite float; one of single precision if `single`."""
    data = double_bits(random)
    if single:
        bits = random.bits(32)
        magnitude = struct.unpack("<d", data)[0]
        if 1e-45 < abs(magnitude) < 3.4e38:
            return struct.unpack("<f", struct.pack("<f", magnitude))[0]
        if bits >> 23 & 255 == 255:
            bits ^= 1 << 30
        return struct.unpack("<f", struct.pack("<I", bits))[0]
    return struct.unpack("<d", data)[0]


def value_of(random, single):
    kind = random.below(10)
    if kind < 6:
        return float_of(random, single)
    if kind == 6:
        return random.bits(1 + random.below(32)) * random.pick((1, -1))
    if kind == 7:
        return chr(97 + random.below(26)) * random.below(257)
    if kind == 8:
        return [random.below(1000)] * random.below(100)
    return random.below(2) == 0


class Hash:
    def __init__(self):
        self._sha = hashlib.sha256()

    def add(self, data):  # bytes or str
        self._sha.update(data.encode() if isinstance(data, str) else data)

    def __str__(self):
        return binascii.hexlify(self._sha.digest()[:12]).decode()


def run(seed, count, single):
    """Hashes of the ring's bytes and of the JSON of so many random readings."""
    set_precision(single)
    random = Random(seed)
    client = Client(random.pick((997, 1024, 4001)))
    clock = client.clock
    in_ring = Hash()
    out = Hash()
    explicit_ms = 1600000000000
    while count > 0:
        for _ in range(random.below(60)):
            count -= 1
            step = 1000 + random.below(9)
            if random.below(10) == 0:
                step = random.below(500000000) - 250000000
            if random.below(30) == 0:
                clock.now_ms = random.below(1 << 31) * random.below(400000)
            clock.now_ms = min(max(clock.now_ms + step, 0), 999999999999999)
            timestamp = None
            if random.below(8) == 0:
                explicit_ms = explicit_ms + step * random.below(3)
                explicit_ms = min(max(explicit_ms, OLDEST_S * 1000), 10**15 - 1)
                timestamp = explicit_ms
                if random.below(5) == 0:  # in seconds
                    timestamp = OLDEST_S + random.below(1 << 29)
                    explicit_ms = random.below(1 << 31) * (1 + random.below(400000))
            client.send("m%d" % random.below(40), value_of(random, single), timestamp)
        in_ring.add(client.ring.data)
        dated = random.below(3) > 0
        client.measure(random.below(400), random.below(30000) + 100, dated)
        out.add(client.rendered())
        out.add(b"%d %d %d;" % (client.body.count, client.pending, client.dropped))
        if random.below(3) == 0:
            client.confirm_all()
    set_precision(0)
    return "%s %s" % (in_ring, out)


def floats(seed, count):
    """A hash of the text of floats of any bits, in both precisions."""
    random = Random(seed)
    out = Hash()
    for _ in range(count):
        wide = double_bits(random)
        out.add(decimal(wide, False) + " ")
        bits = random.bits(32)
        if bits >> 23 & 255 == 255:
            bits ^= 1 << 30
        narrow = struct.pack("<I", bits)
        out.add(decimal(narrow, True) + " ")
        out.add(decimal(narrow, False) + " ")
    return str(out)


def main(seed, count):
    for single in (0, 1):
        print("ring", single, run(seed + single, count, single))
    print("floats", floats(seed, count))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
