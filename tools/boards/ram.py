"""Whether a configuration fits a board's RAM: a model of an ESP32 that has no PSRAM.

There Python's heap, TLS, WiFi, threads and machine code share one RAM. Python has one area of it
from the start. What it needs beyond is a second area, which the system lacks from then on. PLAIN
has the figures; a board with PSRAM has room for all of it.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from tools.boards.profiles import REPOSITORY

State = Literal["fits", "tight", "too large"]
Config = Mapping[str, Any]

_SCHEMA = REPOSITORY / "firmware" / "plexus.schema.json"
_MAPPED_MB = {"esp32": 4}  # of its PSRAM a program reaches no more
_DEFAULT_RING = 4096  # what the firmware takes on a board without PSRAM
_STEP = 1024  # a ring is proposed in such steps
_ALWAYS = {"driver": "system"}  # read besides those that a board carries, if none are named


@dataclass(frozen=True)
class Ram:
    """Bytes of RAM: what there is, and what takes it. The first part is the system's heap."""

    # Measured on an emulated ESP32 without PSRAM, MicroPython 1.26.1, but for what says otherwise.
    system: int = 95_600  # free after WiFi has joined
    machine_code: int = 4_400  # beside what lies in RAM for code alone
    tcp: int = 8_000  # with less, connects time out
    agent_tcp: int = 5_000  # estimated; its connection is a second one
    tls: int = 26_000  # held by a connection
    handshake: int = 10_000  # more than that, for a moment; one at a time
    roots: int = 4_000  # estimated: one group of those that the library ships
    own_root: int = 2_000  # estimated: a `ca_file` in their place

    first_area: int = 61_000  # Python's, from the start
    area_cost: float = 0.03  # of a further area, for the collector's tables
    library: int = 35_300  # kept by `from plexus import Plexus` and a client
    firmware: int = 32_600  # awake: device, network, uploader, sampler, report
    sleeper: int = 25_000  # estimated: a battery node, in place of `firmware`
    agent: int = 48_000
    work: int = 4_000  # what a flush, a status or a scan allocates
    sensor: int = 500  # each entry, besides its driver
    other_driver: int = 3_500  # one that is not in `drivers`
    drivers: Mapping[str, int] = field(
        default_factory=lambda: {
            "bme280": 4_900,
            "ds18b20": 4_300,  # with the frozen modules that it uses
            "mpu6050": 3_200,
            "system": 2_100,
        }
    )

    margin: int = 8_000  # with less to spare it is tight: the heap is never in one piece
    psram_share: float = 0.5  # of the PSRAM a ring may take


PLAIN = Ram()


class RamError(Exception):
    """A configuration does not fit the board; the message has the remedy."""


@dataclass(frozen=True)
class Verdict:
    """How a configuration and a board go together.

    spare: bytes that are left over; below 0 so many are missing. largest_ring: the most
    `ring_bytes` that the rest leaves room for, 0 if none. words: what is wrong and the remedy, none
    if it fits.
    """

    state: State
    spare: int
    largest_ring: int
    words: str = ""


def check(profile: Mapping[str, Any], config: Config, ram: Ram = PLAIN) -> Verdict:
    """How a configuration and a board go together, the board by what is known of its profile."""
    maximum = _ring()["maximum"]
    if profile.get("firmware", "") is None or "psram_mb" not in profile:
        return Verdict("fits", maximum, maximum)  # a computer, or a board of which nothing is known
    ring = ring_bytes(config)
    if profile["psram_mb"]:
        mapped_mb = min(profile["psram_mb"], _MAPPED_MB.get(profile.get("mcu", ""), 32))
        largest = min(maximum, int((mapped_mb << 20) * ram.psram_share))
        if ring <= largest:
            return Verdict("fits", largest - ring, largest)
        words = f"{_named(config)} is more than half of the PSRAM: use at most {largest}"
        return Verdict("tight", largest - ring, largest, words)
    spare = _spare(profile, config, ring, ram)
    # What is proposed is not tight itself, if there is such a ring.
    largest = _largest(profile, config, ram, ram.margin) or _largest(profile, config, ram, 0)
    if spare >= ram.margin:
        return Verdict("fits", spare, largest)
    state: State = "tight" if spare >= 0 else "too large"
    words = _words(profile, config, ram, spare, largest)
    doubt = _doubt(profile, config)
    if doubt:
        state, words = "tight", f"{words}. {doubt}"
    return Verdict(state, spare, largest, words)


def add_argument(parser: argparse.ArgumentParser) -> None:
    """The option of a command that writes configurations."""
    parser.add_argument(
        "--anyway", action="store_true", help="write a configuration that does not fit the RAM, too"
    )


def warning(profile: Mapping[str, Any], config: Config, anyway: bool) -> str:
    """What to tell before a configuration is written, "" if it fits.

    RamError if it does not fit the board, unless `anyway`.
    """
    verdict = check(profile, config)
    if verdict.state == "too large" and not anyway:
        raise RamError(f"{verdict.words} (--anyway writes it all the same)")
    return verdict.words


def ring_bytes(config: Config) -> int:
    """The ring of a configuration; the default if it names none."""
    return config.get("ring_bytes") or _DEFAULT_RING


# --- who takes what -----------------------------------------------------------------------------


def _python(profile: Mapping[str, Any], config: Config, ram: Ram) -> int:
    """What Python needs besides the ring."""
    sensors = config.get("sensors")
    if sensors is None:
        sensors = [*profile.get("sensors", ()), _ALWAYS]
    drivers = {sensor["driver"] for sensor in sensors}
    return (
        ram.library
        + (ram.sleeper if "sleep" in config else ram.firmware)
        + (ram.agent if _agent(config) else 0)
        + ram.work
        + len(sensors) * ram.sensor
        + sum(ram.drivers.get(driver, ram.other_driver) for driver in drivers)
    )


def _connections(config: Config, ram: Ram) -> int:
    """What the connections need of the system's heap at the worst moment: the last handshake."""
    tls = [_is_https(config), _agent(config).startswith("wss:")]
    need = ram.tcp + (ram.agent_tcp if _agent(config) else 0)
    if any(tls):
        need += sum(tls) * ram.tls + ram.handshake
        if config.get("verify", True):
            need += ram.own_root if "ca_file" in config else ram.roots
    return need


def _second_area(config: Config, ram: Ram) -> int:
    """What Python can take of the system's heap with all else in its place; below 0: it lacks."""
    left = ram.system - ram.machine_code - _connections(config, ram)
    return int(left * (1 - ram.area_cost)) if left > 0 else left


def _spare(profile: Mapping[str, Any], config: Config, ring: int, ram: Ram) -> int:
    second = _second_area(config, ram)
    if second < 0:
        return second - max(_python(profile, config, ram) + ring - ram.first_area, 0)
    spare = ram.first_area + second - _python(profile, config, ram) - ring
    # The ring is one piece.
    return min(spare, max(ram.first_area, second) - ring)


def _largest(profile: Mapping[str, Any], config: Config, ram: Ram, spare: int) -> int:
    """The largest ring that leaves so much to spare, in steps; 0 if there is none."""
    left = _spare(profile, config, 0, ram) - spare
    return min(max(left, 0) // _STEP * _STEP, _ring()["maximum"])


def _agent(config: Config) -> str:
    """The agent's URL; "" if there is none, as on a board that sleeps."""
    return "" if "sleep" in config else config.get("agent", {}).get("url", "")


def _is_https(config: Config) -> bool:
    return config.get("endpoint", "https:").startswith("https:")


# --- in words -----------------------------------------------------------------------------------


def _words(profile: Mapping[str, Any], config: Config, ram: Ram, spare: int, largest: int) -> str:
    need = _connections(config, ram)
    what = "a TLS handshake" if need > ram.tcp + ram.agent_tcp else "TCP"
    left = need + spare
    leaves = f"{_kb(left)} for {what}" if left >= 1000 else f"nothing for {what}"
    says = f"{_named(config)} leaves {leaves}, it needs {_kb(need)}"
    if spare >= 0:
        says += f" and should have {_kb(ram.margin - spare)} more"
    return f"{says}: {_remedy(profile, config, ram, largest)}"


def _remedy(profile: Mapping[str, Any], config: Config, ram: Ram, largest: int) -> str:
    """The least that helps."""
    board = "a board with PSRAM"
    if largest and largest < ring_bytes(config):
        return f"use at most {largest}, or {board}"
    if _agent(config):
        without = {key: value for key, value in config.items() if key != "agent"}
        largest = _largest(profile, without, ram, ram.margin)
        if largest >= ring_bytes(config):
            return f"leave out agent, or use {board}"
        if largest:
            return f"leave out agent and use at most {largest}, or {board}"
    return f"use fewer sensors, or {board}"


def _named(config: Config) -> str:
    ring = ring_bytes(config)
    return (
        f"ring_bytes: {ring}" if config.get("ring_bytes") else f"ring_bytes: {ring}, the default,"
    )


def _doubt(profile: Mapping[str, Any], config: Config) -> str:
    """Why the figures may be too low for this board; "" if they are its own."""
    if profile.get("mcu", "esp32") != "esp32":
        return f"This is an ESP32's RAM; that of {profile['mcu']} was not measured"
    if "ethernet" in profile and not config.get("wifi"):
        return "This is the RAM with WiFi; with Ethernet it was not measured"
    return ""


def _kb(size: int) -> str:
    return f"{round(size / 1000)} kB"


@cache
def _ring() -> dict[str, Any]:
    """What the schema says of `ring_bytes`."""
    return json.loads(_SCHEMA.read_text(encoding="utf-8"))["properties"]["ring_bytes"]


# --- the table of docs/boards.md ----------------------------------------------------------------

_SENSORS = [{"driver": name} for name in ("bme280", "mpu6050", "ds18b20", "system")]
_HTTPS: dict[str, Any] = {"sensors": _SENSORS}
CASES: dict[str, dict[str, Any]] = {
    "http": _HTTPS | {"endpoint": "http://192.168.1.20:8080/api/ingest"},
    "https": _HTTPS,
    "https, agent over ws": _HTTPS | {"agent": {"url": "ws://192.168.1.20:8080/ws/device"}},
    "https, agent over wss": _HTTPS | {"agent": {"url": "wss://example.com/ws/device"}},
    "battery node, https": _HTTPS | {"sleep": {"interval_s": 300}},
}


def rows() -> list[list[str]]:
    """For each case what fits a board without PSRAM, and with the least PSRAM that there is."""
    return [
        [name, *(_cell({"mcu": "esp32", "psram_mb": psram}, config) for psram in (0, 2))]
        for name, config in CASES.items()
    ]


def _cell(profile: Mapping[str, Any], config: Config) -> str:
    verdict = check(profile, config)
    at_most = check(profile, {**config, "ring_bytes": verdict.largest_ring or _STEP})
    if at_most.state == "too large":
        return f"does not fit, {_kb(-at_most.spare)} are missing"
    return f"{at_most.state}, `ring_bytes` up to {verdict.largest_ring}"
