"""Reads the sensors on your board: those that its profile lists, and all that a scan finds.

Bring the board's profile with it: mpremote cp boards/<name>.json :board.json
"""

import network
import settings

from plexus import Plexus
from plexus.board import Board
from plexus.sensors import Sampler

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect(settings.SSID, settings.PASSWORD)

px = Plexus(**settings.PLEXUS)
sampler = Sampler(px)
board = Board.load(settings.BOARD)
for found in board.fill(sampler):
    print("0x%02x: %s" % (found.address, found.chip or found.driver or "unknown"))
for problem in board.problems:
    print(problem)
print("reading", ", ".join(sampler.status))

while True:
    sampler.tick()
    px.tick()
