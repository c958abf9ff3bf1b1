"""WiFi: joins the best of the known networks, and stays joined."""

from plexus.port import const

from .interface import Interface

_SETTLE_MS = const(200)  # until the event that tells of a connection's end has come
# So weak a signal is worth a look for a stronger access point. A scan costs a battery node as much
# as its wake, so it looks only where there is hardly a link.
_WEAK_DBM = const(-75)
_HARDLY_DBM = const(-85)
_BETTER_DB = const(8)

# Statuses of a station: states from 1000 on, IDF's own reasons from 200 on, IEEE 802.11's below.
_LEFT = const(8)
_IDLE = const(1000)
_CONNECTING = const(1001)
_GOT_IP = const(1010)
_UNDER_WAY = (_LEFT, _IDLE, _CONNECTING, _GOT_IP)


class WiFi(Interface):
    """WiFi({"wifi": [{"ssid": ..., "password": ...}], "hostname": ..., "country": ...}).

    The networks are in order of preference; one that is hardly heard comes after those that are
    heard well, and one that is not heard at all, such as a hidden one, comes last. A scan takes 2 s
    and more, in a thread, so that nobody waits: there is one with two networks or more, and where
    the radio joined a weak access point, which is left for a stronger one of the same network.
    in_thread: see aside.py. ValueError: no network.
    Of the other arguments and of the attributes, see Interface.
    """

    def __init__(self, config, *arguments, in_thread=None, **options):
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
        networks = self._config["wifi"]
        candidates = [(networks[0], None, None)]
        # Every other time the radio may take the access point that it hears first, in case that
        # the strongest one is ill.
        alone = self._failures % 2 == 1
        if len(networks) > 1:
            try:
                candidates = await self._heard(networks)
            except MemoryError:  # many are heard: each takes some 130 B
                candidates = [(entry, None, None) for entry in networks]
        for entry, bssid, _ in candidates:
            problem = await self._try(entry, None if alone else bssid)
            if problem is None and len(networks) == 1 and not alone:
                problem = await self._improve(entry)
            if problem is None:
                return None
            problems.append(self._named(problem))
        return "; ".join(problems)

    async def _improve(self, entry):
        """Leave a weak access point for a stronger one of its network, if one is heard."""
        rssi = self._rssi()
        if rssi is None or rssi >= (_HARDLY_DBM if "sleep" in self._config else _WEAK_DBM):
            return None
        try:
            ((_, bssid, strongest),) = await self._heard((entry,))
        except (OSError, RuntimeError, MemoryError):
            return None  # a weak link is one
        if strongest is None or strongest < rssi + _BETTER_DB:
            return None
        await self._leave()
        problem = await self._try(entry, bssid)
        return problem and await self._try(entry, None)

    async def _heard(self, networks):
        from .wifi_scan import best_first

        return await best_first(networks, self._nic, self._sleep, self._in_thread)

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
