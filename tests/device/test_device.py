"""A device's start: when it gives the system's heap back the RAM that joining takes."""

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


def test_what_joining_takes_is_let_go_of_when_python_has_its_own_room():
    before = device_module.gc, device_module.reserve
    device = Bare()
    device_module.gc = device_module.reserve = device
    try:
        with raises(Started):
            asyncio.run(device.run())
    finally:
        device_module.gc, device_module.reserve = before
    equal(device.did, ["collect", 0])
