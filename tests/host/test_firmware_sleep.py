"""A battery node on a virtual board: which wakes send, what is kept between them, what it takes."""

import ast
import re
from itertools import pairwise
from typing import Any

from tests.fixtures.firmware import AIR, Devices
from tests.fixtures.server import ServerView
from tests.host.test_firmware import CONFIRMED, stored
from tests.virtual_board import VirtualBoard

KEPT = r"plexus: (\d+) readings are kept"
DEEP_SLEEP = 4
SENSORS = [{"driver": "bme280", "bus": "i2c0"}, {"driver": "system", "prefix": "board."}]
# Tells before each sleep what is loaded then.
TELLING = b"""
import machine, sys

def deepsleep(ms, sleep=machine.deepsleep):
    print("loaded", sorted(sys.modules))
    sleep(ms)

machine.deepsleep = deepsleep
from firmware.supervisor import run
run()
"""


def node(device: Devices, send_every: int, **changes: Any) -> VirtualBoard:
    sleep = {"interval_s": 60, "send_every": send_every}
    changes["world"] = {"sleep_scale": 0.02} | changes.get("world", {})
    return device(sleep=sleep, sensors=SENSORS, **changes)


def wakes(board: VirtualBoard, count: int) -> None:
    """Wait until so many have ended."""
    board.wait(lambda: board.resets.count(DEEP_SLEEP) >= count, 20 + 5 * count)


def assert_once_and_in_time(points: list[dict[str, Any]]) -> None:
    """Each wake's reading is of another time, about as long after the one before as the wakes are.

    A wake with its sleep takes some 1.5 s here, in which the RTC goes on as it does on a board.
    """
    times = [point["timestamp"] for point in points]
    assert all(500 < later - earlier < 20_000 for earlier, later in pairwise(times)), times


def test_send_every_of_3_joins_at_3_of_9_wakes_and_all_arrives_once_and_in_time(
    device: Devices, server: ServerView
) -> None:
    board = node(device, 3)
    wakes(board, 7)
    points = stored(server, "temperature", 7)
    assert_once_and_in_time(points)
    wakes(board, 9)
    assert len(server.mock.points("temperature")) == 7
    assert len(re.findall(CONFIRMED, board.console())) == 3
    assert len(re.findall(KEPT, board.console())) == 6


def test_what_was_read_while_the_network_was_away_arrives_when_it_is_back(
    device: Devices, server: ServerView
) -> None:
    board = node(device, 1, watchdog_s=12)
    stored(server, "temperature", 1)
    board.set(networks={})
    start = len(board.console())
    for _ in range(5):
        start = board.wait_for(KEPT, 40, start).end()
    board.set(networks=AIR)
    board.wait_for(CONFIRMED, 40, start)
    points = server.mock.points("temperature")
    assert len(points) >= 7
    assert len({point["timestamp"] for point in points}) == len(points)
    assert points == sorted(points, key=lambda point: point["timestamp"])


def test_a_power_cut_takes_what_was_kept_and_nothing_else(
    device: Devices, server: ServerView
) -> None:
    board = node(device, 1000)
    stored(server, "temperature", 1)
    board.wait_for(KEPT)
    count = int(board.wait_for(KEPT, start=board.wait_for(KEPT).end())[1])
    assert count > 0
    start = len(board.console())
    board.power_cycle()
    board.wait_for(CONFIRMED, start=start)
    points = stored(server, "temperature", 2)
    assert len(points) == 2
    assert_once_and_in_time(points)


def test_what_rtc_memory_has_no_room_for_is_in_files_which_a_power_cut_leaves(
    device: Devices, server: ServerView
) -> None:
    sleep = {"interval_s": 60, "send_every": 1000}
    # All sensors of the simulated board: twenty readings a wake and more.
    board = device(sleep=sleep, store={}, world={"sleep_scale": 0.005})
    stored(server, "temperature", 1)

    def counts() -> list[int]:
        return [int(count) for count in re.findall(KEPT, board.console())]

    board.wait(lambda: any(later < earlier for earlier, later in pairwise(counts())), 120)
    start = len(board.console())
    board.stop()
    assert any(path.startswith("/plexus.store/") for path in board.files())
    board.start()
    board.wait_for(CONFIRMED, 40, start)
    in_files = next(i for i, (a, b) in enumerate(pairwise(counts())) if b < a) + 1
    points = stored(server, "temperature", 1 + in_files + 1)
    times = [point["timestamp"] for point in points]
    assert times == sorted(set(times))
    assert not server.mock.points("device.problem")


def test_a_wake_that_sends_nothing_loads_nothing_of_the_network(device: Devices) -> None:
    board = node(device, 2, files={"/main.py": TELLING})
    wakes(board, 2)
    told = re.findall(r"loaded (\[.*?\])", board.console())
    sending, quiet = (set(ast.literal_eval(text)) for text in told[:2])
    of_network = {
        name
        for name in sending
        if re.match(r"plexus\.(client|delivery|tls|extras)|firmware\.(wifi|interface|wake_)", name)
    }
    assert {"plexus.client", "plexus.delivery.request", "firmware.wifi"} <= of_network
    assert not of_network & quiet
