"""What goes wrong with a program on a virtual board: a full heap, Ctrl-C, wakes in vain."""

import json
from typing import Any

import pytest

from tests.fixtures.firmware import Devices
from tests.fixtures.proxy import ProxyView
from tests.fixtures.server import ServerView
from tests.host.test_firmware import CONFIRMED, stored

POWER_ON, HARD, DEEP_SLEEP = 1, 2, 4
DAY_MS = 86400000
# In place of the lights: takes all memory there is, once, when GPIO 5 is low; and keeps it as long
# as the device is kept, or for good, as {keeper} says.
# MicroPython's Unix port has no GIL, which a chip's has: now and then it dies of signal 11 when two
# threads raise in a full heap at once. So no other thread is to raise: /fault says "alone", or what
# delivers waits for its server.
GREEDY = """
import asyncio, gc, machine, os

class Keeper:
    hoard = None

class Lights:
    name = ""
    lamp = True
    hoard = None

    def __init__(self, led):
        pass

    def set(self, name):
        self.name = name

    async def run(self):
        try:
            with open("/fault") as file:
                alone = file.read() == "alone"
            os.remove("/fault")
        except OSError:
            await asyncio.sleep(3600)
        button = machine.Pin(5, machine.Pin.IN, machine.Pin.PULL_UP)
        while button.value():
            await asyncio.sleep(0.1)
        if alone:
            from firmware.repl import device
            device.uploader.stop()
            while device.uploader.running:
                await asyncio.sleep(0.1)
            device = None
        keeper = {keeper}
        gc.collect()
        size = 4096
        while size > 16:
            try:
                while True:
                    keeper.hoard = (keeper.hoard, bytearray(size))
            except MemoryError:
                size >>= 1
        while True:
            keeper.hoard = (keeper.hoard, None)
"""
SLEEP = {"interval_s": 60}
CRASHED = {"run": "", "early": 3, "what": "ValueError: broken", "trace": "", "told": False}


def greedy(fault: str, keeper: str = "self") -> dict[str, bytes]:
    """The files with which a board's program fills the heap: see GREEDY."""
    lights = GREEDY.replace("{keeper}", keeper).encode()
    return {"/lib/firmware/lights.py": lights, "/fault": fault.encode()}


def sleeping(device: Devices, world: dict[str, Any] | None = None, **changes: Any):
    changes.setdefault("sleep", SLEEP)
    return device(world={"sleep_scale": 0.02} | (world or {}), **changes)


def test_a_program_that_fills_the_heap_is_told_after_the_restart(
    device: Devices, server: ServerView
) -> None:
    board = device(files=greedy("alone"))
    board.wait_for(CONFIRMED)
    board.press(5)
    board.wait_reset(HARD, timeout_s=40)
    assert "MemoryError: memory allocation failed" in stored(server, "device.crash")[0]["value"]
    assert board.resets[:2] == [POWER_ON, HARD]


@pytest.mark.parametrize("keeper", ["self", "Keeper"])
def test_a_program_that_fills_the_heap_amid_a_flush_is_told_after_the_restart(
    device: Devices, server: ServerView, proxy: ProxyView, keeper: str
) -> None:
    proxy.proxy.set(mode="stall", after_bytes=300, connections=1)
    files = greedy("amid", keeper)
    board = device(files=files, endpoint=proxy.device["ingest"], timeout_ms=120000)
    server.mock.wait_until(lambda _: proxy.proxy.stats["up_bytes"] >= 300, 30)
    board.press(5)
    board.wait_reset(HARD, timeout_s=40)
    assert "MemoryError: memory allocation failed" in stored(server, "device.crash")[0]["value"]


def test_a_program_of_another_micropython_names_the_remedy(device: Devices) -> None:
    board = device(files={"/lib/firmware/supervisor.mpy": b"M\x01\x00\x1f"})
    board.wait_for("incompatible .mpy file")
    board.wait_for("plexus: run python -m tools deploy")


def test_ctrl_c_leaves_no_watchdog_that_nobody_feeds(device: Devices) -> None:
    board = device(watchdog_s=30)
    board.wait_for("plexus: network:")
    board.type("\x03")
    board.wait_repl()
    board.wait(lambda: board._wdt_ms == DAY_MS)


def test_ctrl_c_in_a_wake_leaves_no_watchdog_that_nobody_feeds(device: Devices) -> None:
    board = sleeping(device, {"networks": {}}, watchdog_s=60)
    board.wait(lambda: board._wdt_ms == 60000)
    board.type("\x03")
    board.wait_repl()
    board.wait(lambda: board._wdt_ms == DAY_MS)


def test_a_battery_node_without_wifi_sleeps_before_its_watchdog_ends_the_wake(
    device: Devices,
) -> None:
    board = sleeping(device, {"networks": {}}, watchdog_s=12)
    board.wait(lambda: len(board.resets) == 3, 50)
    assert board.resets == [POWER_ON, DEEP_SLEEP, DEEP_SLEEP]


def test_a_battery_node_in_safe_mode_reports_and_sleeps(
    device: Devices, server: ServerView
) -> None:
    board = sleeping(
        device, {"sleep_scale": 0.001}, files={"/crash.json": json.dumps(CRASHED).encode()}
    )
    board.wait_for("plexus: mode: safe mode")
    board.wait_reset(DEEP_SLEEP, timeout_s=40)
    assert board.resets[:2] == [POWER_ON, DEEP_SLEEP]
    assert "safe mode" in server.mock.points("device.crash")[0]["value"]
    server.mock.wait_until(lambda mock: bool(mock.points("temperature")), 30)


def test_a_battery_node_can_be_set_up_anew_by_its_button(device: Devices) -> None:
    board = sleeping(device)
    board.wait_for("plexus: awake for 5 s")
    board.press(0)
    board.wait_reset(HARD)
    board.release(0)
    board.wait_for("plexus: join the network plexus-")


def test_a_battery_node_waits_for_a_person_only_when_it_is_switched_on(
    device: Devices, server: ServerView
) -> None:
    board = sleeping(device)
    server.mock.wait_until(lambda mock: len(mock.points("temperature")) >= 2, 60)
    assert board.console().count("plexus: awake for") == 1
