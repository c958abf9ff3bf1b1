"""The command `python -m tools bench`: what the client costs, beside the naive way."""

import argparse


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "bench",
        help="memory, instructions, bytes and clock error, beside the naive way",
        description="Measure the client under real MicroPython beside the naive way: a list of "
        "dicts, json.dumps and one requests.post.",
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
    parser.set_defaults(run=run, refuse=parser.error)


def run(options: argparse.Namespace) -> int:
    """Measure and print; the exit status is 1 if a measurement failed, not if a promise did."""
    if options.write and not options.heap:
        options.refuse("--write: it goes with --heap")
    if options.heap:
        from tools.bench import heap

        return heap.run(write=options.write, as_json=options.json)
    from tools.bench import table
    from tools.bench.lab import Lab
    from tools.bench.measurements import MEASUREMENTS

    with Lab() as lab:
        sections = table.collect(lab, [m for m in MEASUREMENTS if options.only in m.__name__])
        machine = lab.machine()
    print(table.as_json(machine, sections) if options.json else table.as_text(machine, sections))
    return 1 if any(section.failure for section in sections) else 0
