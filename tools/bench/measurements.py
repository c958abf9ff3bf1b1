"""What is measured and what is promised of it: functions that yield rows below their docstring.

The naive way, in the same run: a list of dicts, json.dumps of all of it, one requests.post.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import build
from tools.bench.lab import DeviceFailed, Lab, largest, smallest
from tools.bench.sink import Sink
from tools.bench.table import Row, Unavailable
from tools.time_server import CHRONYD, HOST, TimeServer

HEAP = 100 * 1024
KINDS = {
    "1 decimal": "one decimal",
    "2 decimals": "two decimals",
    "single": "any single-precision float",
    "double": "any double-precision float",
}
_RING_B = 65536
_NAIVE = 1000
# From how many readings to how many instructions are counted; the usual one.
SPANS = {100: 200, 1000: 2000, 4000: 5000}
_SPAN = 1000
_FILES = 800


def ring(lab: Lab) -> Iterator[Row]:
    """A waiting reading: one metric, 1 s apart give or take 3 ms."""
    for kind, words in KINDS.items():
        ours = lab.run("density", "ours", kind, _RING_B)
        naive = lab.run("density", "naive", kind, _NAIVE)
        yield Row(
            words,
            "B/reading",
            ours["bytes"] / ours["readings"],
            naive["bytes"] / naive["readings"],
            limit=None if kind == "double" else 8,
        )
    ours = lab.run("density", "ours_explicit", "single", _RING_B)
    words = "single-precision float, the program's own timestamp"
    yield Row(words, "B/reading", ours["bytes"] / ours["readings"])


def capacity(lab: Lab) -> Iterator[Row]:
    """Held and sent within a 100 kB heap, from .mpy, to the mock server."""
    for kind in ("1 decimal", "single"):
        rings: dict[int, int] = {}
        size = largest(
            16384, HEAP, 256, lambda size, k=kind, r=rings: _sends(lab, "ours", k, size, r)
        )
        counts: dict[int, int] = {}
        count = largest(
            16, 4096, 8, lambda count, k=kind, c=counts: _sends(lab, "naive", k, count, c)
        )
        yield Row(
            KINDS[kind],
            "readings",
            rings.get(size, 0),
            counts.get(count, 0),
            limit=10000,
            higher=True,
        )


def _sends(lab: Lab, way: str, kind: str, size: int, sent: dict[int, int]) -> bool:
    # Whether so much fits, and every reading was confirmed and is on the server.
    lab.server.reset()
    try:
        result = lab.run("capacity", way, lab.endpoint, kind, size, heap=str(HEAP))
    except DeviceFailed:
        return False
    stored = lab.server.counts()["distinct"]
    sent[size] = stored
    return result["left"] == 0 and result["held"] == result["confirmed"] == stored


def flush_heap(lab: Lab) -> Iterator[Row]:
    """Heap of a flush in one request (naive: of json.dumps and requests.post)."""
    for count in (10, 100, 1000, 10000):
        ours = lab.run("flush_heap", "ours", lab.endpoint, count, 10000)
        naive = lab.run("flush_heap", "naive", lab.endpoint, count, 10000)
        _check(lab, count, ours, naive)
        what = f"{count:,} readings: allocated in all"
        yield Row(what, "B", ours["allocated"], naive["allocated"])
        need = lab.run("flush_heap", "ours_need", lab.endpoint, count, 10000, heap="600k")["need"]
        yield Row(f"{count:,} readings: least free heap that is enough", "B", need, limit=2048)
        lab.server.reset()


def _check(lab: Lab, count: int, *results: dict[str, int]) -> None:
    for result in results:
        if result["confirmed"] != count:
            raise DeviceFailed(f"{result['confirmed']} of {count} readings were confirmed")


def instructions(lab: Lab) -> Iterator[Row]:
    """Instructions a reading (callgrind): what each further one costs, between two counts."""
    unit = "instructions"
    for count in SPANS:
        costs = _costs(lab, "send", "no_send", count, "1 decimal")
        yield Row(f"send(), {_span(count)}", unit, *costs, limit=5000)
    for words, function in (
        ("send() while a stream is on, and its frame", "live_frame"),
        ("send() while a stream's connection is stuck", "live_send"),
    ):
        yield Row(words, unit, _cost(lab, "ours", function, "no_send", _SPAN, "1 decimal"))
    costs = _costs(lab, "send", "no_send", _SPAN, "single")
    yield Row(f"send(), {_span(_SPAN)}, {KINDS['single']}", unit, *costs, limit=5000)
    with Sink() as sink:
        for count in SPANS:
            costs = _costs(lab, "flush", "fill", count, "1 decimal", sink.endpoint)
            yield Row(f"flush, {_span(count)}", unit, *costs, limit=5000)
        costs = _costs(lab, "flush", "fill", _SPAN, "single", sink.endpoint)
        yield Row(f"flush, {_span(_SPAN)}, {KINDS['single']}", unit, *costs, limit=5000)
        costs = _costs(lab, "render", "fill", _SPAN, "1 decimal")
        yield Row(f"flush without sockets, {_span(_SPAN)}", unit, *costs)
        few = 100
        # Not for the naive way, whose cost a reading is no constant.
        fixed = (
            lab.instructions("ours_flush", few, "1 decimal", sink.endpoint)
            - lab.instructions("ours_fill", few, "1 decimal")
            - few * _cost(lab, "ours", "flush", "fill", few, "1 decimal", sink.endpoint)
        )
        yield Row("a flush itself, whatever it carries", unit, fixed)


def _span(count: int) -> str:
    return f"from {count:,} to {SPANS[count]:,}"


def _costs(lab: Lab, *arguments: Any) -> tuple[float, float]:
    return _cost(lab, "ours", *arguments), _cost(lab, "naive", *arguments)


def _cost(
    lab: Lab, way: str, function: str, base: str, count: int, kind: str, *arguments: str
) -> float:
    # The program's start cancels out between the two counts; what it does beside the function
    # is linear, and `base` does just that.
    return _slope(lab, f"{way}_{function}", count, kind, *arguments) - _slope(
        lab, f"{way}_{base}", _SPAN, kind
    )


def _slope(lab: Lab, function: str, count: int, *arguments: str) -> float:
    last = SPANS[count]
    more = lab.instructions(function, last, *arguments)
    return (more - lab.instructions(function, count, *arguments)) / (last - count)


def wire(lab: Lab) -> Iterator[Row]:
    """On the wire to the server, headers included (1,000 readings in one request)."""
    with Sink() as sink:
        for kind in ("1 decimal", "single"):
            sizes = {}
            for way in ("ours", "naive"):
                before = sink.received
                lab.run("counted", f"{way}_flush", 1000, kind, sink.endpoint)
                sizes[way] = (sink.received - before) / 1000
            yield Row(KINDS[kind], "B/reading", sizes["ours"], sizes["naive"])


def footprint(lab: Lab) -> Iterator[Row]:
    """Importing it (naive: json and requests, which are frozen in the firmware)."""
    naive = lab.run("footprint", "naive")
    naive_heap = _smallest_heap(lab, "naive")
    for form, library in ((".mpy", lab.library), (".py", build.LIBRARY)):
        ours = lab.run("footprint", "ours", library=library)
        limit = 25 * 1024 if form == ".mpy" else None
        what = f"heap that `from plexus import Plexus` keeps, {form}"
        yield Row(what, "B", ours["imported"], naive["imported"], limit=limit)
        what = f"with a client made, its ring of 256 B included, {form}"
        yield Row(what, "B", ours["made"])
        what = f"smallest heap to import and make a client in, {form}"
        yield Row(what, "B", _smallest_heap(lab, "ours", library), naive_heap)
    ours = lab.run("footprint", "ours_https")
    yield Row("with a client for https made, .mpy", "B", ours["made"])


def _smallest_heap(lab: Lab, way: str, library: Path | None = None) -> int:
    def works(heap: int) -> bool:
        try:
            lab.run("footprint", way, heap=str(heap), library=library)
        except DeviceFailed:
            return False
        return True

    return smallest(2048, 256 * 1024, 1024, works)


def files(lab: Lab) -> Iterator[Row]:
    """Compiled files for the ESP32 (xtensawin)."""
    made = build.compile_tree(build.LIBRARY, lab.path / "xtensawin", "xtensawin")
    for path in made:
        yield Row(path.relative_to(lab.path / "xtensawin").as_posix(), "B", path.stat().st_size)
    yield Row("all of them", "B", sum(path.stat().st_size for path in made))


def clock(lab: Lab) -> Iterator[Row]:
    """Clock error on loopback against chrony, 50 syncs (naive: ntptime's whole seconds)."""
    if CHRONYD is None:
        raise Unavailable("chronyd is not installed: apt-get install chrony")
    errors_ms = {}
    with TimeServer(chrony=True) as server:
        for way in ("ours", "naive"):
            errors = lab.run("clock_error", way, HOST, server.port, 50)
            errors_ms[way] = [abs(error_us) / 1000 for error_us in errors]
    for words, function, limit in (("median", statistics.median, 5), ("largest", max, None)):
        yield Row(words, "ms", function(errors_ms["ours"]), function(errors_ms["naive"]), limit)


def lateness(lab: Lab) -> Iterator[Row]:
    """Sampling at 100 Hz, flushing to a server that answers after 3 s (naive: in one loop)."""
    results = {}
    for way in ("thread", "loop"):
        lab.server.reset()
        lab.server.script({"delay_ms": 3000, "times": -1})
        results[way] = lab.run("lateness", way, lab.endpoint, 12)
    lab.server.reset()
    for words, part in (("median", 0.5), ("99 of 100 are sooner", 0.99), ("the latest", 1.0)):
        ours, naive = (quantile(results[way]["late_ms"], part) for way in ("thread", "loop"))
        yield Row(f"lateness of a sample, {words}", "ms", ours, naive)
    taken, naive_taken = (len(results[way]["late_ms"]) for way in ("thread", "loop"))
    yield Row(f"samples taken of {results['thread']['due']}", "", taken, naive_taken, higher=True)


def lateness_with_agent(lab: Lab) -> Iterator[Row]:
    """The same with the agent connected, which streams every sample"""
    lab.server.reset()
    lab.server.script({"delay_ms": 3000, "times": -1, "path": "/api"})
    result = lab.run("lateness", "agent", lab.endpoint, 12, lab.server.ws_url)
    lab.server.reset()
    late_ms = result["late_ms"]
    for words, part in (("median", 0.5), ("99 of 100 are sooner", 0.99), ("the latest", 1.0)):
        yield Row(f"lateness of a sample, {words}", "ms", quantile(late_ms, part))
    yield Row(f"samples taken of {result['due']}", "", len(late_ms), higher=True)
    yield Row("of them shown live", "", result["shown"], higher=True)


def agent(lab: Lab) -> Iterator[Row]:
    """The agent beside a client and a sampler, .mpy, and its frames on loopback."""
    result = lab.run("agent", "heap", lab.endpoint, lab.server.ws_url)
    yield Row("heap that importing it keeps", "B", result["imported"])
    yield Row("with the agent made, its ring of 4,096 B included", "B", result["made"])
    yield Row("connected", "B", result["connected"])
    yield Row("connected, and a stream on", "B", result["streaming"])
    result = lab.run("agent", "frames", lab.endpoint, lab.server.ws_url)
    rate = 1000 * result["frames"] / result["took_ms"]
    yield Row("frames a second, of 20 readings", "", rate, higher=True)


def store(lab: Lab) -> Iterator[Row]:
    """A store in an outage: readings of one decimal each second, under LittleFS of 2 MB."""
    for ring in (2048, 4096, 16384):
        result = lab.run("store", "erases", ring, _FILES)
        limit = 0.6 if ring >= 4096 else None
        erases = result["erases"] / result["bytes"] * 1024
        yield Row(f"a ring of {ring:,} B runs full", "erases/kB", erases, limit=limit)
    yield Row("longest stall, one call of the file system", "erases", result["call"], limit=2)
    writes = result["writes"]
    yield Row("longest write of a file, three calls", "erases", len(writes) - 1)
    one = 100 * sum(writes[:2]) / sum(writes)
    yield Row("files that take one erase", "%", one, higher=True)
    for interval_s in (10, 60, 600):
        result = lab.run("store", "lost", interval_s)
        words = f"lost at a cut, persist_interval_s={interval_s}"
        yield Row(words + ", median", "readings", result["median"])
        yield Row(words + ", worst", "readings", result["worst"], limit=interval_s + 1)


def quantile(sorted_values: list[float], part: float) -> float:
    return sorted_values[min(int(part * len(sorted_values)), len(sorted_values) - 1)]


MEASUREMENTS = (
    ring,
    capacity,
    flush_heap,
    instructions,
    wire,
    footprint,
    files,
    clock,
    lateness,
    lateness_with_agent,
    agent,
    store,
)
