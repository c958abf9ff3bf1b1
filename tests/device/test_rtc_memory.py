"""What a battery node leaves in the RTC's memory for its next wake, and what it finds there."""

from models import machine
from support import equal

with machine.Installed():
    from firmware import rtc_memory

FIELDS = "wakes failed damaged count lost saved_ms synced_ms line rate_ppm".split()


def saved(segment=b"readings", count=2, cause=machine.DEEPSLEEP_RESET, **fields):
    """What the wake after one that saves this finds."""
    kept = rtc_memory.RtcMemory()
    for name in fields:
        setattr(kept, name, fields[name])
    assert kept.save(segment, count)
    machine.state["cause"] = cause
    return rtc_memory.load({"send_every": 3}, False)


def fields_of(kept):
    return {name: getattr(kept, name) for name in FIELDS}


def test_the_next_wake_finds_what_was_saved():
    with machine.Installed():
        wanted = {
            "wakes": 999,
            "failed": True,
            "damaged": True,
            "count": 65535,
            "lost": 4000000000,
            "saved_ms": 1790000000123,
            "synced_ms": 1789999999999,
            "line": 4000000001,
            "rate_ppm": -9999,
        }
        kept = saved(**wanted)
        equal(fields_of(kept), wanted)
        equal(bytes(kept.segment), b"readings")


def test_header_and_readings_take_what_stock_firmware_has_and_no_more():
    with machine.Installed():
        equal(len(saved(b"x" * rtc_memory.ROOM).segment), rtc_memory.ROOM)
        equal(len(machine.RTC().memory()), 2048)


def test_after_power_on_there_is_nothing_and_that_is_no_damage():
    with machine.Installed():
        kept = rtc_memory.RtcMemory()
        equal((bytes(kept.segment), kept.damaged, kept.wakes), (b"", False, 0))


def test_each_damaged_byte_of_the_header_is_found_and_nothing_of_it_believed():
    with machine.Installed():
        saved(wakes=3, lost=1)
        raw = machine.RTC().memory()
        fresh = dict.fromkeys(FIELDS, 0)
        fresh.update(failed=False, damaged=True)
        for at in range(len(raw) - len(b"readings")):
            broken = bytearray(raw)
            broken[at] ^= 4
            machine.RTC().memory(broken)
            kept = rtc_memory.RtcMemory()
            equal((fields_of(kept), kept.segment), (fresh, b""))


def test_what_another_version_or_program_has_left_is_passed_over():
    with machine.Installed():
        for raw in (b"plx1\x07\x00", b"x", b"\x00" * 2048):
            machine.RTC().memory(raw)
            kept = rtc_memory.RtcMemory()
            equal((kept.damaged, kept.segment, kept.wakes), (True, b"", 0))


def test_each_nth_wake_is_one_that_sends():
    with machine.Installed():
        due = []
        for wakes in range(1, 6):
            due.append(saved(wakes=wakes).due)
        equal(due, [False, False, True, True, True])


def test_any_start_but_a_wake_is_one_that_sends_and_keeps_what_there_is():
    causes = (machine.PWRON_RESET, machine.HARD_RESET, machine.WDT_RESET, machine.SOFT_RESET)
    with machine.Installed():
        for cause in causes:
            kept = saved(wakes=1, cause=cause)
            equal((kept.due, bytes(kept.segment)), (True, b"readings"))


def test_in_safe_mode_each_wake_is_one_that_sends():
    with machine.Installed():
        assert not saved(wakes=1).due
        assert rtc_memory.load({"send_every": 3}, True).due


def test_memory_that_is_too_small_is_told():
    with machine.Installed():
        machine.rtc["size"] = 60
        kept = rtc_memory.RtcMemory()
        equal((kept.save(b"", 0), kept.save(b"x" * 100, 5)), (True, False))
