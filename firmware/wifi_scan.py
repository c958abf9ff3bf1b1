"""Which of several known WiFi networks to try first; loaded where there is more than one."""

from plexus.port import const

_POLL_MS = const(100)
_WEAK_DBM = const(-85)  # hardly a link: what is heard better goes first


async def best_first(networks, nic, alone, in_thread, pause):
    """[(entry, BSSID or None)] of all networks, in the order in which to try them.

    The BSSID is that of its strongest access point. alone: None in its place, so that the radio
    takes the first one that it hears of this name. in_thread(function), pause(ms): see WiFi.
    """
    strongest = {}  # of each network's access points: (dBm, BSSID)
    for ssid, bssid, _, rssi, _, _ in await _heard(nic, in_thread, pause):
        if ssid not in strongest or rssi > strongest[ssid][0]:
            strongest[ssid] = (rssi, bssid)
    order = []
    for number, entry in enumerate(networks):
        rssi, bssid = strongest.get(entry["ssid"].encode(), (None, None))
        if rssi is None:
            rank = (2, number)
        elif rssi < _WEAK_DBM:
            rank = (1, -rssi)
        else:
            rank = (0, number)
        order.append((rank, number, None if alone else bssid))
    order.sort(key=lambda item: item[:2])
    return [(networks[number], bssid) for _, number, bssid in order]


async def _heard(nic, in_thread, pause):
    # What the interface's scan() returns or raises.
    outcome = []

    def scan():
        problem = OSError("the scan failed")
        try:
            outcome.append(nic.scan())
        except (OSError, RuntimeError, MemoryError) as error:
            problem = error
        finally:
            outcome.append(problem)

    try:
        in_thread(scan)
    except (OSError, RuntimeError, MemoryError):
        scan()  # no room for a thread: the program is held
    while not outcome:
        await pause(_POLL_MS)
    if isinstance(outcome[0], list):
        return outcome[0]
    raise outcome[0]
