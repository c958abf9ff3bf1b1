"""TLS contexts that verify the server."""

from ..port import const, load_once, reserve, unload

try:
    import tls  # MicroPython; its own `ssl` is a layer above with other arguments
except ImportError:
    import ssl as tls


# How many of the shipped roots are Let's Encrypt's; the others are Google's.
_FIRST = const(2)


def verifying_context(ca=None, group=None):
    """An SSLContext for a client that verifies the server's certificate chain and host name.

    ca: the roots to trust in place of the shipped ones: DER or PEM (bytes), one certificate or
    several in a row, or a list or tuple of such. Raises ValueError naming `ca` if it cannot be
    used. group: 0 or 1 for one half of the shipped roots. Each root stays in memory as long as the
    context (1 to 3 kB each on an ESP32, outside Python's heap): keep one context.
    """
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    # CPython checks the host name by default as well.
    context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue] -- int there
    if ca is None:
        certificates = load_once("plexus", "tls.roots").ROOTS
        if group is not None:
            certificates = certificates[_FIRST:] if group else certificates[:_FIRST]
    else:
        certificates = load_once("plexus", "tls.ca").certificates(ca)
    count = 0
    for der in certificates:
        count += 1
        try:
            if hasattr(context, "check_hostname"):
                context.load_verify_locations(cadata=der)
            else:
                context.load_verify_locations(der)
        except (ValueError, OSError) as exc:  # CPython's ssl.SSLError is an OSError
            raise ValueError(
                "ca: certificate %d cannot be read (%s); give root certificates in DER"
                % (count, exc)
            )
    if not count:
        raise ValueError("ca: no certificate in it; leave it out to use the shipped roots")
    unload("plexus", "tls.roots", "tls.ca")  # the context has its own copy
    return context


def first_context():
    """(context, group) for the shipped roots: all of them and None, or, on a board whose RAM TLS
    shares with Python, one group. Http tries the other when that does not know the server."""
    if reserve.free() is None:
        return verifying_context(), None
    return verifying_context(None, 0), 0


def changed_roots(http, reason, first):
    """Whether another try of an Http's request is worth it, with the other group of shipped roots.

    reason: why the handshake failed. first: the group that the request began with.
    """
    if not is_unknown_authority(reason):
        return False
    other = 1 - http.roots
    reserve.hold(reserve.REACHING)  # the roots take RAM of the system's
    try:
        # The one in use stays until there is another: without one there would be no TLS.
        http.connection.context = verifying_context(None, other)
        http.roots = other
    except (OSError, ValueError, MemoryError):
        return False
    finally:
        reserve.hold(reserve.IDLE)
    return http.roots != first


def is_unknown_authority(reason):
    """Whether this text of a failed handshake says that none of the roots signed the server's."""
    return "correctly signed by the trusted CA" in str(reason)


def unverified_context():
    """An SSLContext that takes any server for the right one; who asked for it must show it."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if hasattr(context, "check_hostname"):
        context.check_hostname = False  # pyright: ignore[reportAttributeAccessIssue] -- CPython's
    context.verify_mode = tls.CERT_NONE  # pyright: ignore[reportAttributeAccessIssue] -- int there
    return context
