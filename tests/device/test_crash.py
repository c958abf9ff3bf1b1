"""The net under the program: what it keeps of a crash, what it tells, and when it plays safe."""

import json
import sys

from flash import Flash, Mounted, PowerCut

import firmware.atomic_json as atomic
import firmware.repl
import firmware.supervisor as supervisor
import firmware.traceback_text as trace
from firmware.crashes import Crashes
from firmware.watchdog import Watchdog
from models import esp32
from support import FakeTicks, equal, raises

POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5
KEY = "plx_canary_5f1e"


class Board:
    """A flash on which runs begin and end; `with board:` stands around all of them."""

    def __init__(self):
        self.flash = Flash()
        self.ticks = FakeTicks()
        self._mounted = Mounted(atomic, self.flash)

    def __enter__(self):
        self._mounted.__enter__()
        return self

    def __exit__(self, *_):
        self._mounted.__exit__()

    def start(self, cause):
        crashes = Crashes(ticks=self.ticks)
        crashes.start(cause)
        return crashes

    def crash(self, after_ms=1000, cause=HARD, error=None):
        """A run that ends with an exception after so long."""
        crashes = self.start(cause)
        self.ticks.advance(after_ms)
        crashes.caught(error or fail("broken"))
        return crashes


def fail(words, kind=ValueError):
    """An exception with a traceback."""
    try:
        raise kind(words)
    except kind as error:
        return error


# What is kept and told


def test_a_run_without_a_crash_before_it_has_nothing_to_report():
    with Board() as board:
        crashes = board.start(POWER_ON)
        equal((crashes.report(), crashes.trace, crashes.safe), (None, "", False))
        equal(crashes.cause, "power-on")


def test_a_crash_is_reported_after_the_restart_with_the_reset_cause():
    with Board() as board:
        board.crash(90000)
        report = board.start(HARD).report()
    assert report.startswith("crash, then hard reset: ValueError: broken; test_crash.py:"), report
    assert report.endswith(" fail"), report


def test_the_traceback_is_kept():
    with Board() as board:
        board.crash()
        trace = board.start(SOFT).trace
    assert trace.startswith("Traceback (most recent call last):"), trace
    assert "in fail" in trace
    assert trace.rstrip().endswith("ValueError: broken"), trace


def test_a_report_is_there_until_it_was_told():
    with Board() as board:
        board.crash()
        board.start(HARD)
        crashes = board.start(POWER_ON)
        assert crashes.report()
        crashes.told()
        equal(crashes.report(), None)
        again = board.start(POWER_ON)
        equal(again.report(), None)
        assert again.trace, "who looks at the board still finds it"


def deep(words, depth=60):
    """An exception with that many frames."""

    def descend(depth):
        if depth:
            descend(depth - 1)
        raise ValueError(words)

    try:
        descend(depth)
    except ValueError as error:
        return error


def test_what_is_kept_and_told_is_bounded():
    with Board() as board:
        board.crash(error=deep("x" * 300 + "\u20ac" * 1000))
        crashes = board.start(HARD)
        assert 900 < len(crashes.trace.encode()) <= 1024
        assert crashes.trace.rstrip().endswith("\u20ac")
        assert len(crashes.report()) <= 256
        assert len(board.flash.files["crash.json"]) < 8192


def test_a_crash_deep_down_says_where_it_was():
    with Board() as board:
        board.crash(error=deep("short"))
        crashes = board.start(HARD)
    assert "ValueError: short; test_crash.py:" in crashes.report(), crashes.report()
    assert " descend < test_crash.py:" in crashes.report(), crashes.report()
    assert len(crashes.report()) <= 256
    assert len(crashes.trace) <= 1024


def test_secret_within_a_longer_one_leaves_no_rest_of_it():
    with Board() as board:
        crashes = board.start(POWER_ON)
        crashes.hide(["horse", "correct horse battery"])
        crashes.caught(fail("it was correct horse battery, and horse"))
        report = board.start(HARD).report()
        assert "ValueError: it was ***, and ***" in report, report


def test_secrets_are_neither_kept_nor_told_nor_printed():
    password = "canary'pass\\word"
    for text in (KEY, password):
        with Board() as board:
            crashes = board.start(POWER_ON)
            crashes.hide([KEY, password])
            crashes.caught(fail((text + " ") * 300, KeyError))
            later = board.start(HARD)
            kept = board.flash.files["crash.json"].decode()
            for found in (kept, crashes.trace, later.report(), later.trace):
                assert text not in found and repr(text)[1:-1] not in found, found
                assert text[-8:] not in found, found
            assert "***" in later.report()


# What counts as a crash


def test_three_crashes_in_a_row_within_a_minute_each_mean_safe_mode():
    with Board() as board:
        for _ in range(3):
            equal(board.crash(59000).safe, False)
        crashes = board.start(HARD)
        assert crashes.safe
        assert "hard reset, 3 in a row, safe mode: ValueError" in crashes.report()


def test_a_run_of_over_a_minute_ends_the_row():
    with Board() as board:
        board.crash(1000)
        board.crash(1000)
        board.crash(60000)
        board.crash(1000)
        board.crash(1000)
        crashes = board.start(HARD)
        assert not crashes.safe
        assert "2 in a row" in crashes.report()


def test_a_run_that_lives_on_is_noted_while_it_runs():
    with Board() as board:
        for _ in range(4):
            crashes = board.start(WATCHDOG)
            board.ticks.advance(59000)
            crashes.tick()
            board.ticks.advance(1000)
            crashes.tick()
        crashes = board.start(WATCHDOG)
        assert not crashes.safe
        assert "crash, then watchdog reset: no traceback" in crashes.report()


def test_a_watchdog_reset_is_a_crash_of_a_program_that_was_running():
    with Board() as board:
        board.start(POWER_ON)
        board.start(WATCHDOG)
        equal(board.start(WATCHDOG).safe, False)
        crashes = board.start(WATCHDOG)
        assert crashes.safe
        assert crashes.report().startswith("crash, then watchdog reset, 3 in a row, safe mode: no")


def test_a_watchdog_reset_of_another_program_is_none():
    with Board() as board:
        board.start(POWER_ON).stopped()
        crashes = board.start(WATCHDOG)
        equal((crashes.report(), crashes.safe, crashes.cause), (None, False, "watchdog"))


def test_a_panic_of_the_chip_is_a_crash():
    with Board() as board:
        board.start(POWER_ON)
        assert "crash, then hard reset, 1 in a row: no traceback" in board.start(HARD).report()


def test_a_reset_of_the_programs_own_is_none():
    with Board() as board:
        board.start(POWER_ON).stopped()
        equal(board.start(HARD).report(), None)


def test_power_that_fails_is_none():
    with Board() as board:
        for cause in (POWER_ON, SOFT, DEEP_SLEEP, 0, 17):
            board.start(POWER_ON)
            equal(board.start(cause).report(), None)


def test_a_crash_that_was_caught_is_counted_once():
    with Board() as board:
        board.crash(cause=POWER_ON)
        assert "1 in a row" in board.start(HARD).report()


def test_a_program_that_was_stopped_ends_the_row():
    with Board() as board:
        board.crash()
        board.crash()
        board.start(HARD).stopped()
        board.crash()
        assert not board.start(HARD).safe


def test_safe_mode_lasts_till_it_has_gone_well_for_a_minute():
    with Board() as board:
        for _ in range(3):
            board.crash()
        assert board.start(HARD).safe
        crashes = board.start(POWER_ON)
        assert crashes.safe
        board.ticks.advance(60000)
        crashes.tick()
        assert crashes.safe, "this run stays what it is"
        assert not board.start(POWER_ON).safe


def test_the_more_crashes_in_a_row_the_longer_is_the_wait():
    with Board() as board:
        waits = [board.crash().restart_ms for _ in range(6)]
        equal(waits, [5000, 10000, 20000, 40000, 40000, 40000])
        equal(board.crash(60000).restart_ms, 5000)


def test_a_wake_that_hangs_is_told_and_leads_to_no_safe_mode():
    with Board() as board:
        for cause in (POWER_ON, WATCHDOG, WATCHDOG, WATCHDOG):
            crashes = board.start(cause)
            crashes.wake()
        equal(crashes.safe, False)
        assert crashes.report().startswith("crash, then watchdog reset: no traceback")


def test_crashes_of_wakes_lead_to_safe_mode():
    with Board() as board:
        for cause in (POWER_ON, HARD, HARD):
            crashes = board.start(cause)
            crashes.wake()
            crashes.caught(fail("broken"))
        assert board.start(HARD).safe


def test_a_wake_after_deep_sleep_writes_nothing():
    with Board() as board:
        board.start(POWER_ON).stopped()
        steps = board.flash.steps
        crashes = board.start(DEEP_SLEEP)
        crashes.wake()
        crashes.stopped()
        equal(board.flash.steps, steps)


def test_without_memory_for_the_traceback_the_crash_is_kept_by_its_name():
    def described(error, secrets):
        raise MemoryError

    before, trace.described = trace.described, described
    try:
        with Board() as board:
            board.crash(error=fail("no heap", MemoryError))
            report = board.start(HARD).report()
    finally:
        trace.described = before
    assert "1 in a row: MemoryError: no memory for its traceback" in report, report


def test_a_crash_without_memory_to_keep_its_traceback_counts_once():
    store = atomic.store
    failures = [MemoryError()]

    def full(path, value):
        if failures:
            raise failures.pop()
        store(path, value)

    with Board() as board:
        crashes = board.start(POWER_ON)
        atomic.store = full
        try:
            crashes.caught(fail("no heap", MemoryError))
        finally:
            atomic.store = store
        report = board.start(HARD).report()
    assert "1 in a row: MemoryError: no memory for its traceback" in report, report


# The file


def test_waking_and_sleeping_writes_nothing():
    with Board() as board:
        board.start(POWER_ON).stopped()
        steps = board.flash.steps
        for _ in range(3):
            crashes = board.start(DEEP_SLEEP)
            crashes.tick()
            crashes.stopped()
        equal(board.flash.steps, steps)


def test_crashes_after_waking_count_too():
    with Board() as board:
        for _ in range(3):
            board.crash(cause=DEEP_SLEEP)
        assert board.start(HARD).safe


def test_a_damaged_file_is_as_none():
    for text in (b"", b"{", b"[]", b"3", b"\xff\xff", b'{"early": "9", "run": 1, "told": 0}'):
        with Board() as board:
            board.flash.files["crash.json"] = text
            crashes = board.start(WATCHDOG)
            equal((crashes.safe, crashes.report()), (False, None))
            crashes.stopped()
            equal(json.loads(board.flash.files["crash.json"].decode())["early"], 0)


def test_a_power_cut_while_it_is_written_leaves_the_count_before_or_after():
    cut_at = 0
    done = False
    found = []
    while not done:
        with Board() as board:
            board.crash()
            board.crash()
            board.flash.cut_at = board.flash.steps + cut_at
            try:
                crashes = board.start(HARD)
                crashes.caught(fail("third"))
                done = True
            except PowerCut:
                pass
            board.flash.cut_at = None
            found.append(board.start(POWER_ON).safe)
        cut_at += 1
    equal((found[0], found[-1]), (False, True))
    equal(sorted(found), found)


def test_a_flash_that_cannot_be_written_is_no_crash():
    class Full(Flash):
        def open(self, path, mode="r"):
            raise OSError(28, "ENOSPC")

    with Mounted(atomic, Full()):
        crashes = Crashes()
        crashes.start(POWER_ON)
        crashes.caught(fail("broken"))
        assert crashes.report()
        crashes.stopped()


def test_crashes_in_a_row_are_counted_on_a_flash_that_is_full():
    with esp32.Installed(), Board() as board:
        board.flash.full = True
        for _ in range(3):
            assert not board.crash().safe
        crashes = board.start(HARD)
        assert crashes.safe
        # There is room again, and it has gone well for a minute.
        board.flash.full = False
        board.ticks.advance(60000)
        crashes.tick()
        assert not board.crash().safe
        assert not board.crash().safe


# What main.py calls


class Machine:
    """Modules `machine` and `firmware.start` with a program that ends as it is told to."""

    def __init__(self, ending, begin=None, device=None):
        self.ending = ending
        self.begin = begin
        self.device = device
        self.resets = 0
        self.waited_ms = []
        self.crashes = None
        self.main = self._main

    def __enter__(self):
        self._before = {name: sys.modules.get(name) for name in ("machine", "firmware.start")}
        for name in self._before:
            sys.modules[name] = self
        supervisor.sleep_ms, self._sleep_ms = self.waited_ms.append, supervisor.sleep_ms
        return self

    def __exit__(self, *_):
        supervisor.sleep_ms = self._sleep_ms
        for name, module in self._before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module

    def reset_cause(self):
        return POWER_ON

    def reset(self):
        self.resets += 1

    def _main(self, crashes):
        self.crashes = crashes
        if self.begin:
            self.begin()
        if self.ending:
            raise self.ending
        return self.device


class Device:
    """What start.main() makes: it runs till it ends, or fails with this error."""

    def __init__(self, error=None):
        self.error = error
        self.done = []

    async def run(self):
        self.done.append("run, with start " + ("gone", "here")["firmware.start" in sys.modules])
        if self.error:
            raise self.error

    def close(self):
        self.done.append("closed")

    def discard(self):
        self.done.append("discarded")


def test_the_device_that_was_made_is_run_without_what_has_made_it():
    device = Device()
    with Board() as board, Machine(None, device=device) as machine:
        supervisor.run()
        equal((machine.resets, device.done), (0, ["run, with start gone", "closed"]))
        equal(board.start(WATCHDOG).report(), None)


def test_a_device_that_fails_is_closed_and_let_go_of():
    device = Device(ValueError("broken"))
    with Board() as board, Machine(None, device=device) as machine:
        firmware.repl.device = device
        supervisor.run()
        equal((machine.resets, firmware.repl.device), (1, None))
        equal(device.done[1:], ["closed", "discarded"])
        assert "ValueError: broken" in board.start(HARD).report()


def test_a_program_that_fails_is_kept_and_the_board_restarts():
    for error in (ValueError("broken"), MemoryError("no heap"), ImportError("no module")):
        with Board() as board, Machine(error) as machine:
            supervisor.run()
            equal((machine.resets, machine.waited_ms), (1, [5000]))
            assert type(error).__name__ in board.start(HARD).report()


class Hardware:
    """machine.WDT: the limits that it was given."""

    def __init__(self):
        self.timeouts = []

    def __call__(self, timeout):
        self.timeouts.append(timeout)
        return self

    def feed(self):
        pass


def test_a_crash_leaves_the_watchdog_armed():
    hardware = Hardware()
    with Board(), Machine(ValueError("broken"), lambda: Watchdog(120, hardware)):
        supervisor.run()
    equal(hardware.timeouts, [120000])


def test_a_program_that_is_stopped_leaves_no_watchdog_behind():
    hardware = Hardware()
    for ending in (KeyboardInterrupt, SystemExit):
        with Board(), Machine(ending(), lambda: Watchdog(120, hardware)), raises(ending):
            supervisor.run()
    equal(hardware.timeouts, [120000, 86400000] * 2)


def test_ctrl_c_while_it_waits_for_the_restart_leaves_no_watchdog_behind():
    def interrupted(_):
        raise KeyboardInterrupt

    hardware = Hardware()
    with Board(), Machine(ValueError("broken"), lambda: Watchdog(120, hardware)) as machine:
        supervisor.sleep_ms = interrupted
        with raises(KeyboardInterrupt):
            supervisor.run()
    equal((machine.resets, hardware.timeouts), (0, [120000, 86400000]))


class Discarded:
    """In place of the device: whether it was to let go of its parts."""

    discarded = False

    def discard(self):
        self.discarded = True


def test_the_device_and_its_parts_are_let_go_of_before_the_crash_is_described():
    device = Discarded()
    found = []

    def described(error, secrets):
        found.append((firmware.repl.device, device.discarded))
        return "", ""

    def begin():
        firmware.repl.device = device

    before, trace.described = trace.described, described
    try:
        with Board(), Machine(ValueError("broken"), begin):
            supervisor.run()
    finally:
        trace.described = before
    equal(found, [(None, True)])


def test_a_crash_that_cannot_be_kept_restarts_the_board_all_the_same():
    def caught(self, error):
        raise MemoryError

    before, Crashes.caught = Crashes.caught, caught
    try:
        with Board(), Machine(ValueError("broken")) as machine:
            supervisor.run()
    finally:
        Crashes.caught = before
    equal(machine.resets, 1)


def test_a_program_that_is_stopped_is_no_crash():
    for ending in (KeyboardInterrupt, SystemExit):
        with Board() as board, Machine(ending()) as machine:
            with raises(ending):
                supervisor.run()
            equal(machine.resets, 0)
            equal(board.start(WATCHDOG).report(), None)


def test_a_program_that_ends_is_no_crash():
    with Board() as board, Machine(None) as machine:
        supervisor.run()
        equal(machine.resets, 0)
        equal(machine.crashes.safe, False)
        equal(board.start(WATCHDOG).report(), None)


def test_main_runs_the_program_under_the_net():
    with Board() as board, Machine(ValueError("broken")) as machine:
        sys.modules.pop("firmware.main", None)
        __import__("firmware.main")
        equal(machine.resets, 1)
        assert "ValueError: broken" in board.start(HARD).report()
