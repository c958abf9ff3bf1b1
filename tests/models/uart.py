"""A simulated serial line: what `machine.UART` does, with a model of a device at its other end."""

from .bus import Clock


class Talker:
    """A device with a serial port. It sends by `say`; a subclass may override what is below."""

    BAUD = 9600
    clock = None  # of the line that it is attached to

    def __init__(self):
        self._line = []  # [ms at which the first byte begins, bytes], in the order of time
        self._busy_until = 0

    def attached(self):
        """It has got its power."""

    def run(self, now_ms):
        """Say what it says by itself up to then."""

    def heard(self, data):
        """The host has written this."""

    def say(self, data, at_ms=None):
        """Send from then on, or as soon as what is on its way has been sent."""
        now = self.clock.now_ms if at_ms is None else at_ms
        start = max(now, self._busy_until)
        self._line.append([start, bytes(data)])
        self._busy_until = start + len(data) * 10000 / self.BAUD

    def take(self, now_ms):
        """The bytes that have arrived by then."""
        self.run(now_ms)
        came = b""
        while self._line:
            start, data = self._line[0]
            count = int((now_ms - start) * self.BAUD / 10000)
            if count <= 0:
                break
            came += data[:count]
            if count < len(data):
                self._line[0] = [start + count * 10000 / self.BAUD, data[count:]]
                break
            self._line.pop(0)
        return came


class UART:
    """The methods of `machine.UART` with the timeout that it has unless told otherwise: none.

    What comes while the buffer is full is lost, as on an ESP32. unplugged: nothing passes.
    written: all that the host wrote.
    """

    def __init__(self, talker=None, clock=None, rxbuf=256):
        self.clock = clock or Clock()
        self.rxbuf = rxbuf
        self.unplugged = False
        self.written = []
        self._buffer = b""
        self.talker = None
        if talker is not None:
            self.attach(talker)

    def attach(self, talker):
        """Plug in a device (a model); returns it."""
        talker.clock = self.clock
        self.talker = talker
        talker.attached()
        return talker

    def init(self, *arguments, **options):
        pass

    def any(self):
        self._arrive()
        return len(self._buffer)

    def read(self, nbytes=None):
        self._arrive()
        data = self._buffer if nbytes is None else self._buffer[:nbytes]
        self._buffer = self._buffer[len(data) :]
        return data or None

    def readinto(self, buffer, nbytes=None):
        data = self.read(len(buffer) if nbytes is None else nbytes)
        if data is not None:
            buffer[: len(data)] = data
            return len(data)

    def readline(self):
        self._arrive()
        end = self._buffer.find(b"\n") + 1
        return self.read(end or None)

    def write(self, data):
        self._arrive()
        self.written.append(bytes(data))
        if self.talker is not None and not self.unplugged:
            self.talker.heard(bytes(data))
        return len(data)

    def flush(self):
        pass

    def _arrive(self):
        if self.talker is not None:
            came = self.talker.take(self.clock.now_ms)
            if not self.unplugged:
                self._buffer = (self._buffer + came)[: self.rxbuf]
