"""`make bench`: its measurements on tiny sizes, and its table."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tools.bench import lab as bench_lab
from tools.bench.lab import DeviceFailed, Lab, largest, smallest
from tools.bench.measurements import MEASUREMENTS
from tools.bench.sink import Sink
from tools.bench.table import Row, Section, Unavailable, as_json, as_text, collect, number
from tools.build import LIBRARY, REPOSITORY
from tools.time_server import HOST, TimeServer


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as made:
        yield made


# --- the device programs ----------------------------------------------------------------------


def test_ring_is_denser_than_a_list_of_dicts(lab: Lab) -> None:
    ours = lab.run("density", "ours", "1 decimal", 1024)
    naive = lab.run("density", "naive", "1 decimal", 50)
    assert ours["bytes"] == 1024
    assert ours["bytes"] / ours["readings"] < naive["bytes"] / naive["readings"]


def test_finer_values_take_more_of_the_ring(lab: Lab) -> None:
    kinds = ("1 decimal", "single", "double")
    readings = [lab.run("density", "ours", kind, 4096)["readings"] for kind in kinds]
    assert readings == sorted(readings, reverse=True)
    assert len(set(readings)) == 3


@pytest.mark.parametrize(("way", "size"), [("ours", 1024), ("naive", 20)])
def test_capacity_is_what_the_server_counted(lab: Lab, way: str, size: int) -> None:
    lab.server.reset()
    result = lab.run("capacity", way, lab.endpoint, "1 decimal", size)
    stored = lab.server.counts()["distinct"]
    assert result == {"held": stored, "confirmed": stored, "left": 0}
    assert stored >= 20


def test_ring_that_does_not_fit_the_heap_fails(lab: Lab) -> None:
    with pytest.raises(DeviceFailed, match="MemoryError"):
        lab.run("capacity", "ours", lab.endpoint, "1 decimal", 300_000, heap="200k")


def test_heap_of_a_flush_is_counted(lab: Lab) -> None:
    ours = lab.run("flush_heap", "ours", lab.endpoint, 20, 10000)
    few = lab.run("flush_heap", "naive", lab.endpoint, 20, 10000)
    many = lab.run("flush_heap", "naive", lab.endpoint, 200, 10000)
    assert ours["confirmed"] == few["confirmed"] == 20
    assert 0 < ours["stays"] < ours["allocated"]
    assert many["allocated"] > few["allocated"] + 180 * 50


def test_least_free_heap_of_a_flush_is_found(lab: Lab) -> None:
    need = lab.run("flush_heap", "ours_need", lab.endpoint, 20, 10000, heap="600k")["need"]
    assert 64 < need < 64 * 256, "neither bound of the search"


def test_footprint_of_compiled_files_is_counted(lab: Lab) -> None:
    ours = lab.run("footprint", "ours")
    naive = lab.run("footprint", "naive")
    assert ours["made"] > ours["imported"] > naive["imported"] > 0
    assert lab.run("footprint", "ours", library=LIBRARY)["imported"] > 0


@pytest.mark.parametrize(("way", "most_us"), [("ours", 10_000_000), ("naive", 60_000_000)])
def test_clock_error_is_measured(lab: Lab, way: str, most_us: int) -> None:
    with TimeServer(chrony=False) as server:
        errors_us = lab.run("clock_error", way, HOST, server.port, 2)
    assert len(errors_us) == 2
    assert all(abs(error_us) < most_us for error_us in errors_us)


def test_heap_of_the_agent_is_counted_until_it_streams(lab: Lab) -> None:
    heap = lab.run("agent", "heap", lab.endpoint, lab.server.ws_url)
    assert 0 < heap["imported"] < heap["made"] < heap["connected"] < heap["streaming"]


def test_every_frame_of_the_agent_reaches_the_server(lab: Lab) -> None:
    lab.server.reset()
    result = lab.run("agent", "frames", lab.endpoint, lab.server.ws_url)
    device = lab.server.device("bench-1")
    assert (device["frames"], device["points"]) == (result["frames"], result["readings"])
    assert result["took_ms"] > 0


def test_lateness_with_the_agent_is_that_of_samples_which_are_shown(lab: Lab) -> None:
    result = lab.run("lateness", "agent", lab.endpoint, 1, lab.server.ws_url)
    assert 0 < result["shown"] <= len(result["late_ms"]) <= result["due"] + 1
    assert result["late_ms"] == sorted(result["late_ms"])


def test_program_that_fails_is_named_with_its_error(lab: Lab) -> None:
    with pytest.raises(DeviceFailed, match="density nothing: KeyError: nothing"):
        lab.run("density", "nothing")


# --- instructions -----------------------------------------------------------------------------


def instructions(lab: Lab, *arguments: object) -> int:
    try:
        return lab.instructions(*arguments)  # type: ignore[arg-type]
    except Unavailable as reason:
        pytest.skip(str(reason))


def test_more_readings_take_more_instructions(lab: Lab) -> None:
    few = instructions(lab, "naive_fill", 10, "1 decimal")
    assert instructions(lab, "naive_fill", 100, "1 decimal") - few > 100 * 90


def test_flush_costs_more_than_filling_the_ring(lab: Lab) -> None:
    with Sink() as sink:
        flush = instructions(lab, "ours_flush", 10, "1 decimal", sink.endpoint)
    assert flush > instructions(lab, "ours_fill", 10, "1 decimal")


def test_flush_without_sockets_renders_its_readings(lab: Lab) -> None:
    few = instructions(lab, "ours_render", 10, "1 decimal")
    filled = instructions(lab, "ours_fill", 20, "1 decimal")
    filled -= instructions(lab, "ours_fill", 10, "1 decimal")
    assert instructions(lab, "ours_render", 20, "1 decimal") - few > filled


def test_instructions_are_not_counted_twice(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first = instructions(lab, "naive_fill", 10, "1 decimal")
    monkeypatch.setattr(lab, "_count", lambda *_: pytest.fail("counted again"))
    assert lab.instructions("naive_fill", 10, "1 decimal") == first


def test_without_valgrind_it_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_lab.shutil, "which", lambda name: None)
    (section,) = collect(lab, [m for m in MEASUREMENTS if m.__name__ == "instructions"])
    assert section.skipped == "valgrind is not installed: apt-get install valgrind"
    assert section.skipped in as_text("", [section])


# --- the sink ---------------------------------------------------------------------------------


def test_sink_counts_headers_and_body_and_confirms_the_readings() -> None:
    body = b'{"points":[{"metric":"a","value":1},{"metric": "b","value":2}]}'
    request = b"POST /api/ingest HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with Sink() as sink:
        host, port = sink.endpoint.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request)
            answer = connection.makefile("rb").read()
        assert sink.received == len(request)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"success": True, "count": 2}


# --- searching --------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [0, 1, 7, 8, 50, 99, 100, 1000])
def test_largest_that_works_is_found(bound: int) -> None:
    asked: list[int] = []

    def works(size: int) -> bool:
        asked.append(size)
        return size <= bound

    expected = max((size for size in range(1, 100, 7) if size <= bound), default=0)
    assert largest(1, 100, 7, works) == expected
    assert max(asked) < 100


@pytest.mark.parametrize("bound", [0, 2, 3, 50, 100])
def test_smallest_that_works_is_found(bound: int) -> None:
    assert smallest(2, 100, 1, lambda size: size >= bound) == max(bound, 3)


def test_smallest_is_zero_if_nothing_works() -> None:
    assert smallest(2, 100, 1, lambda size: False) == 0


# --- the table --------------------------------------------------------------------------------


def test_promise_is_kept_or_missed_by_so_much() -> None:
    assert Row("", "B", 8, limit=8).verdict == "ok"
    assert Row("", "B", 10, limit=8).verdict == "missed by 2 B (25 %)"
    assert Row("", "readings", 10000, limit=10000, higher=True).verdict == "ok"
    assert Row("", "readings", 9000, limit=10000, higher=True).verdict == (
        "missed by 1,000 readings (10 %)"
    )
    assert Row("", "B", 8).verdict == Row("", "B", None, limit=8).verdict == ""


def test_ratio_says_how_many_times_better_ours_is() -> None:
    assert Row("", "B", 4, 136).ratio == 34
    assert Row("", "readings", 9000, 450, higher=True).ratio == 20
    assert Row("", "B", 4).ratio is None


def test_numbers_are_readable() -> None:
    given = (None, 3.9, 34.21, 1234.5, 10000, 0.273)
    assert [number(n) for n in given] == ["-", "3.90", "34.2", "1,234", "10,000", "0.27"]


def test_table_has_a_line_for_each_row() -> None:
    rows = [Row("one decimal", "B/reading", 3.9, 136, limit=8), Row("other", "B", 10000)]
    text = as_text("MicroPython 1", [Section("A waiting reading", rows)])
    assert "MicroPython 1" in text
    assert "A waiting reading" in text
    line = next(line for line in text.splitlines() if "one decimal" in line)
    assert line.split() == [
        "one",
        "decimal",
        "B/reading",
        "3.90",
        "136",
        "34.9",
        "x",
        "<=",
        "8",
        "ok",
    ]


def test_measurement_that_fails_keeps_its_rows_and_says_why() -> None:
    def broken(_lab: object) -> Iterator[Row]:
        """Something"""
        yield Row("first", "B", 1)
        raise DeviceFailed("no heap")

    (section,) = collect(None, [broken])
    assert [row.what for row in section.rows] == ["first"]
    assert section.failure == "no heap"
    assert "failed: no heap" in as_text("", [section])


def test_json_has_what_the_table_has() -> None:
    section = Section("A waiting reading", [Row("one", "B", 10, 136, limit=8)])
    document = json.loads(as_json("MicroPython 1", [section]))
    assert document["machine"] == "MicroPython 1"
    (row,) = document["sections"][0]["rows"]
    assert (row["ours"], row["naive"], row["ratio"]) == (10, 136, 13.6)
    assert row["verdict"] == "missed by 2 B (25 %)"


def test_command_prints_the_measurements_asked_for() -> None:
    command = [sys.executable, "-m", "tools", "bench", "--json", "--only", "files"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (section,) = json.loads(result.stdout)["sections"]
    sizes = {row["what"]: row["ours"] for row in section["rows"]}
    assert sizes.pop("all of them") == sum(sizes.values())
    assert "plexus/client.mpy" in sizes


def test_every_measurement_has_a_title() -> None:
    assert len({m.__doc__ for m in MEASUREMENTS}) == len(MEASUREMENTS)
    assert all(m.__doc__ for m in MEASUREMENTS)
