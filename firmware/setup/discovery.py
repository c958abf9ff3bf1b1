"""What a board finds round it, for the portal's page: sensors and networks."""

from plexus.port import const

from . import form

_MOST_NETWORKS = const(15)
_UNHEARD_DBM = const(-999)


def sensors(board):
    """What a Board carries and what is on its I2C buses: [(name, where)]."""
    from plexus.sensors.sampling.find import scan

    found = []
    for entry in board.profile.get("sensors", ()):
        found.append((entry.get("name", entry["driver"]), "on the board"))
    for entry in board.profile.get("i2c", ()):
        try:
            for chip in scan(board.bus("i2c", entry["name"]), entry.get("occupied", ())):
                name = chip.chip or chip.driver or " or ".join(chip.candidates) or "unknown chip"
                found.append((name, "at 0x%02x on %s" % (chip.address, entry["name"])))
        except (OSError, ValueError) as error:
            found.append((entry["name"], "cannot be read: %s" % error))
    return found


def networks(station, own=""):
    """What a `network.WLAN` station hears, but for `own`: [(ssid, signal of 1 to 4, is open)].

    The strongest come first. It takes 2 s, in which nothing else happens. One whose name no form
    can give (it is hidden, no UTF-8, or has control characters) is left out.
    """
    try:
        station.active(True)
        heard = station.scan()
    except (OSError, RuntimeError):  # the radio is busy
        return []
    best = {}
    for entry in heard:
        ssid = form.text(bytes(entry[0]), 32)
        if ssid and ssid != own and entry[3] > best.get(ssid, (_UNHEARD_DBM,))[0]:
            best[ssid] = (entry[3], entry[4] == 0)
    order = sorted([(-best[ssid][0], ssid) for ssid in best])[:_MOST_NETWORKS]
    return [(ssid, _bars(best[ssid][0]), best[ssid][1]) for _, ssid in order]


def _bars(rssi):
    # A signal in dBm.
    return 4 if rssi > -56 else 3 if rssi > -67 else 2 if rssi > -78 else 1
