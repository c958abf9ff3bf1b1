"""Record a test run as a session: its readings are found together, under its name.

The board is on the network already (see basic.py).
"""

import time

import settings

from plexus import Plexus, PlexusError

px = Plexus(**settings.PLEXUS)

# Network trouble ends neither the run nor the session: readings, start and end wait and go later.
with px.session("motor-run-001", name="Motor test run"):
    for step in range(30):
        px.send("motor.rpm", 600 + 40 * step, tags={"motor": "left"})
        px.tick()
        time.sleep(0.1)

while True:
    try:
        print(px.flush(), "readings confirmed, the session is complete")
        break
    except PlexusError as error:
        print(error)
        time.sleep(10)
