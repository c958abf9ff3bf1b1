"""A link to the network, looked after: joined, watched, and mended step by step when it is dead."""

import asyncio
import os

from plexus.delivery.verdict import FAILED, Retry
from plexus.port import const, reserve, ticks_diff, ticks_ms

_POLL_MS = const(250)
_WATCH_MS = const(1000)
_JOIN_MS = const(20000)  # an access point that asks a RADIUS server, then DHCP
_OFF_MS = const(500)  # a radio is left off for so long; at once on again, it can keep its fault
_STEADY_MS = const(10000)  # a link that goes sooner than this has not been one
_DEAD_AFTER_MS = const(300000)
_TRIES = const(3)  # and so many requests in vain
_DOUBLINGS = const(4)  # of that time, while joining anew does not help
_SPARED_MS = const(21600000)  # 6 h from one reset of the board for a dead link to the next
_FAILURES = const(5)  # so many tries in vain, and the interface is switched off and on
_JOIN_BYTES = const(2048)  # of the system's heap: with less WiFi does not join
_FAULTS = const(10)  # so many errors of the interface itself, and the board is reset


class Interface:
    """What a wireless and a wired link have in common. Let `run()` be one of the program's tasks.

    network: the module; ticks: ticks_ms; sleep: asyncio.sleep; random(n): n random bytes.
    reset(): called when nothing but a reset of the board is left; it may come back.
    dead_after_ms: a link that is up, and on which three requests or more and nothing but silence
    have been for so long, is dead; while nobody asks, it is not. Whoever asks calls alive() or
    silent(). Each time that joining anew has not helped, it is given twice as long.
    probe(host): a coroutine that tells whether this host answers. A link whose router answers is
    not dead, it is the server that is away. As there are routers that do not, a dead link resets
    the board, which loses the readings in its memory, once in 6 h at the most. A board that had
    answers, and has too little RAM left for a connection, is reset when the link would be dead:
    nothing else gives it back what Python's heap has taken.

    state: "idle" before run(), "joining", "connected", or "trouble" until the next try.
    name: of the network that it is in, or tries. problem: what went wrong last, with its name;
    None since it is joined. No secret is ever in it.
    """

    _REJOINS = 1  # of a dead link, before the interface is switched off and on

    def __init__(
        self,
        config,
        network=None,
        ticks=ticks_ms,
        sleep=asyncio.sleep,
        random=os.urandom,
        reset=None,
        probe=None,
        dead_after_ms=_DEAD_AFTER_MS,
    ):
        if network is None:
            import network
        self._config = config
        self._network = network
        self._ticks = ticks
        self._sleep = sleep
        self._reset = reset
        self._probe = probe
        self._dead_after_ms = dead_after_ms
        self._retry = Retry(random)
        self._nic = None
        self._restart = False  # switch it off and on before the next try
        self._unanswered = 0  # requests since the last sign of life
        self._silent = 0  # ticks of the first of them
        self._deaths = 0  # in a row, with no sign of life in between
        self._answered = False  # since the start
        self._reset_at = ticks()  # or the start
        self._spares = True  # that was less than 6 h ago; ticks alone do not tell for ever
        self._failures = 0  # tries in vain, in a row
        self._faults = 0  # errors of the interface itself, in a row
        self.name = "network"  # the one that it is about
        self.problem = None
        self.state = "idle"

    def alive(self):
        """Whoever got an answer through this link calls it, from any thread."""
        self._unanswered = self._deaths = 0
        self._answered = True

    def silent(self):
        """Whoever asked through this link, and got no answer, calls it, from any thread."""
        if not self._unanswered:
            self._silent = self._ticks()
        self._unanswered += 1

    async def run(self):
        """Join, and stay joined, for ever."""
        while True:
            self.state = "joining"
            problem = await self._attempt()
            if problem is None:
                self.problem = None
                self.state = "connected"
                problem = await self._watch()
            self.problem = problem
            self.state = "trouble"
            left = reserve.free()
            if left and left[0] < _JOIN_BYTES and not self._answered:
                # Python has grown into the RAM that joining needs, and never gives it back.
                self._reset_board()
            # After a loss as after a try in vain: a fleet that lost its access point does not
            # come back as one.
            self._retry.failed(FAILED, self._ticks())
            await self._pause(_POLL_MS)
            while self._retry.wait_ms(self._ticks()) and not self._up():
                await self._pause(_POLL_MS)

    def power_up(self):
        """Switch the interface on now, before other parts take the RAM that it needs.

        What fails is tried again by run().
        """
        try:
            self._make_nic()
            self._nic.active(True)
        except (OSError, RuntimeError):
            pass

    @property
    def address(self):
        """This board's IPv4 address, a str; None while it has none."""
        if self._nic is None:
            return None
        address = self._addresses()[0]
        return None if address == "0.0.0.0" else address

    @property
    def status(self):
        """One line for a person."""
        if self.state == "idle":
            return "not started"
        if self.state == "connected":
            return "%s, %s%s" % (self.name, self.address or "no address", self._signal())
        if self.state == "joining":
            before = "; last: " + self.problem if self.problem else ""
            return "joining %s%s" % (self.name, before)
        wait_s = -(-self._retry.wait_ms(self._ticks()) // 1000)
        return "%s; again in %d s" % (self.problem, wait_s)

    # What differs: a nic by _open(); _join() tries once, and returns None or what went wrong with
    # which network.

    def _open(self):
        raise NotImplementedError

    async def _join(self):
        raise NotImplementedError

    def _why(self):
        """Words for what the interface says of a link that is not up."""
        raise NotImplementedError

    def _signal(self):
        return ""

    # The rest is the same for both.

    async def _attempt(self):
        try:
            await self._switch_on()
            problem = await self._join()
        except (OSError, RuntimeError) as error:  # "Wifi Internal Error" and its like
            self._faults += 1
            self._restart = True
            if self._faults % _FAULTS == 0:
                self._reset_board()
            return self._named(error)
        self._faults = 0
        if problem is not None:
            self._failures += 1
            # Some radios find no access point again once they have not found one.
            self._restart = self._failures % _FAILURES == 0
        return problem

    async def _switch_on(self):
        self._make_nic()
        if self._restart:
            self._nic.active(False)
            await self._pause(_OFF_MS)
            self._restart = False
        if not self._nic.active():
            self._nic.active(True)

    def _make_nic(self):
        if self._nic is None:
            hostname = self._config.get("hostname")
            if hostname:
                self._network.hostname(hostname)
            self._nic = self._open()

    async def _come_up(self, ended):
        """Whether it came up; ended(): it will not."""
        began = self._ticks()
        while ticks_diff(self._ticks(), began) < _JOIN_MS and not ended():
            await self._pause(_POLL_MS)
            if self._up():
                return True
        return False

    async def _watch(self):
        """Returns what went wrong, when the link is down, or up and dead."""
        began = self._ticks()
        self._unanswered = 0
        while self._up():
            now = self._ticks()
            if ticks_diff(now, began) >= _STEADY_MS:
                began = now
                self._failures = 0
                self._retry.succeeded()
            if self._spares and ticks_diff(now, self._reset_at) >= _SPARED_MS:
                self._spares = False
            silent_ms = ticks_diff(now, self._silent)
            if self._unanswered >= _TRIES and silent_ms >= self._patience_ms():
                if self._answered and reserve.shortage():
                    self._reset_board()
                probe = self._probe
                if probe is None:
                    from .probe import answers as probe
                if not await probe(self._addresses()[2]) and self._unanswered:
                    return self._dead(silent_ms)
                self._unanswered = self._deaths = 0
            await self._pause(_WATCH_MS)
        return self._named(self._why())

    def _named(self, message):
        return "%s: %s" % (self.name, message)

    def _patience_ms(self):
        return self._dead_after_ms << min(self._deaths, _DOUBLINGS)

    def _dead(self, silent_ms):
        self._deaths += 1
        self._restart = self._deaths > self._REJOINS
        if self._deaths > self._REJOINS + 1 and not self._spares:
            self._spares = True
            self._reset_at = self._ticks()
            self._reset_board()
        return self._named("no answer in %d s" % (silent_ms // 1000))

    def _reset_board(self):
        if self._reset is not None:
            self._reset()

    def _up(self):
        # A link that lost its lease still says that it is connected.
        return self._nic is not None and self._nic.isconnected() and self.address is not None

    def _addresses(self):
        """(address, netmask, gateway, DNS server)"""
        nic = self._nic
        if hasattr(nic, "ifconfig"):
            return nic.ifconfig()
        return nic.ipconfig("addr4") + (nic.ipconfig("gw4"), self._network.ipconfig("dns"))

    def _set_address(self, entry):
        """{"address": "192.168.1.5/24", "gateway": ..., "dns": ...}; without an address, DHCP."""
        nic, address, gateway = self._nic, entry.get("address"), entry.get("gateway")
        dns = entry.get("dns", gateway)
        if not hasattr(nic, "ifconfig"):
            if address:
                nic.ipconfig(addr4=address, gw4=gateway)
                self._network.ipconfig(dns=dns)
            else:
                nic.ipconfig(dhcp4=True)
        elif address:
            host, bits = address.split("/")
            nic.ifconfig((host, int(bits), gateway, dns))
        else:
            try:
                nic.ifconfig("dhcp")
            except (OSError, RuntimeError):
                pass  # an error if it is on already

    async def _pause(self, milliseconds):
        await self._sleep(milliseconds / 1000)
