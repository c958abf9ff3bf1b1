"""A world in which a link runs: its time, its `network` module, and who hears from it."""

from models import network


class Nap:
    """What the program's sleep() yields to the world."""

    def __init__(self, milliseconds):
        self.milliseconds = milliseconds

    def __iter__(self):
        yield self

    __await__ = __iter__


class World:
    """`start(Link, ...)`, then `pass_ms()`; nothing takes real time.

    draws: what random() gives next, a back-off's wait in ms if that does not pass its bound.
    answering: the server answers all the time, or, if False, never; None: nobody asks it.
    router: so does the router, when asked; `probed` says who was. resets: how often reset() was
    called. held_ms: the longest that the link held the program. naps: its sleeps, ms. threads:
    whether there is room for any.
    """

    PERIOD = 1 << 30
    DRAW = 900

    def __init__(self, start_ms=0):
        self.now_ms = start_ms
        self.draws = []
        self.answering = True
        self.threads = True
        self._scan = None  # (ms of its end, function) of the one that is under way
        self.router = False
        self.probed = []
        self.resets = 0
        self.held_ms = 0
        self.naps = []
        network.clear(lambda: self.now_ms, self._block)

    def ticks(self):
        return self.now_ms % self.PERIOD

    def start(self, kind, *arguments, **options):
        self.link = kind(
            *arguments,
            network=network,
            ticks=self.ticks,
            sleep=self._sleep,
            random=self._random,
            reset=self._reset,
            probe=self._probe,
            **options,
        )
        self._program = self.link.run()
        self._wake_ms = self.now_ms
        return self.link

    def pass_ms(self, duration_ms):
        end_ms = self.now_ms + duration_ms
        while self._wake_ms <= end_ms:
            self.now_ms = max(self.now_ms, self._wake_ms)
            if self.answering is not None and self.link.state == "connected":
                self.link.alive() if self.answering else self.link.silent()
            self._end_scan()
            began_ms = self.now_ms
            nap = self._program.send(None)
            self.held_ms = max(self.held_ms, self.now_ms - began_ms)
            self.naps.append(nap.milliseconds)
            self._wake_ms = self.now_ms + nap.milliseconds
        self.now_ms = end_ms

    def until(self, state, limit_ms=600000):
        """Let time pass until the link is in that state; returns how long it took, ms."""
        began_ms = self.now_ms
        while self.link.state != state:
            assert self.now_ms - began_ms < limit_ms, self.link.status
            self.pass_ms(50)
        return self.now_ms - began_ms

    def called(self, method):
        """The arguments of the calls of a method of the interface."""
        return [call[1:] for call in network.calls if call[0] == method]

    def in_thread(self, function, stack_bytes):
        """For a WiFi's scan, which is then no matter of the program's."""
        if not self.threads:
            raise OSError("can't create thread")
        self._scan = (self.now_ms + network.SCAN_MS, function)

    def _end_scan(self):
        if self._scan and self.now_ms >= self._scan[0]:
            function, self._scan = self._scan[1], None
            network.state["block"] = None
            function()
            network.state["block"] = self._block

    async def _sleep(self, seconds):
        await Nap(round(seconds * 1000))

    async def _probe(self, host):
        self.probed.append(host)
        return self.router

    def _block(self, milliseconds):
        self.now_ms += milliseconds

    def _random(self, count):
        draw = self.draws.pop(0) if self.draws else self.DRAW
        return draw.to_bytes(count, "big")

    def _reset(self):
        self.resets += 1
