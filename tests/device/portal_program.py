"""A board with an open portal, for tests from outside: micropython -m portal_program < JSON

What it is given: directory (for its files), tcp and udp (ports), endpoint, and heard: [[ssid,
password, dBm], ...]. It says "open", and at the end "saved" or "closed".
"""

import asyncio
import gc
import json
import sys

from firmware.setup.draft import Draft
from firmware.setup.portal import Portal
from models import network
from plexus.port import ticks_diff, ticks_ms

PROFILE = {"name": "esp32-devkitc-v4", "title": "Espressif ESP32-DevKitC V4", "mcu": "esp32"}
SENSORS = [("BME280", "at 0x76 on i2c0"), ("unknown chip", "at 0x3c on i2c0")]


async def main(place):
    began = ticks_ms()
    # The radio's time runs faster: joining takes seconds.
    network.clear(lambda: 10 * ticks_diff(ticks_ms(), began))
    for ssid, password, rssi in place["heard"]:
        network.air.append(network.AccessPoint(ssid, password, rssi))
    network.WLAN(network.AP_IF).addresses = ("127.0.0.1", "255.255.255.0", "127.0.0.1", "")
    draft = Draft(
        {"endpoint": place["endpoint"]},
        PROFILE,
        place["directory"] + "/plexus.json",
        place["directory"] + "/boards",
        place["directory"] + "/board.json",
    )
    portal = Portal(
        draft, SENSORS, network, "plexus-010203", port=place["tcp"], dns_port=place["udp"]
    )
    running = asyncio.create_task(portal.run())
    while not portal.ready:
        await asyncio.sleep(0.01)
    print("open")
    print("saved" if await running else "closed")


if __name__ == "__main__":
    gc.collect()
    asyncio.run(main(json.load(sys.stdin)))
