"""Why a station is not joined, in words; read when it is not."""

from plexus.port import const

_LEFT = const(8)
_IDLE = const(1000)
_CONNECTING = const(1001)
_GOT_IP = const(1010)
_PASSWORD = "wrong password"
_HANDSHAKE = "no agreement on keys; most likely a wrong password"
_UNHEARD = "no access point found"
_REASONS = {
    2: "authentication expired",
    3: "the access point dropped it",
    4: "the access point dropped it as inactive",
    5: "the access point is full",
    6: "the access point no longer knows it",
    7: "the access point no longer knows it",
    _LEFT: "left",
    14: _HANDSHAKE,
    15: _HANDSHAKE,
    16: "key renewal timed out",
    23: "802.1X sign-in refused",
    34: "a poor channel",
    200: "the access point went silent",
    201: _UNHEARD,
    202: _PASSWORD,
    203: "the access point refused it",
    204: _HANDSHAKE,
    205: "the connection failed",
    208: "the access point put it off for too long",
    210: _UNHEARD + " whose security it knows",
    211: _UNHEARD + " as secure as the password asks for",
    212: _UNHEARD + " near enough",
    _IDLE: "not joined",
    _CONNECTING: "the access point did not answer",
    _GOT_IP: "no address",
}


def reason(status):
    """What a station's status means."""
    return _REASONS.get(status) or "reason %d" % status
