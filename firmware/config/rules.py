"""What a configuration may hold: the same rules as plexus.schema.json, for a board.

No message quotes a value, which might be a secret that has come into the wrong place.
"""

from plexus.sensors.sampling.entry import check_keys

from . import ConfigError

_DIGITS = "0123456789"
_HEX = _DIGITS + "abcdefABCDEF"
_SMALL = "abcdefghijklmnopqrstuvwxyz" + _DIGITS
_LETTERS = _SMALL + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HINTS = {
    "api_key": "the key that Plexus showed when it was made, 'plx_...'",
    "source_id": "a name for this device, such as 'esp32-001'",
    "ssid": "the network's name",
    "address": "give address and gateway, or neither for DHCP",
    "gateway": "give address and gateway, or neither for DHCP",
    "interval_s": "the seconds from one wake to the next",
    "url": "the address, 'wss://...'",
}


def check_configuration(config):
    """ConfigError unless it is in order; with the key `nvs`, secrets may be missing."""
    elsewhere = isinstance(config, dict) and "nvs" in config
    required = ("source_id",) if elsewhere else ("source_id", "api_key")
    _object("", config, _CONFIGURATION, required)
    names = []
    for number, network in enumerate(config.get("wifi", ())):
        if network["ssid"] in names:
            _refuse("wifi[%d].ssid" % number, "the name is there twice; remove one of the two")
        names.append(network["ssid"])


def _refuse(where, message):
    raise ConfigError("%s: %s" % (where or "configuration", message))


def _missing(where, name):
    _refuse(where + name, "missing; " + _HINTS[name])


def _object(where, value, rules, required):
    if not isinstance(value, dict):
        _refuse(where, 'write an object, {"...": ...}')
    prefix = where + "." if where else ""
    for key in value:
        if key not in rules:
            known = ", ".join(sorted([name for name in rules if name[0] != "$"]))
            _refuse(prefix + key[:40], "unknown; remove it, or correct it to one of " + known)
    for name in required:
        if name not in value:
            _missing(prefix, name)
    for key in value:
        rule = rules[key]
        rule[0](prefix + key, value[key], *rule[1:])


def _list(where, value, minimum, maximum, item):
    if not isinstance(value, (list, tuple)) or not minimum <= len(value) <= maximum:
        _refuse(where, "write a list of %d to %d, [...]" % (minimum, maximum))
    for number, member in enumerate(value):
        item("%s[%d]" % (where, number), member)


def _flag(where, value):
    if value is not True and value is not False:
        _refuse(where, "write true or false")


def _whole(where, value, minimum, maximum, message=""):
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        _refuse(where, "write a whole number from %d to %d%s" % (minimum, maximum, message))


def _watchdog(where, value):
    if isinstance(value, bool) or not isinstance(value, int) or value != 0:
        _whole(where, value, 10, 3600, ", or 0 for none")


def _text(where, value, minimum, maximum):
    # Bytes are bounded as well: it is they that a radio and a file system count.
    good = isinstance(value, str) and minimum <= len(value) <= maximum
    if good:
        try:
            good = len(value.encode()) <= maximum
        except UnicodeError:
            good = False
    if not good:
        _refuse(where, "write a text of %d to %d bytes" % (minimum, maximum))
    for char in value:
        if ord(char) < 32 or ord(char) == 127:
            _refuse(where, "it has a control character; type it again")


def _chars(where, value, maximum, chars, message):
    # 1 to `maximum` of these characters; None stands for all of ASCII that can be seen.
    good = isinstance(value, str) and 0 < len(value) <= maximum
    if not good or not all((c in chars) if chars else 32 < ord(c) < 127 for c in value):
        _refuse(where, message)


def _key(where, value):
    _chars(where, value, 256, None, "it is no key: copy it again, without spaces, 'plx_...'")


def _source(where, value):
    message = "write 1 to 256 of a-z, 0-9 and, not at the start, '.', '_', '-'"
    _chars(where, value, 256, _SMALL + "._-", message)
    if value[0] in "._-":
        _refuse(where, message)


def _host(where, value):
    message = "write a host's name or address, 1 to 253 of a-z, 0-9, '.', '_', '-'"
    _chars(where, value, 253, _LETTERS + "._-", message)


def _url(where, value, *schemes):
    _chars(where, value, 256, None, "write a URL, '%s...', without spaces" % schemes[0])
    scheme, _, rest = value.partition("://")
    if scheme + "://" not in schemes:
        _refuse(where, "write a URL that begins with " + " or ".join(schemes))
    place = rest.split("/")[0]
    if "@" in place:
        _refuse(where, "no user and no password belong into it; the key goes with each request")
    host, colon, port = place.partition(":")
    _host(where, host)
    if colon:
        _number(where, port, 1, 65535, "the port is a number from 1 to 65535")


def _number(where, digits, minimum, maximum, message):
    # A number in a text, as one writes it.
    good = 0 < len(digits) <= 5 and all(char in _DIGITS for char in digits)
    if not good or not minimum <= int(digits) <= maximum or (digits[0] == "0" and len(digits) > 1):
        _refuse(where, message)


def _ipv4(where, value, message="write an IPv4 address, such as '192.168.1.1'"):
    parts = value.split(".") if isinstance(value, str) else ()
    if len(parts) != 4:
        _refuse(where, message)
    for part in parts:
        _number(where, part, 0, 255, message)


def _address(where, value):
    message = "write an IPv4 address with the bits of its network, such as '192.168.1.5/24'"
    address, _, bits = value.partition("/") if isinstance(value, str) else ("", "", "")
    _ipv4(where, address, message)
    _number(where, bits, 1, 30, message)


def _password(where, value):
    if isinstance(value, str) and len(value) == 64 and all(char in _HEX for char in value):
        return  # the key itself
    _text(where, value, 8, 63)


def _hostname(where, value):
    message = "write 1 to 32 of letters, digits and, not at the ends, '-'"
    _chars(where, value, 32, _LETTERS + "-", message)
    if value[0] == "-" or value[-1] == "-":
        _refuse(where, message)


def _country(where, value):
    message = "write the two capital letters of the country, such as 'DE'"
    _chars(where, value, 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", message)
    if len(value) != 2:
        _refuse(where, message)


def _slot(where, value):
    if value not in ("a", "b"):
        _refuse(where, "only provisioning writes it; remove it, and give api_key")


def _network(where, value):
    _placed(where, value, _NETWORK, ["ssid"])


def _ethernet(where, value):
    _placed(where, value, _STATIC, [])


def _placed(where, value, rules, required):
    # An object that may have a static address.
    if isinstance(value, dict):
        if "address" in value or "dns" in value:
            required.append("gateway")
        if "gateway" in value or "dns" in value:
            required.append("address")
    _object(where, value, rules, required)


def _sensor(where, value):
    if not isinstance(value, dict):
        _refuse(where, 'write an object, {"driver": "..."}')
    message = None
    try:
        check_keys(value)
    except ValueError as error:
        message = str(error)
    if message:
        raise ConfigError("%s.%s" % (where, message))
    _text(where + ".driver", value["driver"], 1, 30)


_STATIC = {"address": (_address,), "gateway": (_ipv4,), "dns": (_ipv4,)}
_NETWORK = {"ssid": (_text, 1, 32), "password": (_password,)}
_NETWORK.update(_STATIC)
_SLEEP = {"interval_s": (_whole, 1, 86400), "send_every": (_whole, 1, 1000)}
_AGENT = {"url": (_url, "wss://", "ws://")}
_CONFIGURATION = {
    "$schema": (_text, 0, 200),
    "api_key": (_key,),
    "source_id": (_source,),
    "nvs": (_slot,),
    "endpoint": (_url, "https://", "http://"),
    "ca_file": (_text, 1, 64),
    "verify": (_flag,),
    "wifi": (_list, 0, 8, _network),
    "ethernet": (_ethernet,),
    "hostname": (_hostname,),
    "country": (_country,),
    "ring_bytes": (_whole, 256, 8388608),
    "flush_interval_ms": (_whole, 0, 86400000),
    "flush_fill_percent": (_whole, 1, 100),
    "batch_points": (_whole, 1, 10000),
    "timeout_ms": (_whole, 1, 600000),
    "keep_alive": (_flag,),
    "ntp_hosts": (_list, 1, 8, _host),
    "ntp_port": (_whole, 1, 65535),
    "sensors": (_list, 0, 64, _sensor),
    "watchdog_s": (_watchdog,),
    "led": (_flag,),
    "status_s": (_whole, 0, 3600),
    "sleep": (_object, _SLEEP, ("interval_s",)),
    "agent": (_object, _AGENT, ("url",)),
}
