"""An input whose edges are counted by interrupt: its pull, and letting go of it."""

from .driver import Driver


class InputDriver(Driver):
    """A driver whose `_edge(pin)` is called at edges; as in any interrupt, it allocates nothing.

    On the ESP32 it runs between two steps of the program, and the port keeps eight such calls: what
    comes more often while other code blocks (a TLS handshake holds a board for up to 1 s) is lost.
    """

    BUS = "pin"

    def __init__(self, pin, pull):
        if pull not in ("up", "down", None):
            raise ValueError('pull: %r; give "up", "down" or None' % (pull,))
        self.pin = pin
        self._pull = pull

    def close(self):
        self.pin.irq(handler=None)
        self.ready = False

    def _prepare(self):
        # The pin as an input; without a pull of ours it keeps what it has.
        pin = self.pin
        if self._pull:
            pin.init(pin.IN, pin.PULL_UP if self._pull == "up" else pin.PULL_DOWN)
        else:
            pin.init(pin.IN)
