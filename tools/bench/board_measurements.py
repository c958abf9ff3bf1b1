"""What is measured on a board itself: functions that yield rows below their docstring."""

import itertools
from collections.abc import Iterator

from tools.bench.board_files import modules
from tools.bench.board_lab import BoardLab, ProgramFailed, Said
from tools.bench.lab import DeviceFailed, largest
from tools.bench.measurements import quantile
from tools.bench.table import Row, Unavailable

_READINGS = 200  # of a flush; of board_times.py as well
_RING_STEP = 1024
_RING_MOST = 131072
_LATENESS_S = 10


def imports(lab: BoardLab) -> Iterator[Row]:
    """Heap that each import keeps, with what it brings that was not there"""
    failure = None
    try:
        said = lab.run("board_imports.main", modules())
    except ProgramFailed as error:
        failure, said = error, error.said
    for before, after in itertools.pairwise(said):
        name = after[0].replace(":", ".")
        yield Row(name, "B", after[1] - before[1])
        if name == "plexus.Plexus":
            what = "`from plexus import Plexus` in all"
            yield Row(what, "B", after[1] - said[0][1])
            if len(after) > 2:
                yield Row("  its machine code beside that", "B", said[0][5] - after[5])
                yield Row("  of it from the heap of data", "B", said[0][2] - after[2])
    if len(said) > 1:
        yield Row("all of them", "B", said[-1][1] - said[0][1])
    if failure:
        missing = modules()[max(len(said) - 1, 0)]
        yield Row(missing.replace(":", "."), "B", None, failure=str(failure))


def parts(lab: BoardLab) -> Iterator[Row]:
    """Heap that a program's parts take, each in a program of its own"""
    yield from _steps(lab, "client", {"made": "a client at its defaults, its ring included"})
    yield from _steps(
        lab,
        "device",
        {
            "client": "the firmware: a client with its ring of 4,096 B",
            "sensors": "four sensors",
            "made": "the device with all that looks after them",
            "read": "the sensors read",
        },
    )
    yield from _steps(
        lab, "agent", {"imported": "an agent beside a client: imported", "made": "made"}
    )


def _steps(lab: BoardLab, program: str, steps: dict[str, str]) -> Iterator[Row]:
    failure = ""
    try:
        said = lab.run(f"board_parts.{program}")
    except ProgramFailed as error:
        failure, said = str(error), error.said
    used = {step[0]: step[1:] for step in said if step[0] != "sensor"}
    last = used.pop("", None)
    if last is None and "imported" not in steps:
        last = used.pop("imported", None)
    base = last
    for name, words in steps.items():
        if name not in used or last is None or base is None:
            yield Row(words, "B", None, failure=failure or "the program did not say")
            return
        yield Row(words, "B", used[name][0] - last[0])
        if len(used[name]) > 1:
            taken = last[1] - used[name][1]
            yield Row("  and of the system's heap", "B", taken)
        last = used[name]
    if len(steps) > 1 and last is not None and base is not None:
        yield Row("  in all", "B", last[0] - base[0])
    for _, name, status in (step for step in said if step[0] == "sensor"):
        if status != "ok":
            yield Row(f"  its {name} was not read", "", None, failure=status)


def system_heap(lab: BoardLab) -> Iterator[Row]:
    """The system's heap from the start to an https connection that is kept"""
    if not lab.has_esp32:
        raise Unavailable("this board has no module esp32 that would tell")
    try:
        lab.go_online()
    except Unavailable as reason:
        said = lab.run("board_stages.boot")
        yield from _stages(said)
        raise Unavailable(f"the rest: {reason}") from None
    failure = None
    try:
        said = lab.run("board_stages.stages", online=True)
    except ProgramFailed as error:
        failure, said = error, error.said
    yield from _stages(said)
    if failure:
        raise failure


def _stages(said: Said) -> Iterator[Row]:
    stages = {stage[0]: stage[1:] for stage in said}
    for name, (used, free, piece, _, code) in stages.items():
        yield Row(f"{name}: free", "B", free)
        yield Row("  largest piece", "B", piece)
        yield Row("  free where machine code may be", "B", code)
        yield Row("  Python's heap in use", "B", used)
    if "joined" in stages and "imported" in stages:
        before, after = stages["joined"], stages["imported"]
        yield Row("`from plexus import Plexus`: machine code", "B", before[4] - after[4])
        yield Row("  of it from the heap of data", "B", before[1] - after[1])
    for name in ("before the handshake", "connected"):
        if name in stages:
            words = "the handshake and the flush" if name == "connected" else "then"
            yield Row(f"least that was ever free up to {words}", "B", stages[name][3])


def times(lab: BoardLab) -> Iterator[Row]:
    """Times: send(), and a flush over https, with the shipped roots and a ring of 4,096 B"""
    ((_, send_us),) = lab.run("board_times.send")
    yield Row("send()", "us", send_us)
    kept = _flushes(lab.run("board_times.flush", True, online=True))
    one_us = quantile(kept[1][1:], 0.5)
    many_us = quantile(kept[_READINGS], 0.5)
    yield Row("a flush of one reading, connection kept", "ms", one_us / 1000)
    yield Row(f"a flush of {_READINGS} readings, a reading", "us", many_us / _READINGS)
    fresh = _flushes(lab.run("board_times.flush", False, online=True))
    handshake_us = quantile(fresh[1][1:], 0.5) - one_us
    yield Row("connecting and a handshake", "ms", handshake_us / 1000)


def _flushes(said: Said) -> dict[int, list[float]]:
    """us of each flush by how many readings it had; the first had to connect."""
    found: dict[int, list[float]] = {}
    for _, count, took_us in said:
        found.setdefault(count, []).append(took_us)
    return {
        count: [took[0], *sorted(took[1:])] if count == 1 else sorted(took)
        for count, took in found.items()
    }


def ring(lab: BoardLab) -> Iterator[Row]:
    """The largest ring with which a flush over https works, with the shipped roots"""
    lab.go_online()
    reasons: dict[int, str] = {}

    def works(size: int) -> bool:
        lab.server.reset()
        try:
            lab.run("board_ring.main", size, _READINGS, online=True)
        except ProgramFailed as error:
            reasons[size] = str(error)
            return False
        stored = lab.server.counts()["distinct"]
        if stored < _READINGS:
            reasons[size] = f"{stored} of {_READINGS} readings are on the server"
        return stored >= _READINGS

    size = largest(_RING_STEP, _RING_MOST + 1, _RING_STEP, works)
    if size:
        yield Row(f"a flush of {_READINGS} readings is confirmed", "B", size, higher=True)
    above = min(reasons, default=None)
    if above is not None:
        yield Row(f"with {above:,} B", "", None, failure=reasons[above])


def lateness(lab: BoardLab) -> Iterator[Row]:
    """Sampling at 100 Hz for 10 s while the firmware's uploader flushes over https each second"""
    said = lab.run("board_lateness.main", _LATENESS_S, online=True)
    late_ms = sorted(ms for name, *more in said if name == "late" for ms in more)
    about = {name: more for name, *more in said if name != "late"}
    for words, part in (("median", 0.5), ("99 of 100 are sooner", 0.99), ("the latest", 1.0)):
        if late_ms:
            yield Row(f"lateness of a sample, {words}", "ms", quantile(late_ms, part))
    yield Row(f"samples taken of {about['due'][0]:,}", "", len(late_ms), higher=True)
    confirmed, status = about["confirmed"]
    yield Row("of them confirmed meanwhile", "", confirmed, higher=True)
    if not confirmed:
        raise DeviceFailed(f"nothing was confirmed: {status}")


MEASUREMENTS = (imports, parts, system_heap, times, ring, lateness)
