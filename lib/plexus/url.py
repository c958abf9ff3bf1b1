"""A server by its URL: the parts of that, and the requests module that asks it."""

import sys

# Where the documented API takes readings; where the platform of today does, and which of its hosts
# has what is not theirs, such as runs.
INGEST = "https://app.plexus.company/api/ingest"
PLATFORM_INGEST = "https://gateway.plexus.company/ingest"
PLATFORM_APP = "app.plexus.company"


def split_url(url, name="endpoint"):
    """(secure, host, port, path) of an http or https URL; ValueError names what is wrong."""
    if not isinstance(url, str):
        raise ValueError("%s: a URL, not %s" % (name, type(url).__name__))
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise ValueError("%s: %r is no http:// or https:// URL" % (name, url))
    place, _, path = rest.partition("/")
    host, _, port = place.partition(":")
    odd = [byte for byte in place.encode() if byte in (35, 63, 64)]  # "#", "?", "@"
    if not host or odd or (port and not port.isdigit()):
        raise ValueError("%s: %r must be host or host:port" % (name, place))
    for char in url:
        if not 32 < ord(char) < 127:
            raise ValueError("%s: %r may not stand in a URL" % (name, char))
    port = int(port or (443 if scheme == "https" else 80))
    if not 0 < port < 65536:
        raise ValueError("%s: there is no port %d" % (name, port))
    return scheme == "https", host, port, "/" + path


def requests(given=None):
    """(the module, the name by which it uses sockets): `given`, or a private copy.

    None for the name: it brings its own. ValueError if `given` is PyPI's.
    """
    module = given or _copy()
    if hasattr(module, "Session"):
        raise ValueError("requests: PyPI's has no overall timeout; use MicroPython's, or none")
    for name in ("socket", "usocket"):
        if hasattr(module, name):
            return module, name
    return module, None


def _copy():
    # Of the firmware's requests module, or ours where there is none (CPython).
    mine = {}
    for name in ("requests", "urequests"):
        theirs = sys.modules.pop(name, None)
        try:
            module = __import__(name)
            if hasattr(module, "socket") or hasattr(module, "usocket"):
                mine[name] = module
        except ImportError:
            pass
        sys.modules.pop(name, None)
        if theirs is not None:
            sys.modules[name] = theirs
        if name in mine:
            return mine[name]
    module = __import__("plexus.port.requests", None, None, ("request",))
    sys.modules.pop("plexus.port.requests")  # the next client gets a copy of its own
    return module
