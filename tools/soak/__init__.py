"""The command `python -m tools soak`: the client through every kind of fault, and the account."""

import argparse
import time

MIN_S = 5


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "soak",
        help="the client under MicroPython through every kind of fault, and an account of it",
        description="Send readings of every kind over http and https from several threads under "
        "MicroPython, through faults of the server, the network and the clock in random order; and "
        "start the firmware with damaged files. The exit status is 0 only if every reading is "
        "accounted for.",
    )
    add = parser.add_argument
    add("--for", dest="for_s", type=float, default=300, metavar="S",
        help=f"how long, at least {MIN_S} (300); from 120 on each fault comes")  # fmt: skip
    add("--seed", type=int, help="decides the order of the faults (default: another each time)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the soak; returns the exit status."""
    if options.for_s < MIN_S:
        print(f"soak: --for takes {MIN_S} or more seconds")
        return 2
    from tools.soak import stage

    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000
    return stage.run(options.for_s, seed)
