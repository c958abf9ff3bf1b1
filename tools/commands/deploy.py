"""The command `python -m tools deploy`: bring the library and the firmware to a board."""

import argparse
import json
from pathlib import Path
from typing import Any

from tools.board_link import romfs
from tools.board_link.device import Device
from tools.board_link.output import Console
from tools.board_link.ports import LinkError, find_port
from tools.board_link.repl import BoardError, BoardLink
from tools.board_link.target import DeployError, Report, Target
from tools.boards import ram

CONFIRMED = "plexus: first readings confirmed"
_WAIT_S = 120


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "deploy",
        help="bring the library and the firmware to a board",
        description="Compile plexus and its firmware for the board's MicroPython, copy what has "
        "changed, restart the board, and wait until the server has confirmed its first readings. "
        "Files of yours on the board are left alone.",
    )
    parser.add_argument("--port", help="serial port (default: the only one there is)")
    parser.add_argument("--board", metavar="NAME", help="what board it is: a file of boards/")
    parser.add_argument("--config", type=Path, metavar="FILE", help="becomes /plexus.json")
    parser.add_argument(
        "--lib-only", action="store_true", help="only the module plexus, for a program of yours"
    )
    parser.add_argument("--force", action="store_true", help="replace a boot.py, main.py of yours")
    parser.add_argument("--bytecode", action="store_true", help="without machine code; slower")
    ram.add_argument(parser)
    parser.add_argument("--no-reset", action="store_true", help="leave the board at its prompt")
    parser.add_argument(
        "--wait",
        type=float,
        default=_WAIT_S,
        metavar="S",
        help="how long to wait for confirmed readings, 0 for not at all (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from tools.artifacts.payload import PayloadError
    from tools.boards.profiles import ProfileError
    from tools.build import BuildError

    console = Console(options.json)
    if options.lib_only and (options.board or options.config):
        return console.failed("--lib-only cannot be combined with --board or --config", 2)
    report = Report()
    facts: dict[str, Any] = {}
    try:
        with BoardLink(find_port(options.port)) as link:
            facts["port"] = link.port
            _deploy(link, options, console, report, facts)
    except (
        *(LinkError, DeployError, PayloadError),
        *(BuildError, ProfileError, ram.RamError),
    ) as error:
        return console.failed(error, **facts, **vars(report))
    return console.done(**facts, **vars(report))


def _deploy(
    link: BoardLink,
    options: argparse.Namespace,
    console: Console,
    report: Report,
    facts: dict[str, Any],
) -> None:
    from tools.artifacts import payload
    from tools.board_link import device

    settings = {}  # files that are the user's once they are there: not in the manifest
    profile = None
    if options.board:
        profile, settings[payload.BOARD] = payload.board(options.board)
    if options.config:
        settings[payload.CONFIG] = payload.config(options.config)

    link.clean()
    there = device.ask(link)
    arch = device.architecture(there, options.bytecode)
    facts.update(micropython=there.release, machine=there.machine, arch=arch)
    if profile:
        _check_board(there, profile)
    console.say(f"{link.port}: {there.machine}, MicroPython {there.release}, {arch}")
    _check_frozen(link)
    if options.config:
        warned = ram.warning(
            profile or _own_profile(link), json.loads(settings[payload.CONFIG]), options.anyway
        )
        report.notes += [warned] if warned else []

    lines = not device.is_short_of_ram(link)
    files = payload.library(arch, lines)
    if not options.lib_only:
        files.update(payload.program(arch, lines))
    rom = romfs.find(link)
    if rom:
        files, image = _into_rom(rom, files, options.lib_only, report)
    else:
        image = None
    target = Target(link, report)
    plan = target.plan(files, settings, options.lib_only, options.force)
    if not options.lib_only and not plan.has_profile:
        raise DeployError(f"the board has no profile: add --board {_like(there)}")
    with console.progress("copying", plan.bytes + len(image or b"")) as advance:
        if rom and image:
            # Before the same modules are removed from the file system.
            rom.write(image, advance)
            report.bytes += len(image)
        target.carry_out(plan, advance)
    _tell(console, report)

    report.configured = plan.configured
    if options.lib_only or options.no_reset:
        if image:
            link.clean()  # mounts it
        console.say("the board is at its prompt; reset it to run its program")
    elif not plan.configured:
        link.hard_reset()
        console.say(
            "the board has no configuration yet: python -m tools provision, or join the WiFi that "
            "it opens"
        )
    else:
        link.hard_reset()
        if options.wait:
            report.confirmed = False
            _wait(link, options.wait, console)
            report.confirmed = True


def _into_rom(
    rom: romfs.Rom, files: dict[str, bytes], lib_only: bool, report: Report
) -> tuple[dict[str, bytes], bytes | None]:
    """Which files remain for the file system, and the image that the ROMFS needs, None for none."""
    from tools.board_link.target import PACKAGES

    if not (rom.is_blank or rom.is_ours):
        hides = rom.hides(("plexus", "firmware"))
        if hides:
            raise DeployError(
                f"{hides} on the board hides what is in /lib; leave it out of the ROMFS of yours"
            )
        report.notes.append("the ROMFS on the board is yours, and is left alone")
        return files, None
    if lib_only:  # the rest of the image stays
        kept = [path for path in rom.hashes if not path.startswith(PACKAGES[0])]
        files = files | {path: rom.read(path) for path in kept}
    inside, outside = romfs.split(files, rom.size)
    left = sorted({path.split("/")[2] for path in outside if path.startswith(PACKAGES)})
    if left:
        report.notes.append(
            f"the ROMFS has {rom.size // 1024} KiB: {' and '.join(left)} did not fit into it and "
            "goes to /lib"
        )
    image = romfs.image(inside)
    report.romfs = sorted(inside)
    if rom.holds(image) or (rom.is_blank and not inside):
        report.unchanged += len(inside)
        return outside, None
    report.copied += [romfs.MOUNTED + path for path in sorted(inside)]
    return outside, image


def _tell(console: Console, report: Report) -> None:
    console.say(
        f"{len(report.copied)} files copied ({report.bytes / 1000:.1f} kB), "
        f"{report.unchanged} as they were, {len(report.removed)} removed"
    )
    if report.romfs:
        console.say(f"{len(report.romfs)} of them run in place from the ROMFS")
    for note in report.notes:
        console.say(note)


def _check_board(there: Device, profile: dict[str, Any]) -> None:
    if there.mcu not in (None, profile["mcu"]):
        raise DeployError(
            f"{profile['name']} has an {profile['mcu']}, and the board says {there.machine!r}; "
            f"it may be {_like(there)}"
        )


def _own_profile(link: BoardLink) -> dict[str, Any]:
    """The profile that the board has; nothing if it has none, or one that is not readable."""
    from tools.artifacts.payload import BOARD

    try:
        found = json.loads(link.read_file(BOARD))
    except (BoardError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _like(there: Device) -> str:
    """Boards with this chip, for a message."""
    from tools.boards import profiles

    names = profiles.names()
    return " or ".join(
        name
        for name in names
        if there.mcu in (None, profiles.load(profiles.BOARDS / f"{name}.json")["mcu"])
    )


def _check_frozen(link: BoardLink) -> None:
    """DeployError if MicroPython would not look for plexus where it is going to be."""
    hides = link.exec(
        "import sys,os\n"
        "for n in os.listdir('/'):\n"
        " if n.split('.')[0] in ('plexus','firmware') and (n[-3:]=='.py' or n[-4:]=='.mpy'"
        " or '.' not in n):\n"
        "  print('/'+n)\n"
        "path=sys.path[:]\n"
        "sys.path[:]=['.frozen']\n"
        "try:\n import plexus\n print('frozen')\n"
        "except ImportError:\n pass\n"
        "sys.path[:]=path\n"
        "sys.modules.pop('plexus',None)"
    ).split()
    if "frozen" in hides:
        raise DeployError(
            "this MicroPython has plexus built in, which hides what is in /lib; build it anew, or "
            "write MicroPython's own with python -m tools flash"
        )
    if hides:
        raise DeployError(
            f"{hides[0]} on the board hides what is in /lib; remove it: mpremote rm -r :{hides[0]}"
        )


def _wait(link: BoardLink, timeout_s: float, console: Console) -> None:
    console.say(f"restarted; waiting {timeout_s:g} s at the most for confirmed readings")
    said: list[str] = []
    for line in link.lines(timeout_s):
        if line:
            said = [*said[-7:], line]
            console.say(f"  | {line}")
        if CONFIRMED in line:
            return
    ending = "".join(f"\n  | {line}" for line in said) if console.as_json else " is above"
    raise DeployError(
        f"deployed, but no reading was confirmed within {timeout_s:g} s; python -m tools doctor "
        f"looks for the reason. What the board said last:{ending}"
    )
