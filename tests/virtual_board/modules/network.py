"""The module `network` of a virtual board: a radio and a cable in the world that a test has set.

The radio's state moves on whenever it is looked at: the program's calls do, and name look-ups.
"""

import time

import _host

STA_IF = 0
AP_IF = 1
MODE_11B = 1
MODE_11G = 2
MODE_11N = 4
AUTH_OPEN = 0
AUTH_WEP = 1
AUTH_WPA_PSK = 2
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA2_ENTERPRISE = 5
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
ETH_INITIALIZED = 0
ETH_STARTED = 1
ETH_STOPPED = 2
ETH_CONNECTED = 3
ETH_DISCONNECTED = 4
ETH_GOT_IP = 5
PHY_LAN8720 = 1
PHY_IP101 = 2
PHY_RTL8201 = 3
PHY_DP83848 = 4
PHY_LAN8710 = 6
PHY_LAN8670 = 7
PHY_GENERIC = 8

_STA_DEFAULT = ["192.168.1.50", "255.255.255.0", "192.168.1.1", "192.168.1.1"]
_AP_DEFAULT = ["192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0"]
_NONE = ["0.0.0.0", "255.255.255.0", "0.0.0.0", "0.0.0.0"]

# All that outlives a soft reset, as the radio does on a chip; the computer sees it as `radio`.
_state = {
    "hostname": "mpy-esp32",
    "country": "XX",
    "sta_active": False,
    "requested": None,  # the SSID that it was told to join
    "password": None,
    "ssid": None,  # the network that it is in
    "connected": False,  # and whether it has an address there
    "reason": 0,
    "reconnects": -1,
    "static": None,
    "pm": 1,
    "txpower": 20,
    "ap_active": False,
    "ap": {"ssid": "ESP_010203", "password": "", "security": AUTH_OPEN, "channel": 1},
    "lan": False,
}
_state.update(_host.kept.get("radio", {}))
_join_at = [0]
_tries = [0]


def _tell():
    _host.keep("radio", _state)
    _host.tell("radio", state=_state)


def _change(**changes):
    if any([_state[name] != value for name, value in changes.items()]):
        _state.update(changes)
        _tell()


def update():
    """Let happen what has come due; returns whether the board is on a network."""
    world = _host.world()
    now = time.ticks_ms()
    if _state["connected"] and _state["ssid"] not in world["networks"]:
        _change(connected=False, ssid=None, reason=STAT_BEACON_TIMEOUT)
        _join_at[0] = time.ticks_add(now, world["join_ms"])
    requested = _state["requested"]
    if requested is not None and not _state["connected"]:
        if time.ticks_diff(now, _join_at[0]) >= 0:
            _join(world, now)
    lan = world["lan"]
    return _state["connected"] or bool(_state["lan"] and lan and lan.get("cable"))


def _join(world, now):
    network = world["networks"].get(_state["requested"])
    if network is None:
        reason = STAT_NO_AP_FOUND
    elif "refuse" in network:
        reason = network["refuse"]
    elif network.get("password") != _state["password"]:
        reason = STAT_WRONG_PASSWORD
    else:
        if world["dhcp"] or _state["static"]:
            _change(connected=True, ssid=_state["requested"], reason=0)
            _tries[0] = 0
        return
    _tries[0] += 1
    again = _state["reconnects"] < 0 or _tries[0] <= _state["reconnects"]
    _join_at[0] = time.ticks_add(now, world["join_ms"])
    _change(reason=reason, requested=_state["requested"] if again else None)


def hostname(name=None):
    if name is None:
        return _state["hostname"]
    if len(name) > 32:
        raise ValueError
    _change(hostname=name)


def country(code=None):
    if code is None:
        return _state["country"]
    if len(code) != 2:
        raise ValueError
    _change(country=code)


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    SEC_OPEN = AUTH_OPEN
    SEC_WPA_WPA2 = AUTH_WPA_WPA2_PSK
    SEC_WPA2 = AUTH_WPA2_PSK
    SEC_WPA3 = AUTH_WPA3_PSK
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __new__(cls, interface=STA_IF):
        if interface not in _interfaces:
            raise ValueError("invalid interface identifier")
        if _interfaces[interface] is None:
            _interfaces[interface] = object.__new__(cls)
        return _interfaces[interface]

    def __init__(self, interface=STA_IF):
        self._station = interface == STA_IF

    def active(self, on=None):
        name = "sta_active" if self._station else "ap_active"
        if on is None:
            return _state[name]
        if self._station and not on:
            if _host.world()["radio_fault"] == "restart":
                _host.tell("cured")
            _change(requested=None, password=None, ssid=None, connected=False, reason=0)
        _change(**{name: bool(on)})
        return bool(on)

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self._station:
            raise OSError("STA required")
        if not _state["sta_active"]:
            raise OSError("Wifi Not Started")
        update()
        world = _host.world()
        if world["radio_fault"] or _state["requested"] is not None and not _state["connected"]:
            raise OSError("Wifi Internal Error")
        if ssid is None:
            raise OSError("Wifi SSID Invalid")
        ssid = ssid if isinstance(ssid, str) else bytes(ssid).decode()
        key = key if key is None or isinstance(key, str) else bytes(key).decode()
        _change(requested=ssid, password=key or None, ssid=None, connected=False, reason=0)
        _tries[0] = 0
        _join_at[0] = time.ticks_add(time.ticks_ms(), world["join_ms"])

    def disconnect(self):
        if not _state["sta_active"]:
            raise OSError("Wifi Not Started")
        if _host.world()["radio_fault"] == "disconnect":
            _host.tell("cured")
        _change(requested=None, password=None, ssid=None, connected=False, reason=0)

    def isconnected(self):
        update()
        if not self._station:
            return False
        return _state["connected"]

    def status(self, what=None):
        update()
        if what == "rssi" and self._station:
            if not _state["connected"]:
                raise OSError("Wifi Not Connected")
            return _host.world()["networks"][_state["ssid"]].get("rssi", -50)
        if what == "stations" and not self._station:
            return []
        if what is not None:
            raise ValueError("unknown status param")
        if not self._station:
            raise ValueError("no status of an access point")
        if _state["connected"]:
            return STAT_GOT_IP
        if _state["reason"]:
            return _state["reason"]
        return STAT_CONNECTING if _state["requested"] is not None else STAT_IDLE

    def scan(self):
        if not self._station or not _state["sta_active"]:
            raise OSError("STA must be active")
        if update() is False and _state["requested"] is not None:
            raise OSError("Wifi Internal State Error")
        world = _host.world()
        time.sleep_ms(world["join_ms"])
        found = []
        for number, (ssid, network) in enumerate(world["networks"].items()):
            hidden = network.get("hidden", False)
            security = AUTH_WPA2_PSK if network.get("password") else AUTH_OPEN
            found.append(
                (
                    b"" if hidden else ssid.encode(),
                    b"\x02\x00\x00\x00\x00" + bytes([number + 1]),
                    network.get("channel", 6),
                    network.get("rssi", -50),
                    security,
                    hidden,
                )
            )
        return sorted(found, key=lambda each: -each[3])

    def config(self, name=None, **changes):
        if name is not None:
            if changes:
                raise TypeError("either pos or kw args are allowed")
            return self._config(name)
        for name, value in changes.items():
            name = {"essid": "ssid", "authmode": "security", "dhcp_hostname": "hostname"}.get(
                name, "password" if name == "key" else name
            )
            if name in ("hostname", "reconnects", "pm", "txpower"):
                _change(**{name: value})
            elif not self._station and name in (
                "ssid",
                "password",
                "security",
                "channel",
                "hidden",
                "max_clients",
            ):
                value = value.decode() if isinstance(value, bytes) else value
                _state["ap"][name] = value
                _tell()
            elif name not in ("protocol", "mac", "channel", "bandwidth", "country"):
                raise ValueError("unknown config param")

    def _config(self, name):
        name = {"essid": "ssid", "authmode": "security", "dhcp_hostname": "hostname"}.get(
            name, name
        )
        if name == "mac":
            mac = bytes.fromhex(_host.start["unique_id"])
            return mac if self._station else mac[:5] + bytes([mac[5] + 1 & 255])
        if name in ("hostname", "reconnects", "pm", "txpower"):
            return _state[name]
        if not self._station and name in _state["ap"] and name != "password":
            return _state["ap"][name]
        if self._station and name == "ssid":
            update()
            return _state["ssid"] or ""
        if self._station and name == "channel":
            return _host.world()["networks"].get(_state["ssid"], {}).get("channel", 6)
        raise ValueError("unknown config param")

    def ifconfig(self, addresses=None):
        if addresses is not None:
            if self._station:
                _change(static=None if addresses == "dhcp" else list(addresses))
            return None
        if not self._station:
            return tuple(_AP_DEFAULT)
        return tuple((_state["static"] or _STA_DEFAULT) if self.isconnected() else _NONE)

    def ipconfig(self, name=None, **changes):
        if name is None:
            if changes.get("dhcp4"):
                _change(static=None)
            address = changes.get("addr4")
            if address:
                static = _with_prefix(address) if isinstance(address, str) else list(address)
                old = _state["static"] or _STA_DEFAULT
                _change(static=static + [changes.get("gw4", old[2]), old[3]])
            elif "gw4" in changes and _state["static"]:
                _change(static=_state["static"][:2] + [changes["gw4"], _state["static"][3]])
            return None
        addresses = self.ifconfig()
        if name == "addr4":
            return addresses[:2]
        if name == "gw4":
            return addresses[2]
        if name == "dhcp4":
            return _state["static"] is None
        if name == "has_dhcp4":
            return self.isconnected() and _state["static"] is None
        raise ValueError("unexpected key")


def ipconfig(name=None, **changes):
    if name == "dns":
        return (_state["static"] or _STA_DEFAULT)[3]
    if "dns" in changes and _state["static"]:
        _change(static=_state["static"][:3] + [changes["dns"]])


def _with_prefix(text):
    address, _, bits = text.partition("/")
    mask = (0xFFFFFFFF << 32 - int(bits or 24)) & 0xFFFFFFFF
    return [address, ".".join([str(mask >> shift & 255) for shift in (24, 16, 8, 0)])]


_interfaces = {STA_IF: None, AP_IF: None}


class LAN:
    def __init__(self, mdc=None, mdio=None, **options):
        if _host.world()["lan"] is None:
            raise OSError("esp_eth_driver_install() failed: no PHY answers")
        self.options = dict(options, mdc=mdc, mdio=mdio)
        self._static = None

    def active(self, on=None):
        if on is not None:
            _change(lan=bool(on))
        return _state["lan"]

    def isconnected(self):
        update()
        lan = _host.world()["lan"]
        return bool(_state["lan"] and lan and lan.get("cable"))

    def status(self):
        if self.isconnected():
            return ETH_GOT_IP
        return ETH_DISCONNECTED if _state["lan"] else ETH_STOPPED

    def config(self, name=None, **changes):
        if name == "mac":
            return bytes.fromhex(_host.start["unique_id"])
        if name is not None:
            raise ValueError("unknown config param")

    def ifconfig(self, addresses=None):
        if addresses is not None:
            self._static = None if addresses == "dhcp" else tuple(addresses)
            return None
        if not self.isconnected():
            return tuple(_NONE)
        address = _host.world()["lan"].get("address", "192.168.1.60")
        return self._static or (address,) + tuple(_STA_DEFAULT[1:])

    def ipconfig(self, name=None, **changes):
        if name == "addr4":
            return self.ifconfig()[:2]
        if name == "gw4":
            return self.ifconfig()[2]
        if changes.get("addr4"):
            address = changes["addr4"]
            pair = _with_prefix(address) if isinstance(address, str) else list(address)
            self._static = tuple(pair + [changes.get("gw4", _STA_DEFAULT[2]), _STA_DEFAULT[3]])
