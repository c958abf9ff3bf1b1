"""The command `python -m tools boards`: check the board profiles, write docs/boards.md."""

import argparse

from tools import pages
from tools.boards.profiles import REPOSITORY


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser("boards", help="check the board profiles, write their page")
    commands = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    command = commands.add_parser("check", help="check boards/*.json")
    command.set_defaults(run=run_check)
    pages.add_docs(commands, REPOSITORY / "docs" / "boards.md", _page)


def run_check(_options: argparse.Namespace) -> int:
    """Say what is wrong, a line each; the exit status is 1 if anything is."""
    from tools.boards.check import check_all
    from tools.boards.profiles import names

    problems = check_all()
    for problem in problems:
        print(f"boards/{problem}")
    if not problems:
        print(f"{len(names())} boards are in order")
    return 1 if problems else 0


def _page() -> str:
    from tools.boards import page

    return page.text()
