"""The command `python -m tools monitor`: a board's console, readable, and the device's status."""

import argparse
import codecs
import re
import sys
from typing import Any

from tools.board_link.output import Console
from tools.board_link.ports import LinkError, find_port, printable
from tools.board_link.repl import BoardLink
from tools.board_link.tracebacks import Annotator, annotated

END = b"\x1d"  # Ctrl-]
_READ_S = 0.03  # how long a key may wait for the board
_STATUS = """
import sys
a=sys.modules.get('firmware.repl')
d=a and a.device
print(repr(None if d is None else [(str(what),str(words)) for what,words in d.status()]))
"""
# What a prompt needs to edit its line: of escape sequences, colours and the cursor's.
_ALLOWED = re.compile(r"\x1b\[[0-9;]{0,8}[A-DHJKm]|[\t\r\n\b]|[^\x00-\x1f\x7f-\x9f]")
_BEGUN = re.compile(r"\x1b(\[[0-9;]{0,8})?$")


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "monitor",
        help="show a board's console, or the device's status",
        description="Show what a board says, with the source lines in its tracebacks, and send it "
        "what is typed: Ctrl-C stops its program, Ctrl-D starts it again, Ctrl-] ends this.",
    )
    parser.add_argument("--port", help="serial port (default: the only one there is)")
    parser.add_argument("--reset", action="store_true", help="restart the board first")
    parser.add_argument(
        "--status",
        action="store_true",
        help="print how the device does, and end. Its program is stopped for that, and the board "
        "restarted: readings that wait in its memory are lost",
    )
    parser.add_argument("--for", type=float, dest="seconds", metavar="S", help="end after so long")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    console = Console(options.json)
    if options.json and not (options.status or options.seconds):
        return console.failed("--json goes with --status or --for", 2)
    if options.status and (options.reset or options.seconds):
        return console.failed("--status goes with neither --reset nor --for", 2)
    facts: dict[str, Any] = {}
    try:
        with BoardLink(find_port(options.port)) as link:
            facts["port"] = link.port
            if options.status:
                facts["status"] = _status(link, console)
                return console.done(**facts)
            if options.reset:
                link.hard_reset()
            if options.seconds is None and sys.stdin.isatty() and sys.stdout.isatty():
                _talk(link)
            else:
                facts["lines"] = _follow(link, options.seconds, console)
    except KeyboardInterrupt:
        pass
    except LinkError as error:
        return console.failed(error, **facts)
    return console.done(**facts)


def status(link: BoardLink) -> dict[str, str] | None:
    """How the device does, or did when its program was stopped; None: the firmware did not run."""
    import ast

    try:
        found = ast.literal_eval(link.exec(_STATUS, 20).strip())
        return None if found is None else {str(what): str(words) for what, words in found}
    except (ValueError, SyntaxError, TypeError):
        raise LinkError(f"{link.port}: the device's status is not readable") from None


def _status(link: BoardLink, console: Console) -> dict[str, str]:
    found = status(link)
    if found is None:
        raise LinkError(
            f"{link.port}: the firmware does not run there; --reset starts the board and shows "
            "what it says, python -m tools doctor says what is wrong"
        )
    for what, words in found.items():
        first, *more = annotated(words).split("\n")
        console.say(printable(f"{what:12} {first}"))
        for line in more:
            console.say(printable(f"{'':12} {line}"))
    link.hard_reset()
    return found


def _follow(link: BoardLink, seconds: float | None, console: Console) -> list[str]:
    """Show lines for so long; for ever if None. Returns them if they are wanted at the end."""
    lines: list[str] = []
    annotator = Annotator()
    for line in link.lines(float("inf") if seconds is None else seconds):
        for shown in annotator.feed(line + "\n").split("\n")[:-1]:
            console.say(shown)
            if console.as_json:
                lines.append(shown)
    return lines


def _talk(link: BoardLink) -> None:
    """Be the board's terminal until Ctrl-]."""
    from mpremote.console import Console as Terminal

    print(f"{link.port}: Ctrl-] ends, Ctrl-C stops the board's program", file=sys.stderr)
    terminal = Terminal()
    screen = Screen()
    gone = False
    terminal.enter()
    try:
        while True:
            try:
                if gone:
                    link.reopen(0)
                    gone = False
                data = link.read(_READ_S)
                while key := terminal.readchar():
                    if key == END:
                        return
                    link.send(key)
            except (OSError, LinkError):
                # As the port of a chip with USB of its own, which goes away while it restarts.
                if not gone:
                    terminal.write(b"\r\n(waiting for the port)\r\n")
                gone = True
                if terminal.readchar() == END:
                    return
                continue
            if data:
                terminal.write(screen.feed(data).encode())
    finally:
        terminal.exit()


class Screen:
    """What may be shown of a board's output, with the source lines in its tracebacks."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._annotator = Annotator()

    def feed(self, data: bytes) -> str:
        text = self._rest + self._decoder.decode(data)
        begun = _BEGUN.search(text)
        self._rest = begun[0] if begun else ""
        text = text[: len(text) - len(self._rest)]
        shown = []
        at = 0
        while at < len(text):
            found = _ALLOWED.match(text, at)
            shown.append(found[0] if found else "?")
            at = found.end() if found else at + 1
        return self._annotator.feed("".join(shown))
