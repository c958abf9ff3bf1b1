"""A sensor on a serial line: what it sends is taken without blocking, bounded, and found again."""

from ..port import const
from .driver import Driver, SensorError

_MOST = const(512)  # bytes taken at once
_HOUR_MS = const(3600000)
_STEP_MS = const(20)  # an ESP32 buffers 256 bytes: 266 ms at 9600 baud, 22 ms at 115200


class UARTDriver(Driver):
    """A driver of a device on a `machine.UART`, whose baud rate is the device's."""

    BUS = "uart"

    cold = True  # whether it may just have got its power

    def __init__(self, uart, warm_up_ms=0):
        check_ms("warm_up_ms", warm_up_ms)
        self.uart = uart
        self._warm_up_ms = warm_up_ms

    def setup(self):
        """Wait till it is warm, unless it was not silent since it was."""
        if self.cold:
            yield self._warm_up_ms
            self.cold = False

    def error(self, message):
        """A SensorError that names the sensor as well, to be raised."""
        return SensorError("%s: %s" % (type(self).__name__, message))

    def receive(self):
        """What has come, at most 512 bytes. Never waits for more, whatever the UART's timeout."""
        count = self.uart.any()
        return (self.uart.read(min(count, _MOST)) if count else None) or b""

    def discard(self):
        """Drop what has come. A buffer that was full holds the oldest, not the newest."""
        for _ in range(_MOST):
            if not self.receive():
                return

    def frame(self, head, size, is_valid, wait_ms):
        """A generator: yields ms to wait, returns the next frame (bytes).

        That is the first `size` bytes that begin with `head` and are valid by is_valid(bytes).
        SensorError if none comes within wait_ms.
        """
        data = b""
        heard = 0
        for _ in range(0, wait_ms, _STEP_MS):
            yield _STEP_MS
            came = self.receive()
            heard += len(came)
            data += came
            start = data.find(head)
            while start >= 0:
                data = data[start:]
                if len(data) < size:
                    break
                if is_valid(data[:size]):
                    self.cold = False
                    return data[:size]
                start = data.find(head, 1)
            else:
                data = data[1 - len(head) :]  # the next head may have begun
        raise self.misunderstood(heard)

    def misunderstood(self, heard):
        """A SensorError, to be raised: so many bytes came, and nothing was to be read in them."""
        if heard:
            return self.error("%d bytes of nonsense; check the baud rate and the wires" % heard)
        self.cold = True
        return self.error("it sends nothing; check its power and the wires")


def check_ms(name, value, minimum=0):
    """ValueError, naming the option, unless it is a number of ms up to an hour."""
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= _HOUR_MS:
        raise ValueError("%s: %r; give ms, from %d to %d" % (name, value, minimum, _HOUR_MS))
