"""What the models of Sensirion's chips have in common: commands, checked words, being busy."""

from .bus import Nack


def checksum(data):
    """CRC-8 with 0x131 from 0xFF on, as the remainder of a division of polynomials."""
    count = 8 * len(data)
    rest = (int.from_bytes(bytes(data), "big") ^ 0xFF << count - 8) << 8
    for bit in range(count + 7, 7, -1):
        if rest >> bit & 1:
            rest ^= 0x131 << bit - 8
    return rest


class CommandChip:
    """A chip with commands of 16 bits, that does not acknowledge while it executes one.

    A subclass has the longest durations of its commands in DURATIONS_MS, and a method `execute`
    that takes a command with its words, and gives the words of the answer or None.
    bad_checksum: the answers have one; damaged: so many of the next answers have. id_ms: how long
    the commands in IDENTIFYING take, 0 as whoever identifies a chip has no part in the clock of a
    simulated bus.
    """

    DURATIONS_MS = {}
    IDENTIFYING = ()
    clock = None  # of the bus that it is attached to

    def __init__(self):
        self.bad_checksum = False
        self.damaged = 0
        self.id_ms = 0
        self.free_ms = 0  # until then it is busy
        self.answer = None

    def write(self, data):
        self.idle()
        if len(data) < 2:
            raise Nack  # no command: it waits for the rest, which the stop condition ends
        words = []
        for i in range(2, len(data), 3):
            pair = data[i : i + 2]
            if len(data) < i + 3 or checksum(pair) != data[i + 2]:
                raise Nack
            words.append(pair[0] << 8 | pair[1])
        self.run(data[0] << 8 | data[1], words)

    def run(self, command, words):
        if command not in self.DURATIONS_MS:
            raise Nack
        self.answer = self.execute(command, words)
        duration_ms = self.id_ms if command in self.IDENTIFYING else self.DURATIONS_MS[command]
        self.free_ms = self.clock.now_ms + duration_ms

    def read(self, count):
        self.idle()
        if self.answer is None:
            raise Nack
        wrong = 0x10 if self.bad_checksum or self.damaged else 0
        self.damaged = max(self.damaged - 1, 0)
        data = bytearray()
        for word in self.answer:
            pair = bytes((word >> 8, word & 255))
            data += pair
            data.append(checksum(pair) ^ wrong)
        self.answer = None
        return (data + b"\xff" * count)[:count]

    def idle(self):
        if self.clock.now_ms < self.free_ms:
            raise Nack

    def execute(self, command, words):
        raise NotImplementedError
