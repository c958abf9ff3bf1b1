"""Dispatch `python -m tools <command>` to the module that registered the command."""

import argparse
import importlib
import pkgutil
import sys

import tools
from tools import commands


def build_parser() -> argparse.ArgumentParser:
    """A parser with one subcommand for each module of tools or tools/commands that registers one.

    A module takes part by having `register(subcommands)`, which adds its parser and sets the
    default `run`, a function from the parsed arguments to the exit status. Its heavy imports
    belong inside `run`, so that a command works without what the others need.
    """
    parser = argparse.ArgumentParser(prog="python -m tools", description=tools.__doc__)
    subcommands = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    for package in (tools, commands):
        for found in pkgutil.iter_modules(package.__path__):
            if found.name.startswith("_"):
                continue
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            register = getattr(module, "register", None)
            if register is not None:
                register(subcommands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
