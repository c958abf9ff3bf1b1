"""The module `network` as the ESP32 port has it (1.22 to 1.28), over simulated air and cable.

    network.clear(clock, block)      # as at power-on; the time is the caller's
    network.air.append(AccessPoint("attic", "secret"))
    station = network.WLAN(network.STA_IF)

It behaves as ports/esp32/network_wlan.c, network_lan.c, network_common.c and the IDF do, their
traps included: a reason of a failure that stays until there is an address, a scan that finds
nothing while connecting, settings that some states refuse. It runs on both interpreters.
"""

STA_IF = 0
AP_IF = 1
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
PHY_LAN8710 = 0
PHY_LAN8720 = 1
PHY_IP101 = 2
PHY_RTL8201 = 3
PHY_DP83848 = 4
PHY_KSZ8041 = 5
PHY_KSZ8081 = 6
ETH_INITIALIZED = 0
ETH_STARTED = 1
ETH_STOPPED = 2
ETH_CONNECTED = 3
ETH_DISCONNECTED = 4
ETH_GOT_IP = 5

_ASSOC_LEAVE = 8
_CONNECTION_FAIL = 205
_NOWHERE = ("0.0.0.0", "255.255.255.0", "0.0.0.0", "0.0.0.0")
_ROUTER = "192.168.1.1"
_LEASE = ("192.168.1.77", "255.255.255.0", _ROUTER, _ROUTER)

# How long things take.
ASSOCIATION_MS = 1200
LEASE_MS = 600
NOT_FOUND_MS = 2500
REFUSAL_MS = 3000
EVENT_MS = 20  # until the end of a connection is told
SCAN_MS = 2000
CABLE_MS = 2000

air = []  # the access points that can be heard; a test adds and removes them
calls = []  # (method, arguments) of what changes something, without passwords
faults = []  # (method, exception): the next call of the method raises it
opened = []  # the keywords of LAN()
lacks = []  # "ifconfig" or "ipconfig": what this version does not have
state = {}
_interfaces = []


def _no_time():
    return 0


def clear(clock=_no_time, block=None):
    """As at power-on. clock(): ms that only grow; block(ms): what a call does that takes time."""
    for table in (air, calls, faults, opened, lacks, _interfaces):
        del table[:]
    state.update({"clock": clock, "block": block, "hostname": "mpy-esp32", "country": "XX"})
    state.update({"cable": True, "lan_dhcp": True, "dns": "0.0.0.0"})
    _interfaces.extend((Station(), SoftAP(), Wired()))


def hostname(name=None):
    if name is None:
        return state["hostname"]
    if len(name) > 32:
        raise ValueError()
    state["hostname"] = name


def country(code=None):
    if code is None:
        return state["country"]
    if len(code) != 2:
        raise ValueError()
    _call("country", code)
    state["country"] = code


def ipconfig(*names, **values):
    if names:
        if names != ("dns",):
            raise ValueError("unexpected key")
        return state["dns"]
    for name, value in values.items():
        if name != "dns":
            raise ValueError("unexpected key")
        state["dns"] = value


def WLAN(interface=STA_IF):
    if interface not in (STA_IF, AP_IF):
        raise ValueError("invalid WLAN interface identifier")
    return _interfaces[interface]


def LAN(id=None, **options):
    wired = _interfaces[2]
    if not wired.initialized:
        for name in ("phy_addr", "phy_type"):
            if name not in options:
                raise TypeError("'%s' argument required" % name)
        if "mdc" not in options or "mdio" not in options:
            raise ValueError("mdc and mdio must be specified")
        opened.append(options)
        wired.initialized = True
    return wired


def _call(method, *arguments):
    calls.append((method,) + arguments)
    for number, (name, error) in enumerate(faults):
        if name == method:
            del faults[number]
            raise error


class AccessPoint:
    """`dhcp`: it gives addresses; `refuses`: with which reason it turns stations away; `silent`:
    it is heard, and does not answer.
    """

    def __init__(
        self,
        ssid,
        password=None,
        rssi=-60,
        bssid=b"\x02\x00\x00\x00\x00\x01",
        channel=6,
        hidden=False,
        dhcp=True,
        refuses=None,
        silent=False,
    ):
        self.ssid = ssid.encode()
        self.password = password
        self.rssi = rssi
        self.bssid = bssid
        self.channel = channel
        self.hidden = hidden
        self.dhcp = dhcp
        self.refuses = refuses
        self.silent = silent


class Interface:
    """What happens later, and the addresses."""

    def __init__(self):
        self.on = False
        self.addresses = _NOWHERE
        self.dhcp = True
        self._later = []  # (ms of the clock, function)

    def __getattr__(self, name):
        if name in ("ifconfig", "ipconfig") and name not in lacks:
            return getattr(self, "_" + name)
        raise AttributeError(name)

    def after(self, milliseconds, function):
        self._later.append((state["clock"]() + milliseconds, function))

    def settle(self):
        """Let happen what is due."""
        while True:
            due = [item for item in self._later if item[0] <= state["clock"]()]
            if not due:
                return
            due.sort(key=lambda item: item[0])
            self._later.remove(due[0])
            due[0][1]()

    def drop_events(self):
        del self._later[:]

    def _ifconfig(self, values=None):
        self.settle()
        if values is None:
            return self.addresses[:3] + (state["dns"],)
        _call("ifconfig", values)
        if values == "dhcp":
            if self.dhcp:
                raise RuntimeError("Wifi Unknown Error 0x5004")
            self._forget_address()
            return None
        if isinstance(values, str):
            raise ValueError("invalid arguments")
        address, mask, gateway, dns = values
        if isinstance(mask, int):
            mask = _netmask(mask)
        self._take_address((address, mask, gateway))
        state["dns"] = dns

    def _ipconfig(self, *names, **values):
        self.settle()
        if names:
            if names == ("addr4",):
                return self.addresses[:2]
            if names == ("gw4",):
                return self.addresses[2]
            if names == ("dhcp4",):
                return self.dhcp
            raise ValueError("unexpected key")
        _call("ipconfig", values)
        for name in values:
            if name not in ("dhcp4", "addr4", "gw4"):
                raise ValueError("unexpected key")
        if values.get("dhcp4") and not self.dhcp:
            self._forget_address()
        address, mask, gateway = self.addresses[:3]
        if "addr4" in values:
            address, _, bits = values["addr4"].partition("/")
            mask = _netmask(int(bits)) if bits else mask
        if "addr4" in values or "gw4" in values:
            self._take_address((address, mask, values.get("gw4", gateway)))

    def _forget_address(self):
        self.dhcp = True
        self.addresses = _NOWHERE

    def _take_address(self, three):
        self.dhcp = False
        self.addresses = three + ("",)

    def lease(self):
        if self.dhcp:
            self.addresses = _LEASE
            state["dns"] = _LEASE[3]


def _netmask(bits):
    mask = (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF
    return ".".join([str((mask >> shift) & 255) for shift in (24, 16, 8, 0)])


class Station(Interface):
    """WLAN(STA_IF). `connecting`, `joined` (the access point) and `reason` are the driver's own."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self):
        super().__init__()
        self.settings = {"mac": b"\x24\x0a\xc4\x00\x00\x01", "pm": self.PM_PERFORMANCE}
        self.settings.update({"txpower": 20, "channel": 1, "protocol": 7})
        self.most_tries = 0  # 0: no end
        self.power_on()

    def power_on(self):
        self.connecting = False
        self.joined = None
        self.has_ip = False
        self.reason = 0
        self.requested = False
        self.tries = 0
        self._target = (b"", None, None)  # (ssid, key, bssid)

    def active(self, on=None):
        self.settle()
        if on is not None:
            _call("active", bool(on))
            if self.on and not on:
                self._end(_ASSOC_LEAVE)
            if on and not self.on:
                self.tries = 0
            self.on = bool(on)
        return self.on

    def connect(self, ssid=None, key=None, *, bssid=None):
        self.settle()
        _call("connect", ssid, bssid)
        if not self.on:
            raise OSError("Wifi Not Started")
        if self.connecting:
            raise OSError("Wifi Internal Error")
        if ssid is not None:
            self._target = (ssid.encode()[:32], key or None, bssid)
        if self.joined is not None:
            self._end(_ASSOC_LEAVE)
        self.tries = 0
        self.requested = True
        self._begin()

    def disconnect(self):
        self.settle()
        self.requested = False
        _call("disconnect")
        if not self.on:
            raise OSError("Wifi Not Started")
        if self.connecting or self.joined is not None:
            self.connecting = False
            self.joined = None
            self.drop_events()
            self.after(EVENT_MS, lambda: self._end(_ASSOC_LEAVE))

    def _begin(self):
        self.connecting = True
        ssid, key, bssid = self._target
        heard = [point for point in air if point.ssid == ssid and bssid in (None, point.bssid)]
        if not heard:
            self.after(NOT_FOUND_MS, lambda: self._fail(STAT_NO_AP_FOUND))
        elif heard[0].silent:
            pass
        elif heard[0].refuses is not None:
            self.after(REFUSAL_MS, lambda: self._fail(heard[0].refuses))
        elif heard[0].password != key:
            self.after(REFUSAL_MS, lambda: self._fail(STAT_WRONG_PASSWORD))
        else:
            self.after(ASSOCIATION_MS, lambda: self._associate(heard[0]))

    def _associate(self, point):
        self.connecting = False
        self.joined = point
        if point.dhcp or not self.dhcp:
            self.after(LEASE_MS if self.dhcp else 0, self._get_ip)

    def _get_ip(self):
        self.lease()
        self.has_ip = True
        self.reason = 0

    def _fail(self, reason):
        self._end(reason)
        if self.requested:
            self.tries += 1
            if not self.most_tries or self.tries < self.most_tries:
                self._begin()

    def _end(self, reason):
        self.drop_events()
        self.connecting = False
        self.joined = None
        self.has_ip = False
        self.reason = reason
        if self.dhcp:
            self.addresses = _NOWHERE

    def settle(self):
        super().settle()
        if self.joined is not None and self.joined not in air:
            self._fail(STAT_BEACON_TIMEOUT)

    def isconnected(self):
        self.settle()
        return self.has_ip

    def status(self, what=None):
        self.settle()
        if what == "rssi":
            if self.joined is None:
                raise OSError("Wifi Not Connected")
            return self.joined.rssi
        if what is not None:
            raise ValueError("unknown status param")
        if self.has_ip:
            return STAT_GOT_IP
        if self.reason in (STAT_NO_AP_FOUND, 210, 211, 212):
            return self.reason
        if self.reason in (STAT_WRONG_PASSWORD, _CONNECTION_FAIL):
            return STAT_WRONG_PASSWORD
        if self.reason == _ASSOC_LEAVE:
            return STAT_IDLE
        if self.requested and (not self.most_tries or self.tries < self.most_tries):
            return STAT_CONNECTING
        return self.reason or STAT_IDLE

    def scan(self):
        self.settle()
        _call("scan")
        if not self.on:
            raise OSError("STA must be active")
        if self.connecting:
            return []
        if state["block"] is not None:
            state["block"](SCAN_MS)
        found = []
        for point in air:
            auth = AUTH_OPEN if point.password is None else AUTH_WPA2_PSK
            ssid = b"" if point.hidden else point.ssid
            found.append((ssid, point.bssid, point.channel, point.rssi, auth, False))
        return found

    def config(self, *names, **values):
        self.settle()
        if names and values:
            raise TypeError("either pos or kw args are allowed")
        if names:
            return self._setting(names[0])
        for name, value in values.items():
            if name == "reconnects":
                self.most_tries = 0 if value == -1 else value + 1
            elif name in ("hostname", "dhcp_hostname"):
                hostname(value)
            elif name in self.settings:
                self.settings[name] = value
            elif name in ("ssid", "essid", "password", "key", "authmode", "security", "hidden"):
                raise OSError("AP required")
            else:
                raise ValueError("unknown config param")
        _call("config", values)
        if not self.on:
            raise OSError("Wifi Invalid Mode")
        if self.connecting:
            raise OSError("Wifi Internal State Error")

    def _setting(self, name):
        if name in ("ssid", "essid"):
            return self._target[0].decode()
        if name in ("hostname", "dhcp_hostname"):
            return hostname()
        if name == "reconnects":
            return self.most_tries - 1
        if name in self.settings:
            return self.settings[name]
        raise ValueError("unknown config param")


class SoftAP(Interface):
    """WLAN(AP_IF). `stations`: the MAC addresses of those that joined it."""

    _OTHER_NAMES = {"essid": "ssid", "key": "password", "security": "authmode"}

    def __init__(self):
        super().__init__()
        self.stations = []
        self.settings = {"ssid": "ESP_000001", "password": "", "authmode": 0, "hidden": False}
        self.settings.update({"channel": 1, "max_clients": 4, "mac": b"\x24\x0a\xc4\x00\x00\x02"})
        self.dhcp = False
        self.addresses = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "")

    def active(self, on=None):
        if on is not None:
            _call("ap.active", bool(on))
            self.on = bool(on)
        return self.on

    def isconnected(self):
        return bool(self.stations)

    def status(self, what=None):
        if what == "stations":
            return [(mac,) for mac in self.stations]
        if what == "rssi":
            raise OSError("STA required")
        if what is not None:
            raise ValueError("unknown status param")

    def config(self, *names, **values):
        if names:
            name = self._OTHER_NAMES.get(names[0], names[0])
            if name == "password" or name not in self.settings:
                raise ValueError("unknown config param")
            return self.settings[name]
        for name, value in values.items():
            name = self._OTHER_NAMES.get(name, name)
            if name not in self.settings:
                raise ValueError("unknown config param")
            self.settings[name] = value


class Wired(Interface):
    """What LAN() returns. state["cable"] and state["lan_dhcp"] are the world's."""

    def __init__(self):
        super().__init__()
        self.initialized = False
        self._status = ETH_INITIALIZED
        self._mac = b"\x24\x0a\xc4\x00\x00\x03"

    def active(self, on=None):
        self.settle()
        if on is not None:
            _call("active", bool(on))
            if on and self.on:
                raise OSError("ethernet enable failed")  # up to 1.24
            self.on = bool(on)
            self.drop_events()
            self._status = ETH_STARTED if on else ETH_STOPPED
            if self.dhcp:
                self.addresses = _NOWHERE
        return self.on

    def settle(self):
        super().settle()
        if not self.on:
            return
        if not state["cable"]:
            self.drop_events()
            if self._status in (ETH_CONNECTED, ETH_GOT_IP):
                self._status = ETH_DISCONNECTED
                if self.dhcp:
                    self.addresses = _NOWHERE
        elif self._status in (ETH_STARTED, ETH_DISCONNECTED) and not self._later:
            self.after(CABLE_MS, self._link_up)

    def _link_up(self):
        self._status = ETH_CONNECTED
        if state["lan_dhcp"] or not self.dhcp:
            self.after(LEASE_MS if self.dhcp else 0, self._get_ip)

    def _take_address(self, three):
        super()._take_address(three)
        if self._status == ETH_CONNECTED:
            self._get_ip()

    def _get_ip(self):
        self.lease()
        self._status = ETH_GOT_IP

    def isconnected(self):
        self.settle()
        return self.on and self._status == ETH_GOT_IP

    def status(self):
        self.settle()
        return self._status

    def config(self, *names, **values):
        for name in names + tuple(values):
            if name != "mac":
                raise ValueError("unknown config param")
        self._mac = values.get("mac", self._mac)
        return self._mac if names else None


clear()
