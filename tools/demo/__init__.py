"""The command `python -m tools demo`: the firmware on a virtual board, its readings arriving."""

import argparse

from tools.demo.plan import MIN_S


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "demo",
        help="the firmware on a virtual board, through an outage, till Ctrl-C",
        description="Run the firmware on a virtual board under MicroPython against the mock "
        "server, with an outage. The exit status is 0 only if no reading was lost.",
    )
    add = parser.add_argument
    add("--for", dest="for_s", type=float, metavar="S",
        help=f"end after so many seconds, at least {MIN_S} (default: at Ctrl-C)")  # fmt: skip
    add("--port", type=int, default=8080, help="the server's port, the page's is one higher; "
        "others are taken if these are not free (8080)")  # fmt: skip
    add("--ring-bytes", type=int, default=131072, help="the device's ring (131072): it holds "
        "what a session of 20 ms records in an outage and the wait after it")  # fmt: skip
    add("--patience", dest="patience_s", type=float, default=120, metavar="S",
        help="a bounded run waits so long for each thing that has to come (120)")  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo; returns the exit status."""
    if options.for_s is not None and options.for_s < MIN_S:
        print(f"demo: --for takes {MIN_S} or more seconds")
        return 2
    from tools.demo.stage import Stage

    return Stage(options.for_s, options.port, options.ring_bytes, options.patience_s).run()
