"""The CCS811: its boot loader and its application, the drive modes, the error register."""

from .bus import Nack

_INTERVALS_MS = {0: None, 1: 1000, 2: 10000, 3: 60000, 4: None}


class Model:
    """eco2 and tvoc are what it estimates. Its registers are mailboxes of several bytes each.

    faults: the bits that the error register gets with the next result.
    """

    clock = None

    def __init__(self):
        self.eco2 = 421
        self.tvoc = 3
        self.hardware_id = 0x81
        self.has_application = True
        self.faults = 0
        self.power_on()

    def power_on(self):
        self.mailbox = 0
        self.running = False
        self.starting_ms = None
        self.mode = 0
        self.starts = 0
        self.since_ms = 0
        self.errors = 0

    def vary(self, random):
        self.eco2 = random.randrange(400, 29207)
        self.tvoc = random.randrange(32769)

    def wrong_id(self):
        self.hardware_id = 0x00

    def write(self, data):
        self.mailbox = data[0]
        if data == b"\xf4":
            if not self.has_application:
                raise Nack
            if not self.running:
                self.starting_ms = self.clock.now_ms + 1
        elif data == b"\xff\x11\xe5\x72\x8a":
            self.power_on()
        elif len(data) > 1:
            if self.mailbox != 0x01 or not self.is_running():
                self.errors |= 0x01
                return
            self.mode = data[1]
            self.starts += 1
            self.since_ms = self.clock.now_ms

    def is_running(self):
        if self.starting_ms is not None and self.clock.now_ms >= self.starting_ms:
            self.starting_ms = None
            self.running = True
        return self.running

    def is_ready(self):
        interval_ms = _INTERVALS_MS[self.mode >> 4 & 7]
        return interval_ms is not None and self.clock.now_ms - self.since_ms >= interval_ms

    def status(self):
        if self.is_ready():
            self.errors |= self.faults
        return (
            (0x80 if self.is_running() else 0)
            | (0x10 if self.has_application else 0)
            | (0x08 if self.is_ready() else 0)
            | (0x01 if self.errors else 0)
        )

    def read(self, count):
        return (bytes(self.content()) + b"\xff" * count)[:count]

    def content(self):
        if self.mailbox == 0x00:
            return (self.status(),)
        if self.mailbox == 0x20:
            return (self.hardware_id,)
        if self.mailbox == 0xE0:
            errors, self.errors = self.errors, 0
            return (errors,)
        if self.is_running():
            if self.mailbox == 0x01:
                return (self.mode,)
            if self.mailbox == 0x02:
                status = self.status()
                if self.is_ready():
                    self.since_ms = self.clock.now_ms
                eco2, tvoc = self.eco2, self.tvoc
                return (eco2 >> 8, eco2 & 255, tvoc >> 8, tvoc & 255, status, self.errors)
        self.errors |= 0x02
        return ()
