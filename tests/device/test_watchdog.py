"""The watchdog: it is fed while all parts are alive, and only then."""

import asyncio

from firmware.watchdog import Watchdog, release
from models import machine
from support import FakeTicks, equal, raises


class Hardware:
    """machine.WDT: what it was made with, and how often it was fed."""

    def __init__(self):
        self.timeouts = []
        self.fed = 0

    def __call__(self, timeout):
        self.timeouts.append(timeout)
        return self

    def feed(self):
        self.fed += 1


class Rig:
    def __init__(self, timeout_s=120):
        self.hardware = Hardware()
        self.ticks = FakeTicks()
        self.watchdog = Watchdog(timeout_s, self.hardware, self.ticks)

    def fed_after(self, milliseconds):
        """Whether it is fed when so much time has passed."""
        self.ticks.advance(milliseconds)
        before = self.hardware.fed
        self.watchdog.tick()
        return self.hardware.fed > before


def test_the_hardwares_limit_is_in_ms():
    equal(Rig(120).hardware.timeouts, [120000])


def test_it_is_fed_while_every_part_is_alive():
    rig = Rig()
    sampler = rig.watchdog.part("sampler", 5000)
    uploader = rig.watchdog.part("uploader", 60000)
    for _ in range(30):
        sampler()
        uploader()
        assert rig.fed_after(5000)


def test_a_part_that_stands_still_ends_the_feeding():
    rig = Rig()
    sampler = rig.watchdog.part("sampler", 5000)
    rig.watchdog.part("uploader", 60000)
    for _ in range(12):
        assert rig.fed_after(5000)
        sampler()
    equal(rig.watchdog.late, [])
    assert not rig.fed_after(1)
    equal(rig.watchdog.late, ["uploader"])


def test_a_part_that_comes_back_is_fed_for_again():
    rig = Rig()
    beat = rig.watchdog.part("sampler", 5000)
    assert not rig.fed_after(5001)
    beat()
    assert rig.fed_after(0)


def test_a_parts_time_counts_from_when_it_takes_part():
    rig = Rig()
    rig.ticks.advance(100000)
    rig.watchdog.part("sampler", 5000)
    assert rig.fed_after(5000)


def test_off_it_watches_and_resets_nothing():
    rig = Rig(0)
    rig.watchdog.part("sampler", 5000)
    rig.ticks.advance(5001)
    rig.watchdog.tick()
    rig.watchdog.stop()
    equal(rig.hardware.timeouts, [])
    equal(rig.watchdog.late, ["sampler"])


def test_it_is_looked_after_more_often_than_its_least_limit():
    assert Rig().watchdog.tick() <= 10000 // 4


def test_stopped_it_leaves_a_person_a_day():
    rig = Rig()
    rig.watchdog.part("sampler", 5000)
    rig.watchdog.stop()
    equal(rig.hardware.timeouts, [120000, 86400000])
    equal(rig.hardware.fed, 1)
    rig.watchdog.tick()
    equal(rig.hardware.fed, 1)


def test_the_one_that_runs_is_released_by_who_does_not_hold_it():
    rig = Rig()
    release()
    equal(rig.hardware.timeouts, [120000, 86400000])
    release()
    equal(rig.hardware.timeouts, [120000, 86400000])


def test_one_that_is_off_leaves_the_hardware_alone_when_released():
    rig = Rig()
    Rig(0)
    rig.watchdog.stop()
    release()
    equal(len(rig.hardware.timeouts), 2)


def test_it_is_released_even_if_it_was_only_being_made():
    timeouts = []

    def wdt(timeout):
        timeouts.append(timeout)
        if len(timeouts) == 1:
            raise KeyboardInterrupt  # just after the hardware has begun
        return Hardware()

    with raises(KeyboardInterrupt):
        Watchdog(10, wdt)
    release()
    equal(timeouts, [10000, 86400000])


def test_it_is_a_task_of_the_program():
    rig = Rig()

    async def main():
        task = asyncio.create_task(rig.watchdog.run())
        while not rig.hardware.fed:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())


def test_the_hardware_is_the_boards_own():
    hardware = Hardware()
    with machine.Installed() as board:
        before = getattr(board, "WDT", None)
        board.WDT = hardware
        try:
            Watchdog(30)
        finally:
            board.WDT = before
    equal(hardware.timeouts, [30000])
