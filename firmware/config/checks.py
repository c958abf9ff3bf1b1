"""Checks what a configuration holds, each value by its rule in rules.py.

A rule is a function of this file and its arguments after the first two: where a value is, and the
value. No message quotes a value, which might be a secret that has come into the wrong place.
"""

from plexus.sensors.sampling.entry import check_keys

from . import ConfigError

_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def configuration(where, value, rules, required):
    """The whole."""
    fields(where, value, rules, required)
    names = []
    for number, network in enumerate(value.get("wifi", ())):
        if network["ssid"] in names:
            _refuse("wifi[%d].ssid" % number, "the name is there twice; remove one of the two")
        names.append(network["ssid"])


def fields(where, value, rules, required):
    """A dict with these keys.

    required: (key, message, instead, *others): the key has to be there, or the one that may stand
    instead, if one of the others is; where there are no others, always.
    """
    if not isinstance(value, dict):
        _refuse(where, 'write an object, {"...": ...}')
    prefix = where + "." if where else ""
    for key in value:
        if key not in rules:
            known = ", ".join(sorted([name for name in rules if name[0] != "$"]))
            _refuse(prefix + str(key)[:40], "unknown; remove it, or correct it to one of " + known)
    for entry in required:
        if entry[0] not in value and entry[2] not in value:
            if len(entry) == 3 or [other for other in entry[3:] if other in value]:
                _refuse(prefix + entry[0], "missing; " + entry[1])
    for key in value:
        rule = rules[key]
        rule[0](prefix + key, value[key], *rule[1:])


def entries(where, value, minimum, maximum, rule):
    """A list of so many."""
    if not isinstance(value, (list, tuple)) or not minimum <= len(value) <= maximum:
        _refuse(where, "write a list of %d to %d, [...]" % (minimum, maximum))
    for number, member in enumerate(value):
        rule[0]("%s[%d]" % (where, number), member, *rule[1:])


def flag(where, value):
    if value is not True and value is not False:
        _refuse(where, "write true or false")


def choice(where, value, options, message):
    if value not in options:
        _refuse(where, message)


def whole(where, value, minimum, maximum, other=None):
    """A whole number in a range, or `other`, which stands for none."""
    good = isinstance(value, int) and not isinstance(value, bool)
    if not good or not (minimum <= value <= maximum or value == other):
        message = "write a whole number from %d to %d" % (minimum, maximum)
        _refuse(where, message if other is None else message + ", or %d for none" % other)


def text(where, value, minimum, maximum):
    # Of so many bytes: it is they that a radio and a file system count.
    try:
        size = len(value.encode())
    except (AttributeError, UnicodeError):
        size = -1
    if not minimum <= size <= maximum:
        message = "write a text of %d to %d bytes; an accented letter has 2, an emoji 4"
        _refuse(where, message % (minimum, maximum))
    for char in value:
        if ord(char) < 32 or ord(char) == 127:
            _refuse(where, "it has a control character; type it again")


def word(where, value, minimum, maximum, chars, message, not_first="", not_last=""):
    """So many of these characters; None stands for all of ASCII that can be seen."""
    good = isinstance(value, str) and minimum <= len(value) <= maximum
    if not good or not _consists(value, chars) or value[0] in not_first or value[-1] in not_last:
        _refuse(where, message)


def host(where, value):
    message = "write a host's name or address, 1 to 253 of a-z, 0-9, '.', '_', '-'"
    word(where, value, 1, 253, _LETTERS + _DIGITS + "._-", message)


def url(where, value, *schemes):
    word(where, value, 1, 256, None, "write a URL, '%s...', without spaces" % schemes[0])
    scheme, _, rest = value.partition("://")
    if scheme + "://" not in schemes:
        _refuse(where, "write a URL that begins with " + " or ".join(schemes))
    place = rest.split("/")[0]
    if "@" in place:
        _refuse(where, "leave out user and password; the key goes with each request")
    name, colon, port = place.partition(":")
    host(where, name)
    if colon:
        _number(where, port, 1, 65535, "the port is a number from 1 to 65535")


def ipv4(where, value, message="write an IPv4 address, such as '192.168.1.1'"):
    parts = value.split(".") if isinstance(value, str) else ()
    if len(parts) != 4:
        _refuse(where, message)
    for part in parts:
        _number(where, part, 0, 255, message)


def placed(where, value):
    """An IPv4 address with the bits of its network."""
    message = "write an IPv4 address with the bits of its network, such as '192.168.1.5/24'"
    address, _, bits = value.partition("/") if isinstance(value, str) else ("", "", "")
    ipv4(where, address, message)
    _number(where, bits, 1, 30, message)


def password(where, value):
    if isinstance(value, str) and len(value) == 64 and _consists(value, _DIGITS + "abcdefABCDEF"):
        return  # the key itself
    text(where, value, 8, 63)


def sensor(where, value):
    if not isinstance(value, dict):
        _refuse(where, 'write an object, {"driver": "..."}')
    message = None
    try:
        check_keys(value)
    except ValueError as error:
        message = str(error)
    if message:
        raise ConfigError("%s.%s" % (where, message))
    text(where + ".driver", value["driver"], 1, 30)


def _refuse(where, message):
    raise ConfigError("%s: %s" % (where or "configuration", message))


def _consists(value, chars):
    for char in value:
        if char not in chars if chars else not 32 < ord(char) < 127:
            return False
    return True


def _number(where, digits, minimum, maximum, message):
    # A number in a text, as one writes it.
    good = 0 < len(digits) <= 5 and _consists(digits, _DIGITS)
    if not good or not minimum <= int(digits) <= maximum or (digits[0] == "0" and len(digits) > 1):
        _refuse(where, message)
