"""WiFi: joins the best of the known networks, and stays joined."""

import _thread
import sys

from plexus._port import const

from .link import Link

_SETTLE_MS = const(200)  # until the event that tells of a connection's end has come
_POLL_MS = const(100)
# For the driver's code and the list of what is heard; a 64-bit computer's frames are larger.
_STACK_BYTES = 8192 if sys.maxsize < 1 << 32 else 131072
_WEAK_DBM = const(-85)  # hardly a link: what is heard better goes first

# Statuses of a station: states from 1000 on, IDF's own reasons from 200 on, IEEE 802.11's below.
_LEFT = const(8)
_IDLE = const(1000)
_CONNECTING = const(1001)
_GOT_IP = const(1010)
_UNDER_WAY = (_LEFT, _IDLE, _CONNECTING, _GOT_IP)


def _in_thread(function):
    _thread.stack_size(_STACK_BYTES)
    try:
        _thread.start_new_thread(function, ())
    finally:
        _thread.stack_size(0)


class WiFi(Link):
    """WiFi({"wifi": [{"ssid": ..., "password": ...}], "hostname": ..., "country": ...}).

    The networks are in order of preference; one that is hardly heard comes after those that are
    heard well, and one that is not heard at all, such as a hidden one, comes last. Only with two
    networks or more is there a scan: it takes 2 s and more, in a thread, so that nobody waits.
    in_thread(function): calls it in one. ValueError: no network.
    Of the other arguments and of the attributes, see Link.
    """

    def __init__(self, config, *arguments, in_thread=_in_thread, **options):
        super().__init__(config, *arguments, **options)
        self._in_thread = in_thread
        if not config.get("wifi"):
            raise ValueError("wifi: no network; give one at least, with its ssid")
        self.name = config["wifi"][0]["ssid"]

    def _open(self):
        nic = self._network.WLAN(self._network.STA_IF)
        country = self._config.get("country")
        if country:
            try:
                self._network.country(country)
            except (OSError, RuntimeError):
                pass  # a country unknown to the radio: better the world's channels than no network
        return nic

    async def _join(self):
        # Also what an earlier program left behind: connect() is an error while it is connecting,
        # and a scan finds nothing.
        await self._leave()
        self._nic.config(reconnects=0)  # one alone tries again, and that is here
        problems = []
        for entry, bssid in await self._candidates():
            problem = await self._try(entry, bssid)
            if problem is None:
                return None
            problems.append(self._named(problem))
        return "; ".join(problems)

    async def _try(self, entry, bssid):
        nic = self._nic
        self.name = entry["ssid"]
        self._set_address(entry)
        # The reason of the last failure stays until the next one, or until there is an address.
        stale = nic.status()
        nic.connect(entry["ssid"], entry.get("password"), bssid=bssid)
        if await self._come_up(lambda: nic.status() not in _UNDER_WAY and nic.status() != stale):
            return None
        problem = self._why()
        await self._leave()
        return problem

    async def _leave(self):
        self._nic.disconnect()
        await self._pause(_SETTLE_MS)

    async def _candidates(self):
        """(entry, BSSID or None) of all networks, in the order in which to try them."""
        networks = self._config["wifi"]
        if len(networks) == 1:
            return [(networks[0], None)]
        strongest = {}  # of each network's access points: (dBm, BSSID)
        for ssid, bssid, _, rssi, _, _ in await self._scan():
            if ssid not in strongest or rssi > strongest[ssid][0]:
                strongest[ssid] = (rssi, bssid)
        order = []
        for number, entry in enumerate(networks):
            rssi, bssid = strongest.get(entry["ssid"].encode(), (None, None))
            if rssi is None:
                rank = (2, number)
            elif rssi < _WEAK_DBM:
                rank = (1, -rssi)
            else:
                rank = (0, number)
            # Left to itself, the radio takes the first one that it hears of this name. Every other
            # time it may, in case that the strongest one is ill.
            order.append((rank, number, bssid if self._failures % 2 == 0 else None))
        order.sort(key=lambda item: item[:2])
        return [(networks[number], bssid) for _, number, bssid in order]

    async def _scan(self):
        # What the interface's scan() returns or raises.
        outcome = []

        def scan():
            problem = OSError("the scan failed")
            try:
                outcome.append(self._nic.scan())
            except (OSError, RuntimeError, MemoryError) as error:
                problem = error
            finally:
                outcome.append(problem)

        try:
            self._in_thread(scan)
        except (OSError, RuntimeError, MemoryError):
            scan()  # no room for a thread: the program is held
        while not outcome:
            await self._pause(_POLL_MS)
        if isinstance(outcome[0], list):
            return outcome[0]
        raise outcome[0]

    def _why(self):
        status = self._nic.status()
        if status in (_CONNECTING, _GOT_IP) and self._rssi() is not None:
            return "joined, but no address came; is its DHCP server well?"
        from .wifi_reasons import reason

        return reason(status)

    def _rssi(self):
        try:
            return self._nic.status("rssi")
        except (OSError, RuntimeError):  # not connected
            return None

    def _signal(self):
        rssi = self._rssi()
        return "" if rssi is None else ", %d dBm" % rssi
