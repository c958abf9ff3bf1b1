"""Sample on time from a timer's callback, whatever the main loop is doing.

send() may be called there: it never waits, and a flush under way does not disturb it. (A hard
interrupt, `hard=True`, may not allocate memory and so cannot send.)
The board is on the network already (see basic.py).
"""

import time

import settings
from machine import Timer

from plexus import Plexus

px = Plexus(**settings.PLEXUS)
count = 0


def sample(_timer):
    global count
    count += 1
    px.send("count", count)


timer = Timer(0)
timer.init(period=50, mode=Timer.PERIODIC, callback=sample)

while True:
    px.tick()
    time.sleep_ms(100)
