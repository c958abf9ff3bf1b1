"""A device's start: when it gives the RAM that joining needs back to the system's heap."""

import asyncio

from models import machine
from support import equal, raises

with machine.Installed():
    from firmware import device as device_module


class Started(Exception):
    pass


class Bare(device_module.Device):
    """One without parts, which ends where they would begin."""

    def __init__(self):
        self.did = []

    def _greet(self):
        raise Started

    # In the place of two modules

    def collect(self):
        self.did.append("collect")

    def keep(self, size):
        self.did.append(size)


def test_ram_for_joining_is_released_after_the_start_up_code_is_freed():
    before = device_module.gc, device_module.reserve
    device = Bare()
    device_module.gc = device_module.reserve = device
    try:
        with raises(Started):
            asyncio.run(device.run())
    finally:
        device_module.gc, device_module.reserve = before
    equal(device.did, ["collect", 0])
