"""Join the WiFi, then send two readings a second: what most programs need."""

import gc
import time

import network
import settings

from plexus import Plexus

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect(settings.SSID, settings.PASSWORD)
px = Plexus(**settings.PLEXUS)

while True:
    px.send_batch([("heap.free", gc.mem_free()), ("wifi.rssi", wlan.status("rssi"))])
    px.tick()  # never raises for network trouble: the readings wait until they have got through
    time.sleep(1)
