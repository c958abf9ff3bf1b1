"""Which of several known WiFi networks to try first, and by which access point. Loaded for that."""

import sys

from plexus.port import const

from .aside import aside

# For the driver's code and the list of what is heard; a 64-bit computer's frames are larger.
_STACK_BYTES = 8192 if sys.maxsize < 1 << 32 else 131072
_WEAK_DBM = const(-85)  # hardly a link: what is heard better goes first


async def best_first(networks, nic, sleep, in_thread=None):
    """[(entry, BSSID, dBm)] of all networks, in the order in which to try them.

    BSSID and signal are those of its strongest access point; None for one that is not heard.
    sleep(s) and in_thread: see aside.py. OSError, RuntimeError, MemoryError: the scan's.
    """
    strongest = {}  # of each network's access points: (dBm, BSSID)
    for ssid, bssid, _, rssi, _, _ in await aside(nic.scan, sleep, _STACK_BYTES, in_thread):
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
        order.append((rank, number, bssid, rssi))
    order.sort(key=lambda item: item[:2])
    return [(networks[number], bssid, rssi) for _, number, bssid, rssi in order]
