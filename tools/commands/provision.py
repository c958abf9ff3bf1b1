"""The command `python -m tools provision`: give boards their configuration, one or a fleet."""

import argparse
import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tools.board_link.output import Console
from tools.board_link.ports import LinkError, find_port, ports
from tools.board_link.repl import BoardLink
from tools.boards import ram
from tools.commands import settings
from tools.commands.deploy import CONFIRMED
from tools.commands.settings import Given, Settings, SettingsError

_WAIT_S = 120
_POLL_S = 0.2
_LOOK = """
import sys,json
from machine import unique_id
from binascii import hexlify
def f(path):
 try:
  with open(path) as file:
   found=json.load(file)
  return found if isinstance(found,dict) else {}
 except (OSError,ValueError):
  return {}
b=f('/board.json')
k=('mcu','psram_mb','firmware','sensors')
try:
 import firmware.config
 w=True
except ImportError:
 w=False
print(repr((hexlify(unique_id()).decode(),w,b.get('name'),b.get('mcu'),'ethernet' in b,
f('/plexus.json').get('source_id'),{n:b[n] for n in k if n in b})))
"""
# Both are literals: JSON without anything but ASCII, and True or None.
_SAVE = """
import json
from firmware import config
given=json.loads({config!r})
config.save(given,hide={hide!r})
found=config.redacted(config.load(),None)
print([key for key in given if found.get(key)!=given[key]])
print(found['source_id'])
"""


class ProvisionError(LinkError):
    """Why a board did not get its configuration; the message has the remedy."""


@dataclass(frozen=True)
class Site:
    """What is on a board. id: the chip's own number; configured: the source_id that it has.

    profile: of the board's own profile what its RAM depends on.
    """

    id: str
    has_firmware: bool
    board: str | None
    mcu: str | None
    ethernet: bool
    configured: str | None
    profile: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """What became of one device of a fleet; status: waiting or done."""

    source_id: str
    line: int
    status: str = "waiting"
    board: str | None = None
    port: str | None = None
    id: str | None = None
    warning: str = ""  # of the board's RAM
    set_aside: list[dict[str, str]] = field(default_factory=list)  # boards that would not do


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "provision",
        help="give a board, or a fleet of them, its configuration",
        description="Ask for WiFi, key and name, or take them from arguments, the environment or "
        "a CSV file; see that the server takes the key, and write the board's configuration. Of a "
        "fleet, each board that is plugged in becomes the next device of the file.",
    )
    parser.add_argument("--port", help="serial port (default: the only one there is)")
    settings.add_arguments(parser)
    parser.add_argument(
        "--claim",
        action="store_true",
        help="in place of a key: have Plexus make one, which you approve in a browser",
    )
    parser.add_argument("--nvs", action="store_true", help="keep the secrets out of the file")
    parser.add_argument(
        "--replace", action="store_true", help="also write to a board that has a configuration"
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="S",
        help=f"how long to wait for confirmed readings (default: {_WAIT_S}, 0 for a fleet)",
    )
    parser.add_argument(
        "--next-within", type=float, metavar="S", help="end when no board is plugged in for so long"
    )
    ram.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    console = Console(options.json)
    try:
        given = settings.given(options)
        if options.csv:
            return _fleet(options, given, console)
        if options.start or options.next_within:
            return console.failed("--start and --next-within go with --csv", 2)
        return _single(options, given, console)
    except SettingsError as error:
        return console.failed(error)
    except KeyboardInterrupt:
        return console.failed("interrupted")


# --- one board --------------------------------------------------------------------------------


def _single(options: argparse.Namespace, given: Given, console: Console) -> int:
    facts: dict[str, Any] = {}
    try:
        with BoardLink(find_port(options.port)) as link:
            facts["port"] = link.port
            with _running_again(link):
                device = _configure(link, options, given, console, facts)
            link.hard_reset()
            console.say(f"{link.port}: {device.source_id} is configured, and restarted")
            wait_s = _WAIT_S if options.wait is None else options.wait
            if wait_s:
                facts["confirmed"] = False
                _wait(link, device, wait_s, console)
                facts["confirmed"] = True
    except (SettingsError, LinkError) as error:
        return console.failed(error, **facts)
    return console.done(**facts)


def _configure(
    link: BoardLink,
    options: argparse.Namespace,
    given: Given,
    console: Console,
    facts: dict[str, Any],
) -> Settings:
    """Ask, check and write; errors have no secret in them."""
    site = look(link)
    _check(site, options.replace)
    profile = _profile(given, site)
    if not options.json and settings.can_ask():
        boards = None if site.board else _boards(link)
        given = settings.ask_missing(given, profile, boards, f"esp32-{site.id[-6:]}")
        profile = _profile(given, site)
    device = given.complete(profile)
    facts.update(source_id=device.source_id, board=device.board or site.board, id=site.id)
    warned = _check_ram(site, device, options.anyway)
    if warned:
        console.say(warned)
        facts["warning"] = warned
    settings.claim_key([device], _tell)
    if not options.no_check:
        found = settings.check_keys([device])
        console.say("the server takes the key" + (f", at {found}" if found else ""))
    write(link, site, device, options.nvs)
    return device


def _tell(text: str) -> None:
    """Also to a person who wants JSON."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _running_again(link: BoardLink) -> Iterator[None]:
    """Start the board's program again if it was stopped in vain."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            with contextlib.suppress(LinkError):
                link.soft_reset()


def look(link: BoardLink) -> Site:
    """What is on a board, whose program is stopped."""
    from tools.board_link import device

    link.clean()
    device.ask(link)
    import ast

    try:
        return Site(*ast.literal_eval(link.exec(_LOOK, 20).strip()))
    except (ValueError, SyntaxError, TypeError):
        raise ProvisionError(f"{link.port}: the board's answer is not readable") from None


def write(link: BoardLink, site: Site, device: Settings, nvs: bool) -> None:
    """Write a device's configuration, last of all that it needs; a failure leaves the old one.

    ProvisionError has no secret in it, whatever the board says.
    """
    try:
        _write(link, site, device, nvs)
    except LinkError as error:
        raise ProvisionError(device.redact(error)) from None


def _write(link: BoardLink, site: Site, device: Settings, nvs: bool) -> None:
    from tools.artifacts import payload

    files = {}
    if device.board is not None:
        profile, content = payload.board(device.board)
        if site.mcu and profile["mcu"] != site.mcu:
            raise ProvisionError(
                f"{device.board} has an {profile['mcu']}, and this board an {site.mcu}; correct "
                "--board"
            )
        files[payload.BOARD] = content
    elif site.board is None:
        raise ProvisionError("the board has no profile: add --board NAME")
    if device.ca:
        files["/" + device.config["ca_file"]] = device.ca.read_bytes()
    present = link.hashes(files)
    for path, data in files.items():
        if present[path] != hashlib.sha256(data).hexdigest():
            link.write(path, data)
    # Characters as they are: of those beyond 16 bits MicroPython makes two halves of an escape.
    text = json.dumps(device.config.copy(), ensure_ascii=False)
    said = link.exec(_SAVE.format(config=text, hide=True if nvs else None), 30).split()
    if said[-2:] != ["[]", device.source_id]:
        raise ProvisionError(f"{link.port}: the board does not read back what was written")


def _check(site: Site, replace: bool) -> None:
    if not site.has_firmware:
        raise ProvisionError(
            "the firmware is not on this board: first python -m tools deploy --board NAME"
        )
    if site.configured and not replace:
        raise ProvisionError(
            f"this board is {site.configured} already; --replace writes its configuration anew"
        )


def _check_ram(site: Site, device: Settings, anyway: bool) -> str:
    """What to tell of the board's RAM, "" if nothing. ProvisionError: it does not go in there."""
    profile = settings.profile(device.board) if device.board else site.profile
    if site.ethernet:
        profile = profile | {"ethernet": {}}
    try:
        return ram.warning(profile, device.config, anyway)
    except ram.RamError as error:
        raise ProvisionError(str(error)) from None


def _profile(given: Given, site: Site) -> dict[str, Any]:
    """Of the board's profile what a configuration depends on; it may be one of the user's own."""
    board = given.fields.get("board")
    if board is not None:
        return settings.profile(board)
    return {"ethernet": {}} if site.ethernet else {}


def _boards(link: BoardLink) -> list[str]:
    """The boards with this chip."""
    from tools.board_link import device
    from tools.boards import profiles

    mcu = device.ask(link).mcu
    every = [profiles.load(profiles.BOARDS / f"{name}.json") for name in profiles.names()]
    return [profile["name"] for profile in every if mcu in (None, profile["mcu"])]


def _wait(link: BoardLink, device: Settings, timeout_s: float, console: Console) -> None:
    console.say(f"waiting {timeout_s:g} s at the most for confirmed readings")
    for line in link.lines(timeout_s):
        if line:
            console.say(f"  | {device.redact(line)}")
        if CONFIRMED in line:
            return
    raise ProvisionError(
        f"configured, but no reading was confirmed within {timeout_s:g} s; python -m tools doctor "
        "looks for the reason"
    )


# --- a fleet ----------------------------------------------------------------------------------


def _fleet(options: argparse.Namespace, given: Given, console: Console) -> int:
    devices = settings.fleet(options.csv, given, options.start)
    settings.claim_key(devices, _tell)
    if not options.no_check:
        found = settings.check_keys(devices)
        keys = "the server takes the key" + ("" if len(devices) == 1 else "s")
        console.say(keys + (f", at {found}" if found else ""))
    results = [Result(device.source_id, device.line) for device in devices]
    slots = Slots(options.port)
    done: dict[str, str] = {}  # by the chips' numbers
    problem = None
    try:
        for device, result in zip(devices, results, strict=True):
            while result.status != "done":
                console.say(f"plug in the board for {device.source_id}")
                attached = slots.wait(options.next_within)
                _plugged(attached.port, device, result, done, options, console)
                slots.used(attached)
    except KeyboardInterrupt:
        problem = "interrupted"
    except ProvisionError as error:
        problem = str(error)
    _table(results, console)
    facts: dict[str, Any] = {"devices": [asdict(result) for result in results]}
    if problem is None:
        return console.done(**facts)
    left = next(result for result in results if result.status != "done")
    return console.failed(f"{problem}; --start {left.source_id} goes on", **facts)


def _plugged(
    port: str,
    device: Settings,
    result: Result,
    done: dict[str, str],
    options: argparse.Namespace,
    console: Console,
) -> None:
    """Make this board the device; one that will not do is set aside."""
    from tools.artifacts.payload import PayloadError

    known = ""
    try:
        with BoardLink(port) as link:
            with _running_again(link):
                site = look(link)
                known = site.id
                if known in done:
                    raise ProvisionError(f"this board has just become {done[known]}")
                _check(site, options.replace)
                warned = _check_ram(site, device, options.anyway)
                if warned:
                    console.say(f"{device.source_id}: {warned}")
                    result.warning = warned
                write(link, site, device, options.nvs)
            done[known] = device.source_id
            result.id, result.port, result.board = known, port, device.board or site.board
            result.status = "done"
            if options.wait:
                link.hard_reset()
                _wait(link, device, options.wait, console)
            else:
                # A hard reset of a chip with USB of its own would look like the next board.
                link.soft_reset()
    except (LinkError, PayloadError) as error:
        if result.status == "done":
            console.say(f"{port}: {device.source_id}: {error}")
            return
        result.set_aside.append({"port": port, "id": known, "error": str(error)})
        console.say(f"{port}: set aside: {error}")
    else:
        console.say(f"{port}: {device.source_id} is configured; unplug it")


class Slots:
    """Tells when a board is plugged in: at `port`, or, if None, at any that comes."""

    def __init__(self, port: str | None):
        self._port = port
        self._used: set[Attached] = set()

    def wait(self, timeout_s: float | None) -> "Attached":
        """A board that is new. ProvisionError if none comes within so long."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            there = self._there()
            self._used &= there
            fresh = there - self._used
            if fresh:
                return min(fresh, key=lambda attached: attached.port)
            if deadline is not None and time.monotonic() > deadline:
                raise ProvisionError(f"no board was plugged in within {timeout_s:g} s")
            time.sleep(_POLL_S)

    def used(self, attached: "Attached") -> None:
        """This board has been seen to; it is no new one until it is unplugged."""
        self._used.add(attached)

    def _there(self) -> set["Attached"]:
        if self._port is None:
            return {Attached.at(device) for device, _ in ports()}
        return {Attached.at(self._port)} if Path(self._port).exists() else set()


class Attached(NamedTuple):
    """A port since a board was plugged in there: the next board at the same port is another one.

    The system makes a new device file each time, so a change between two looks is seen as well.
    """

    port: str
    file: tuple[int, int] | None  # what the system knows the device file by; None: Windows

    @classmethod
    def at(cls, port: str) -> "Attached":
        try:
            status = os.stat(port)
        except OSError:
            return cls(port, None)
        return cls(port, (status.st_dev, status.st_ino))


def _table(results: list[Result], console: Console) -> None:
    head = ("line", "source_id", "status", "board", "port", "id")
    rows = [
        (str(r.line), r.source_id, r.status, r.board or "", r.port or "", r.id or "")
        for r in results
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        console.say("  ".join(cells).rstrip())
