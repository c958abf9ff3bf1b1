"""Reads a posted form, strictly: what no browser sends is refused, whatever it may be good for."""

_HEX = b"0123456789abcdefABCDEF"


def parse(body, fields):
    """The values of a form (bytes, application/x-www-form-urlencoded): {name: str}.

    fields: {name: the most bytes that its value may have}. One that was not sent is "". ValueError,
    "name: words" without the value, for a value that is too long, no UTF-8 or with a control
    character; "form: words" for a field that is there twice or is none of these.
    """
    values = {}
    for pair in body.split(b"&"):
        key, _, value = pair.partition(b"=")
        key = _text("form", key, 32)
        if key not in fields:
            raise ValueError("form: it has a field that is not on the page")
        if key in values:
            raise ValueError("form: %s is there twice" % key)
        values[key] = _text(key, value, fields[key])
    for name in fields:
        values.setdefault(name, "")
    return values


def text(data, maximum):
    """Bytes as a str if they are UTF-8, at most so long and without control characters; or None."""
    if len(data) > maximum:
        return None
    try:
        decoded = data.decode()
    except UnicodeError:
        return None
    # MicroPython decodes surrogates and forms that are longer than need be. A character counts as
    # many bytes as its shortest form has.
    size = 0
    for char in decoded:
        code = ord(char)
        if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            return None
        size += 1 if code < 128 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    return decoded if size == len(data) else None


def _text(name, data, maximum):
    data = _unquoted(name, data)
    if len(data) > maximum:
        raise ValueError(
            "%s: it is longer than %d bytes; an accented letter has 2, an emoji 4" % (name, maximum)
        )
    value = text(data, maximum)
    if value is None:
        raise ValueError("%s: it has characters that cannot be typed; type it again" % name)
    return value


def _unquoted(name, data):
    parts = data.replace(b"+", b" ").split(b"%")
    plain = bytearray(parts[0])
    for part in parts[1:]:
        if len(part) < 2 or part[0] not in _HEX or part[1] not in _HEX:
            raise ValueError("%s: it is not encoded as a browser does it" % name)
        plain.append(int(part[:2].decode(), 16))
        plain.extend(part[2:])
    return bytes(plain)
