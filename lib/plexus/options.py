"""The checks of a client's options, and of a source's name."""

_MAX_STRING = 256  # the API's limit on strings
_OURS = ("host", "connection", "content-type", "content-length", "transfer-encoding", "x-api-key")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789._-"


def check_key(api_key):
    """ValueError, without the key in it, unless `api_key` can be one."""
    if not isinstance(api_key, str) or not api_key:
        raise ValueError("api_key: a string, as Plexus shows it when you make one: 'plx_...'")
    for char in api_key:
        if not 32 < ord(char) < 127:
            raise ValueError(
                "api_key: it has a space or another character no key has; copy it again"
            )


def check_headers(headers):
    """ValueError unless `headers` are further ones of a request: a dict of str."""
    if not isinstance(headers, dict):
        raise ValueError("headers: a dict, not %s" % type(headers).__name__)
    for name, value in headers.items():
        for text in (name, value):
            if not isinstance(text, str) or not text:
                raise ValueError("headers: %r: name and value are strings" % (name,))
            for char in text:
                if not 32 <= ord(char) < 127 or (text is name and char in ' :"(),/;<=>?@[]{}'):
                    raise ValueError("headers: %r may not have %r in it" % (name, char))
        if name.lower() in _OURS:
            raise ValueError("headers: %r is the client's own; leave it out" % name)
        if name != "User-Agent" and name.lower() == "User-Agent".lower():
            raise ValueError("headers: %r; write it User-Agent" % name)


def check_overflow(overflow):
    """ValueError unless `overflow` is one of the two policies."""
    if overflow not in ("drop_oldest", "refuse"):
        raise ValueError("overflow: 'drop_oldest' or 'refuse', not %r" % (overflow,))


def check_ntp(ntp_hosts, ntp_port):
    """ValueError unless these are names or addresses (str), and a UDP port."""
    hosts = (ntp_hosts,) if isinstance(ntp_hosts, str) else ntp_hosts
    if not isinstance(hosts, (list, tuple)) or not all(isinstance(h, str) and h for h in hosts):
        raise ValueError("ntp_hosts: a list or tuple of names, not %r" % (ntp_hosts,))
    check_range("ntp_port", ntp_port, 1, 65535)


def check_ring(ring_bytes):
    """ValueError unless `ring_bytes` is a size or a bytearray of that size."""
    if isinstance(ring_bytes, bytearray):
        ring_bytes = len(ring_bytes)
    check_range("ring_bytes", ring_bytes, 256, 0x3FFFFFFF)


def check_store(store, store_bytes, persist_interval_s):
    """ValueError unless a store may be in this place (str), of this size, with this interval."""
    if not isinstance(store, str) or not store:
        raise ValueError("store: a path to keep readings at, such as '/plexus', not %r" % (store,))
    check_range("store_bytes", store_bytes, 8192, 0x3FFFFFFF)
    check_range("persist_interval_s", persist_interval_s, 1, 86400)


def check_range(name, value, minimum, maximum):
    """ValueError unless option `name` is an int from `minimum` to `maximum`."""
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise ValueError("%s: an int from %d to %d, not %r" % (name, minimum, maximum, value))


def check_source(source_id):
    """ValueError unless `source_id` is one: [a-z0-9][a-z0-9._-]*, at most 256 characters."""
    if not isinstance(source_id, str) or not 0 < len(source_id) <= _MAX_STRING:
        got = len(source_id) if isinstance(source_id, str) else type(source_id).__name__
        raise ValueError("source_id: %s; give a string of 1 to %d characters" % (got, _MAX_STRING))
    for i, char in enumerate(source_id):
        if char not in _CHARACTERS or (i == 0 and char in "._-"):
            raise ValueError(
                "source_id: %r at %d; use a-z, 0-9 and, not at the start, '.', '_', '-'" % (char, i)
            )
