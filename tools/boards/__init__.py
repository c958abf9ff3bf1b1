"""The command `python -m tools boards`: check the board profiles, write docs/boards.md."""

import argparse


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser("boards", help="check the board profiles, write their page")
    commands = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    command = commands.add_parser("check", help="check boards/*.json")
    command.set_defaults(run=run_check)
    command = commands.add_parser("docs", help="write the tables of docs/boards.md")
    command.set_defaults(run=run_docs)


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


def run_docs(_options: argparse.Namespace) -> int:
    """Make the tables of the page anew."""
    from tools.boards import page

    page.PAGE.write_text(page.text(), encoding="utf-8")
    print(page.PAGE)
    return 0
