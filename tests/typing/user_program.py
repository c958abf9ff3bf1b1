"""What a user writes, all of the public interface: checked by pyright against the board's stubs.

Never run. Where an error is to be found the line says which: should it be found no longer, the
comment that ignores it is unnecessary, and that is an error, too.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportMissingModuleSource=false

import gc
import time
from array import array

import requests
from machine import Timer

import plexus
from plexus import BufferFull, Clock, Plexus, PlexusError

API_KEY = "plx_xxxxx"


def connect() -> Plexus:
    return Plexus(API_KEY, "esp32-001")


def connect_with_all_options(root: bytes, more_roots: list[bytes]) -> Plexus:
    clock = Clock(
        ("time.example.org",),
        123,
        timeout_ms=500,
        samples=2,
        interval_ms=900000,
        ticks=time.ticks_ms,
        set_rtc=False,
    )
    Plexus(API_KEY, "esp32-001", ring_bytes=bytearray(8192), ca=more_roots, ntp_hosts="10.0.0.1")
    return Plexus(
        API_KEY,
        "esp32-001",
        endpoint="https://gateway.local:8443/ingest",
        ring_bytes=8192,
        flush_interval_ms=5000,
        flush_fill_percent=50,
        batch_points=500,
        timeout_ms=8000,
        verify=True,
        ca=root,
        ntp_hosts=["10.0.0.1", "10.0.0.2"],
        ntp_port=1123,
        overflow="refuse",
        require_clock=False,
        keep_alive=True,
        report_interval_ms=60000,
        clock=clock,
        requests=requests,
        random=bytes,
    )


def sample(px: Plexus, readings: list[tuple[str, float]], spectrum: dict[str, list[float]]) -> None:
    px.send("heap.free", gc.mem_free())
    px.send("temperature", 21.5, timestamp=1700000000000, tags={"room": "lab"}, source_id="probe-2")
    px.send("door.open", True, 1700000000)
    px.send("door.open", False, time.time_ns() // 1000000)
    px.send("motor.state", "running")
    px.send("imu", {"x": 0.1, "y": None, "raw": [1, 2, 3]})
    px.send("spectrum", spectrum)
    px.send("wave", array("h", [1, -1]))
    px.send("pair", (1, 2.5))
    px.send_batch(readings)
    px.send_batch([("a", 1), ("b", "two"), ("c", [3])], tags={"room": "lab"})
    px.send_batch((name, len(name)) for name in ("a", "b"))


def deliver(px: Plexus) -> None:
    with px.session("motor-run-001", name="Motor test run"):
        try:
            px.send("motor.rpm", 600)
        except BufferFull as full:
            print(full)
        confirmed: int = px.tick()
    try:
        confirmed += px.flush()
    except PlexusError as error:
        code: int = error.status
        print(code, error)
    counts: tuple[int, int, int, int] = (px.pending, px.confirmed, px.dropped, px.rejected)
    words: str = px.status
    print(plexus.__version__, confirmed, counts, words, px.may_send)


async def record(px: Plexus) -> None:
    async with px.session("motor-run-002") as session:
        print(session.session_id, session.name)


def sample_from_a_timer(px: Plexus) -> Timer:
    def take(_timer: Timer) -> None:
        px.send("heap.free", gc.mem_free())

    return Timer(0, period=50, mode=Timer.PERIODIC, callback=take)


def what_time_is_it(px: Plexus) -> str:
    now_ms, error_ms = px.clock.now_ms(), px.clock.error_ms
    if now_ms is None or error_ms is None:
        return "unknown"
    return f"{now_ms} ms, give or take {error_ms}, by {px.clock.source or 'nobody'}"


def mistakes(px: Plexus) -> None:
    Plexus(12345, "esp32-001")  # pyright: ignore[reportArgumentType]
    Plexus(API_KEY)  # pyright: ignore[reportCallIssue]
    Plexus(API_KEY, "esp32-001", "https://x/api/ingest")  # pyright: ignore[reportCallIssue]
    Plexus(API_KEY, "esp32-001", ring_size=8192)  # pyright: ignore[reportCallIssue]
    Plexus(API_KEY, "esp32-001", ring_bytes="8k")  # pyright: ignore[reportArgumentType]
    Plexus(API_KEY, "esp32-001", overflow="drop")  # pyright: ignore[reportArgumentType]
    Plexus(API_KEY, "esp32-001", ntp_hosts=10)  # pyright: ignore[reportArgumentType]
    Plexus(API_KEY, "esp32-001", random=px.tick)  # pyright: ignore[reportArgumentType]
    Clock(timeout_ms="1 s")  # pyright: ignore[reportArgumentType]
    px.send(7, 21.5)  # pyright: ignore[reportArgumentType]
    px.send("temperature", None)  # pyright: ignore[reportArgumentType]
    px.send("temperature", b"21.5")  # pyright: ignore[reportArgumentType]
    px.send("temperature", 21.5, "now")  # pyright: ignore[reportArgumentType]
    px.send("temperature", 21.5, tags={"floor": 2})  # pyright: ignore[reportArgumentType]
    px.send("temperature", 21.5, tags="lab")  # pyright: ignore[reportArgumentType]
    px.send_batch({"temperature": 21.5})  # pyright: ignore[reportArgumentType]
    px.pending = 0  # pyright: ignore[reportAttributeAccessIssue]
    px.status()  # pyright: ignore[reportCallIssue]
    px.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
