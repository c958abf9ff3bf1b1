"""Send to a gateway of your own, whose certificate your own authority signed.

Copy the authority's root certificate to the board:  mpremote cp ca.der :
The board is on the network already (see basic.py).
"""

import gc
import time

import settings

from plexus import Plexus

with open(settings.CA_FILE, "rb") as file:
    ca = file.read()

# The server has to show a certificate for the endpoint's host name, signed by this authority.
px = Plexus(endpoint=settings.GATEWAY, ca=ca, **settings.PLEXUS)

while True:
    px.send("heap.free", gc.mem_free())
    px.tick()
    time.sleep(1)
