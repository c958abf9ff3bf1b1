"""The command `python -m tools bench`: what the client costs, here or on a board."""

import argparse
import os

from tools.board_link.output import Console


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "bench",
        help="memory, instructions, bytes and clock error, beside the naive way; or a board's",
        description="Measure the client under real MicroPython on this computer beside the naive "
        "way: a list of dicts, json.dumps and one requests.post. With --port, measure it on a "
        "board: heap, the system's heap, times, the largest ring and the lateness of sampling. The "
        "board is reset for each of them, and delivers over WiFi and https to a server that runs "
        "on this computer meanwhile. Its files are left alone.",
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument(
        "--only", metavar="WORD", default="", help="only the measurements whose name has this word"
    )
    heap = parser.add_argument_group("a board's heap, part by part, and its budget")
    heap.add_argument(
        "--heap", action="store_true", help="only that: what each import keeps, beside its budget"
    )
    heap.add_argument(
        "--write", action="store_true", help="with --heap: make what is measured the budget"
    )
    board = parser.add_argument_group("a board")
    board.add_argument("--port", help="its serial port; socket://host:port is one as well")
    board.add_argument(
        "--address",
        help="this computer's address, or name, as the board reaches it (default: the address of "
        "the interface with the default route)",
    )
    board.add_argument(
        "--ssid",
        default=os.environ.get("PLEXUS_WIFI_SSID"),
        help="the WiFi network to join (default: $PLEXUS_WIFI_SSID, else what the board's own "
        "plexus.json names)",
    )
    board.add_argument(
        "--password",
        default=os.environ.get("PLEXUS_WIFI_PASSWORD"),
        help="its password (default: $PLEXUS_WIFI_PASSWORD, else none)",
    )
    board.add_argument(
        "--keep",
        action="store_true",
        help="leave the files in /plexus-bench on the board, so that the next time is shorter",
    )
    parser.set_defaults(run=run, refuse=parser.error)


def run(options: argparse.Namespace) -> int:
    """Measure and print; the exit status is 1 if a measurement failed, not if a promise did."""
    if options.write and not options.heap:
        options.refuse("--write: it goes with --heap")
    if options.heap:
        from tools.bench import heap

        return heap.run(write=options.write, as_json=options.json)
    return _on_board(options) if options.port else _here(options)


def _here(options: argparse.Namespace) -> int:
    from tools.bench import table
    from tools.bench.lab import Lab
    from tools.bench.measurements import MEASUREMENTS

    with Lab() as lab:
        sections = table.collect(lab, [m for m in MEASUREMENTS if options.only in m.__name__])
        machine = lab.machine()
    text = table.as_json(machine, sections)
    print(text if options.json else table.as_text(f"On {machine}", sections))
    return 1 if any(section.failure for section in sections) else 0


def _on_board(options: argparse.Namespace) -> int:
    from tools.bench import table
    from tools.bench.board_lab import BoardLab
    from tools.bench.board_measurements import MEASUREMENTS
    from tools.board_link.ports import LinkError
    from tools.board_link.repl import BoardLink

    console = Console(options.json)
    wifi = (options.ssid, options.password) if options.ssid else None
    wanted = [m for m in MEASUREMENTS if options.only in m.__name__]
    try:
        with (
            BoardLink(options.port) as link,
            BoardLab(link, console, address=options.address, wifi=wifi, keep=options.keep) as lab,
        ):
            sections = table.collect(lab, wanted)
            machine = lab.machine()
    except LinkError as error:
        return console.failed(error)
    text = table.as_json(machine, sections)
    print(text if options.json else table.as_list(f"board: {machine}", sections))
    return 1 if any(section.failure for section in sections) else 0
