"""Pages of docs/ with tables that are made from code and data; the rest of them is written.

Each table stands between `<!-- made: NAME -->` and `<!-- end -->`, and is replaced as a whole.
"""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path

_MADE = re.compile(r"(?<=<!-- made: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def add_docs(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    page: Path,
    text: Callable[[], str],
) -> None:
    """Add the command `docs`, which writes the page: `text()` is what it has to be."""

    def run(_options: argparse.Namespace) -> int:
        page.write_text(text(), encoding="utf-8")
        print(page)
        return 0

    command = commands.add_parser("docs", help=f"write the tables of docs/{page.name}")
    command.set_defaults(run=run)


def text(page: Path, parts: Mapping[str, Callable[[], str]]) -> str:
    """What the page has to be: its own words, and the parts of today."""
    return _MADE.sub(
        lambda match: f"{match[1]}{match[2]}\n{parts[match[1]]()}\n",
        page.read_text(encoding="utf-8"),
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
