"""The command `python -m tools doctor`: look at a connected board, and say what is wrong."""

import argparse
import ast
import contextlib
import json
import re
from dataclasses import asdict
from typing import Any

from tools.board_link import device
from tools.board_link.output import Console
from tools.board_link.ports import LinkError, find_port, printable
from tools.board_link.repl import BoardError, BoardLink
from tools.board_link.target import MANIFEST
from tools.board_link.tracebacks import annotated
from tools.boards.profiles import REPOSITORY
from tools.commands import settings
from tools.commands.deploy import CONFIRMED
from tools.commands.diagnosis import GONE, Finding, Live, Static, diagnose
from tools.short_names import short_names

_WAIT_S = 45
_SETTLED_MS = 30000  # a device that has run for so long has tried everything once

# What runs, asked from the program that was just stopped, a little at a time: there may be hardly
# any memory left. What cannot be had is left out.
_FIND = """
import sys,gc,time
_d=sys.modules.get('firmware.repl')
_d=_d and _d.device
gc.collect()
print(_d is not None)
"""
_LIVE = {
    "heap_free": "gc.mem_free()",
    "ran_ms": "time.ticks_diff(time.ticks_ms(),_d._started)",
    "network": "(_d.network.state,_d.network.status,_d.network.problem)",
    "sensors": "_d.sampler.status",
    "buses": "[str(b) for b in _d.problems]",
    "unknown": "[f.address for f in _d.found if f.driver is None]",
    "cause": "_d.crashes.cause",
    "safe": "_d.crashes.safe",
    "late": "_d.watchdog.late",
    # Last: they load modules.
    "client": "_d.px.diagnostics()",
    "server": "_d.px.status",
}

# What lies there, asked after a clean start.
_STATIC = """
import sys,json
def f(path):
 try:
  with open(path) as file:
   found=json.load(file)
  return found if isinstance(found,dict) else {}
 except (OSError,ValueError):
  return {}
try:
 import esp32
 print(repr(('is_esp32',True)))
except ImportError:
 print(repr(('is_esp32',False)))
b=f('/board.json')
if b.get('name'):
 print(repr(('board',(str(b['name']),str(b.get('mcu'))))))
print(repr(('crash',f('/crash.json'))))
try:
 import plexus
 print(repr(('version',getattr(plexus,'__version__','unknown'))))
except ImportError:
 pass
try:
 from firmware.config import load
except Exception as e:
 print(repr(('firmware',(type(e).__name__,str(e)))))
else:
 try:
  c=load()
  print(repr(('config',('ok',''))))
  print(repr(('sleeps','sleep' in c)))
 except OSError:
  print(repr(('config',('none',''))))
 except ValueError as e:
  print(repr(('config',('refused',str(e)))))
"""

# What the server is asked with. It has the key, which stays in this process.
_SERVER = """
from firmware.config import load
c=load()
k=('api_key','source_id','endpoint','ca_file','verify','timeout_ms')
print(repr(('config',{n:c[n] for n in k if n in c})))
"""


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "doctor",
        help="say what is wrong with a board",
        description="Look at a connected board, its files, its configuration and how its program "
        "does, and say what is wrong and what to do. Its program is stopped and started again for "
        "that: readings that wait in its memory are lost. The exit status is 1 if anything is "
        "wrong.",
    )
    parser.add_argument("--port", help="serial port (default: the only one there is)")
    parser.add_argument(
        "--wait",
        type=float,
        default=_WAIT_S,
        metavar="S",
        help="how long to give a program that was just started (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    console = Console(options.json)
    facts: dict[str, Any] = {"port": options.port, "findings": []}
    try:
        with BoardLink(find_port(options.port)) as link:
            facts["port"] = link.port
            findings = _examine(link, options.wait, console)
    except LinkError as error:
        return console.failed(error, **facts)
    facts["findings"] = [asdict(finding) for finding in findings]
    wrong = sum(finding.wrong for finding in findings)
    for finding in findings:
        _tell(finding, console)
    if wrong:
        summary = f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong"
        return console.failed(summary, **facts)
    console.say("nothing is wrong")
    return console.done(**facts)


def _tell(finding: Finding, console: Console) -> None:
    first, *more = annotated(finding.problem).split("\n")
    console.say(printable(f"{'!' if finding.wrong else '-'} {finding.what}: {first}"))
    for line in more:
        console.say(printable(f"    {line}"))
    console.say(printable(f"    -> {finding.remedy}"))


def _examine(link: BoardLink, wait_s: float, console: Console) -> list[Finding]:
    settings.find_library()
    console.say(f"{link.port}: looking at what runs")
    link.interrupt()
    static = Static(reset_cause=_reset_cause(link))
    live = _ask_live(link)
    link.clean()
    try:
        there = device.ask(link)
    except device.DeviceError as error:
        words, _, remedy = str(error).removeprefix(f"{link.port}: ").partition("; ")
        return [Finding("micropython", words, remedy)]
    console.say(f"{link.port}: {there.machine}, MicroPython {there.release}; looking at its files")
    static.mcu, static.heap_free = there.mcu, there.heap_free
    _ask_static(link, static)
    _compare(link, static)
    said: list[str] = []
    runs = static.program in ("ok", "changed") and static.config == "ok"
    if runs and not static.sleeps and (live is None or live.ran_ms < _SETTLED_MS):
        console.say(f"started again; giving it {wait_s:g} s at the most")
        live = _watch(link, wait_s, said)
    if live is not None and live.problem and live.problem[0] in GONE:
        console.say("the server has no ingest at this address; asking at the other one it may have")
        static.address = _ask_server(link)
    findings = list(diagnose(static, live, said, wait_s))
    with contextlib.suppress(LinkError):
        link.hard_reset()
    return findings


def _ask_server(link: BoardLink) -> str:
    """The address that takes the board's key in place of its own; "" if that is not known."""
    try:
        link.clean()
        config = _answers(link, _SERVER)["config"]
        ca = link.read_file(config["ca_file"]) if "ca_file" in config else None
    except (LinkError, KeyError):
        return ""  # and nothing of it is told: the key may be in it
    return settings.address_for(config, ca)


def _watch(link: BoardLink, wait_s: float, said: list[str]) -> Live | None:
    """Start the program, give it time until it has delivered something, and ask how it does."""
    link.hard_reset()
    try:
        for line in link.lines(wait_s):
            said.append(line)
            if CONFIRMED in line:
                break
        link.interrupt()
        return _ask_live(link)
    except LinkError as error:
        said.append(str(error))
        return None


def _ask_live(link: BoardLink) -> Live | None:
    """How the device did when it was stopped; None if the firmware did not run."""
    try:
        if link.exec(_FIND).strip() != "True":
            return None
    except BoardError as error:
        return Live(heap_free=0) if "MemoryError" in error.traceback else None
    found: dict[str, Any] = {}
    for name, expression in _LIVE.items():
        # A board has other private names if its files were compiled.
        for asked in (short_names().renamed(expression, REPOSITORY), expression):
            with contextlib.suppress(BoardError):
                found[name] = link.eval(asked)
                link.exec("gc.collect()")
                break
    return Live(**_of_client(found.pop("client", None)), **found)


def _of_client(told: dict[str, Any] | None) -> dict[str, Any]:
    """What px.diagnostics() has told, as Live has it."""
    if told is None:
        return {}
    return {name: told[name] for name in ("host", "problem", "rejection")} | {
        "counts": tuple(told[name] for name in ("confirmed", "pending", "dropped", "rejected")),
        "clock": tuple(told["clock_" + name] for name in ("known", "source", "problem")),
    }


def _reset_cause(link: BoardLink) -> int:
    try:
        return int(link.eval("__import__('machine').reset_cause()"))
    except BoardError:
        return 0  # no ESP32


def _ask_static(link: BoardLink, static: Static) -> None:
    found = _answers(link, _STATIC)
    static.config, static.config_words = found.pop("config", ("ok", ""))
    problem = found.pop("firmware", None)
    if problem is not None:
        kind, words = problem
        missing = kind == "ImportError" and "firmware" in words
        static.program = "library" if "version" in found else "none"
        if not missing:
            static.program, static.config_words = "hidden", f"{kind}: {words}"
    for name, value in found.items():
        setattr(static, name, value)
    static.our_version = _our_version()
    static.space_free = link.space().free


def _compare(link: BoardLink, static: Static) -> None:
    """Whether the files on the board are those that were deployed."""
    try:
        listed = json.loads(link.read_file(MANIFEST))
        files, pending = dict(listed["files"]), dict(listed["pending"])
    except BoardError:
        return  # not by deploy: a MicroPython with plexus in it, or files copied by hand
    except (ValueError, KeyError, TypeError):
        files, pending = {}, {MANIFEST: ""}
    hashes = link.hashes(str(path) for path in files | pending if path != MANIFEST)
    differs = [
        path for path, digest in (files | pending).items() if hashes.get(str(path)) != digest
    ]
    static.files = sorted(map(str, differs))
    here = static.program in ("ok", "changed")
    if pending or (differs and not here):
        static.program = "partly"
    elif differs:
        static.program = "changed"


def _answers(link: BoardLink, code: str) -> dict[str, Any]:
    """What code prints: a name and a value in each line."""
    found = {}
    for line in link.exec(code, 30).splitlines():
        try:
            name, value = ast.literal_eval(line)
        except (ValueError, SyntaxError, TypeError):
            raise LinkError(
                f"{link.port}: the board's answer is not readable: {printable(line[:80])!r}"
            ) from None
        found[str(name)] = value
    return found


def _our_version() -> str:
    text = (REPOSITORY / "lib" / "plexus" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return found[1] if found else "unknown"
