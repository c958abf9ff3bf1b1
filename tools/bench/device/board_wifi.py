"""Joins a WiFi network, with one patient try."""

import time

import network

_STATUS = {201: "no access point of that name", 202: "wrong password"}


def join(given):
    """Join the WiFi network. OSError says why not."""
    ssid, password = given["wifi"]
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    if password is None:
        wlan.connect(ssid)
    else:
        wlan.connect(ssid, password)
    begun = time.ticks_ms()
    while not wlan.isconnected():
        if time.ticks_diff(time.ticks_ms(), begun) > given["join_ms"]:
            status = wlan.status()
            wlan.disconnect()
            raise OSError("%s: %s" % (ssid, _STATUS.get(status, "status %s" % status)))
        time.sleep_ms(50)
