"""What is wrong with a board, in words with a remedy each, from what was found on it."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LEAST_CLEAN_HEAP = 50_000  # bytes, before anything runs; WiFi and TLS take that of an ESP32
LEAST_HEAP = 8192  # bytes, when all runs; the firmware itself reports less
GONE = (404, 405, 410)  # HTTP: there is no ingest at this address
LEAST_SPACE = 16384  # bytes of the file system; the configuration is there twice for a while
_RESET_BY_WATCHDOG = 3
_DEPLOY = "python -m tools deploy"
_PROVISION = "python -m tools provision --replace"
_LESS = "make ring_bytes smaller, or give it fewer sensors"


@dataclass(frozen=True)
class Finding:
    """One thing. what: a word for scripts; wrong: False if it is only worth knowing."""

    what: str
    problem: str
    remedy: str
    wrong: bool = True


@dataclass
class Static:
    """What lies on a board, whether or not it runs."""

    mcu: str | None = None  # as the board's profiles call it
    is_esp32: bool = True
    reset_cause: int = 0  # of the start before we came
    heap_free: int = 0  # bytes, of a clean start
    space_free: int = 0  # bytes of the file system
    program: str = "ok"  # or "none", "library", "partly", "changed", "hidden"
    files: list[str] = field(default_factory=list)  # those that are missing or changed
    version: str | None = None  # of plexus there
    our_version: str = ""
    board: tuple[str, str] | None = None  # its profile's name and chip
    config: str = "ok"  # or "none", "refused"
    config_words: str = ""  # why it was refused
    sleeps: bool = False
    https: bool = True
    crash: dict[str, Any] = field(default_factory=dict)  # crash.json
    address: str = ""  # that takes the key in place of the configuration's, which is gone


@dataclass
class Live:
    """What the running device says of itself. None: it was not to be had."""

    ran_ms: int = 0
    network: tuple[str, str, str | None] | None = None  # state, status, problem
    server: str = ""  # status in words, if there was memory for them
    host: str = "the server"
    problem: tuple[Any, ...] | None = None  # as plexus.delivery.problem describes it
    rejection: tuple[str | None, str] | None = None  # metric, and what the server said of it
    counts: tuple[int, int, int, int] | None = None  # confirmed, pending, dropped, rejected
    clock: tuple[bool, str | None, str] | None = None  # known, from whom, what is in the way
    sensors: dict[str, str] = field(default_factory=dict)
    buses: list[str] = field(default_factory=list)  # that could not be opened
    unknown: list[int] = field(default_factory=list)  # I2C addresses that answer and are nobody's
    heap_free: int | None = None
    cause: str | None = None
    safe: bool = False
    late: list[str] = field(default_factory=list)


def diagnose(
    static: Static, live: Live | None, said: list[str], waited_s: float
) -> Iterator[Finding]:
    """All findings, the root of other troubles first. said: the console's last lines."""
    yield from _board(static)
    ready = static.program in ("ok", "changed") and static.config == "ok"
    yield from _crash(static, live)
    if not ready:
        return
    if live is None:
        if static.sleeps:
            yield Finding(
                "sleep",
                "the device sleeps between its readings, so how it does was not looked at",
                "watch it with python -m tools monitor while it is awake",
                wrong=False,
            )
        else:
            last = "".join(f"\n  | {line}" for line in said[-8:])
            yield Finding(
                "program",
                f"the firmware does not start; the board's last output:{last or ' none'}",
                f"if that says nothing to you: {_DEPLOY}",
            )
        return
    yield from _running(static, live, waited_s)


def _board(static: Static) -> Iterator[Finding]:
    if not static.is_esp32:
        yield Finding("chip", "this is no ESP32", "connect one; plexus's firmware is for those")
    if static.program == "none":
        yield Finding("program", "plexus is not on this board", f"{_DEPLOY} --board NAME")
    elif static.program == "library":
        yield Finding(
            "program",
            "only the module plexus is on this board, for a program of yours",
            f"{_DEPLOY} --board NAME, if the firmware was meant to be there",
        )
    elif static.program == "partly":
        yield Finding(
            "program",
            f"the program on it is not whole: {_some(static.files)} missing or old",
            _DEPLOY,
        )
    elif static.program == "changed":
        yield Finding(
            "program", f"{_some(static.files)} not as deployed", f"{_DEPLOY} puts that right"
        )
    elif static.program == "hidden":
        yield Finding(
            "program",
            f"the firmware cannot be loaded: {static.config_words}",
            _DEPLOY,
        )
    if static.version not in (None, static.our_version):
        yield Finding(
            "version",
            f"plexus {static.version} is on the board, and here it is {static.our_version}",
            _DEPLOY,
        )
    if static.program != "none" and static.program != "library":
        yield from _settings(static)
    if static.heap_free < LEAST_CLEAN_HEAP:
        yield Finding(
            "memory",
            f"MicroPython has {static.heap_free} B of memory at its start, which is little",
            "take a board with PSRAM, or MicroPython's own build without additions",
        )
    if static.space_free < LEAST_SPACE:
        yield Finding(
            "space",
            f"the board's file system has {static.space_free} B free",
            "remove files of yours: mpremote rm :NAME",
        )


def _settings(static: Static) -> Iterator[Finding]:
    if static.board is None:
        yield Finding(
            "profile",
            "the board has no profile, so it finds no sensors",
            f"{_DEPLOY} --board NAME",
        )
    elif static.mcu and static.board[1] != static.mcu:
        yield Finding(
            "profile",
            f"it is set up as {static.board[0]}, which has an {static.board[1]}, and its chip is "
            f"an {static.mcu}",
            f"{_DEPLOY} --board NAME, with the right one",
        )
    if static.config == "none":
        yield Finding(
            "configuration",
            "the board has no configuration",
            "python -m tools provision, or join the WiFi that it opens",
        )
    elif static.config == "refused":
        yield Finding(
            "configuration", f"its configuration is refused:  {static.config_words}", _PROVISION
        )


def _crash(static: Static, live: Live | None) -> Iterator[Finding]:
    crash = static.crash
    what, trace = crash.get("what"), crash.get("trace") or ""
    if live is not None and live.safe:
        yield Finding(
            "safe mode",
            "three crashes in a row: it runs without its sensors",
            "fix the crash below; it tries again after half an hour or a reset",
        )
    if what:
        told = crash.get("told") is not False
        words = "it has crashed: " + str(what)
        if trace:
            words += "\n" + str(trace)
        yield Finding(
            "crash",
            words,
            "the server knows of it"
            if told
            else "the server will hear of it; if it comes again, "
            f"look where the trace points, or {_DEPLOY} a newer version",
            wrong=not told or bool(crash.get("early")),
        )
    if static.reset_cause == _RESET_BY_WATCHDOG or (live is not None and live.cause == "watchdog"):
        late = f" ({', '.join(live.late)})" if live is not None and live.late else ""
        yield Finding(
            "watchdog",
            f"the watchdog has reset it: a part of the program stood still{late}",
            "a sensor that blocks its bus, or a network that blocks for minutes; "
            "python -m tools monitor shows what comes before",
        )


def _running(static: Static, live: Live, waited_s: float) -> Iterator[Finding]:
    found = [*_network(static, live)]
    if not found:
        found = [*_delivery(static, live, waited_s)]
    yield from found
    for words in live.buses:
        yield Finding("bus", words, "correct the board's profile, or --board NAME another one")
    for name, words in live.sensors.items():
        if words.startswith("MemoryError"):
            yield Finding("memory", f"{name}: {words}", _LESS)
        elif words not in ("ok", "starting", "idle"):
            yield Finding(
                "sensor",
                f"{name}: {words}",
                "check its wiring, power and address, or take it out of the configuration",
            )
    if live.unknown:
        listed = ", ".join(f"0x{address:02x}" for address in live.unknown)
        yield Finding(
            "sensor",
            f"something unknown answers on I2C at {listed}",
            "name its driver in the configuration's sensors; docs/sensors.md has them",
            wrong=False,
        )
    if live.heap_free is not None and live.heap_free < LEAST_HEAP:
        yield Finding(
            "memory",
            f"{live.heap_free} B of memory are left while it runs",
            _LESS,
        )


def _network(static: Static, live: Live) -> Iterator[Finding]:
    if live.network is None:
        return
    state, status, problem = live.network
    if state == "connected":
        return
    words = problem or status
    why = (problem or "").rpartition(": ")[2]  # without the network's name, which may say anything
    if "as secure as" in why:
        remedy = (
            "if the network is open, provision without a password; else let the router use WPA2 or "
            "WPA3, which a password asks for"
        )
    elif "whose security" in why or "802.1X" in why:
        remedy = "let the router offer WPA2 with a password, which the board knows"
    elif "password" in why:
        remedy = f"{_PROVISION}, with the network's password"
    elif "no access point" in why or "went silent" in why:
        remedy = (
            "compare the name letter by letter; a network of 5 GHz alone cannot be heard by an "
            "ESP32; bring it nearer, or see to its antenna"
        )
    elif "DHCP" in why or "no address" in why:
        remedy = "restart the router, or give the board a static address"
    elif "cable" in why:
        remedy = "connect the cable"
    else:
        remedy = "restart the router; if it goes on, a reset of the board"
    yield Finding("network", f"not connected: {words}", remedy)


def _delivery(static: Static, live: Live, waited_s: float) -> Iterator[Finding]:
    known, _, clock_problem = live.clock or (True, None, "")
    if live.problem:
        from plexus.delivery.problem import problem

        words = live.server.split("; next try")[0] or problem(live.problem, live.host)
        yield _server(live.problem, words, static.address)
    elif not known:
        yield Finding(
            "clock",
            f"the time is not known: {clock_problem or 'no answer yet'}",
            "let UDP port 123 out, or name a time server of yours in ntp_hosts; without either, "
            "the server's answers tell the time",
        )
    elif live.counts and not live.counts[0]:
        yield Finding(
            "delivery",
            f"no reading was confirmed within {waited_s:g} s; {live.counts[1]} wait",
            "wait a little longer: python -m tools doctor --wait 120",
        )
    if live.counts and live.counts[3]:
        metric, why = live.rejection or (None, "")
        yield Finding(
            "refused",
            f"the server has refused {live.counts[3]} readings for good, the last of "
            f"{metric or 'an unknown metric'}: {why}",
            "correct the metric's name or value",
        )
    if live.counts and live.counts[2]:
        yield Finding(
            "lost",
            f"{live.counts[2]} readings were lost, as the memory for them was full",
            "make ring_bytes larger, or read less often",
            wrong=False,
        )


def _server(problem: tuple[Any, ...], words: str, address: str) -> Finding:
    """What stands between the readings and the server; words: as the board puts it.

    address: another one, which takes the key.
    """
    from plexus.tls.failure import explain

    status, reason = problem[0], problem[-1]
    if status in (401, 403):
        return Finding("key", words, f"{_PROVISION}, with a key that Plexus shows as valid")
    if status == 402:
        return Finding("account", words, "see to the account at Plexus")
    if status == 0 and explain(reason) is not None:
        return Finding(
            "tls",
            words,
            "see that the board's time is right; for a server of your own, "
            f"{_PROVISION} --ca FILE with its root certificate",
        )
    if status == 0 and ("memory" in words or reason == errno.ENOMEM):
        return Finding("memory", words, _LESS)
    if status == 0:
        return Finding(
            "server",
            words,
            "see whether a computer in the same network reaches it; a firewall may be in the way",
        )
    if status == 429 or status >= 500:
        return Finding("server", words, "wait: the device tries again by itself")
    if address:
        words = f"{words}\n{address} takes the key"
        return Finding("address", words, f"{_PROVISION} --endpoint {address}")
    return Finding("server", words, f"{_PROVISION}, with the right endpoint")


def _some(files: list[str]) -> str:
    shown = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    return f"{shown} {'is' if len(files) == 1 else 'are'}" if files else "something is"
