"""The table of the benchmarks: rows, their promises, as text and as JSON."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any


class Unavailable(Exception):
    """A measurement's tool is not installed; the message says which, and how to get it."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure, beside the naive way's; `limit` is what is promised of ours.

    higher: more is better, and the limit is the least. None: not measured, or not promised.
    failure: why there is no figure.
    """

    what: str
    unit: str
    ours: float | None
    naive: float | None = None
    limit: float | None = None
    higher: bool = False
    failure: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better ours is than the naive way; None if one is missing or zero."""
        if not self.ours or not self.naive:
            return None
        return self.ours / self.naive if self.higher else self.naive / self.ours

    @property
    def verdict(self) -> str:
        """Empty without a promise, "ok", by how much the promise is missed, or what failed."""
        if self.failure:
            return f"fails: {self.failure}"
        if self.limit is None or self.ours is None:
            return ""
        over = self.limit - self.ours if self.higher else self.ours - self.limit
        if over <= 0:
            return "ok"
        return f"missed by {number(over)} {self.unit} ({100 * over / self.limit:.0f} %)"


@dataclasses.dataclass
class Section:
    """The rows of one measurement; without its tool `skipped` says why there are none."""

    title: str
    rows: list[Row] = dataclasses.field(default_factory=list)
    skipped: str = ""
    failure: str = ""


def collect(lab: Any, measurements: Iterable[Callable[[Any], Iterable[Row]]]) -> list[Section]:
    """Run the measurements, whose docstrings are their titles, one after another."""
    sections = []
    for measurement in measurements:
        title = (measurement.__doc__ or measurement.__name__).partition("\n")[0].rstrip(".")
        section = Section(title)
        start = time.monotonic()
        try:
            for row in measurement(lab):
                section.rows.append(row)
        except Unavailable as reason:
            section.skipped = str(reason)
        except RuntimeError as error:
            section.failure = str(error)
        print(f"{time.monotonic() - start:5.1f} s  {title}", file=sys.stderr, flush=True)
        sections.append(section)
    return sections


_HEADER = ("", "unit", "ours", "naive", "ratio", "promise", "")


def as_text(title: str, sections: list[Section]) -> str:
    """The table for a person, below a title."""
    body = [[_cells(row) for row in section.rows] for section in sections]
    every = [_HEADER, *(cells for rows in body for cells in rows)]
    widths = [max(len(cells[i]) for cells in every) for i in range(len(_HEADER))]
    lines = [title, "ratio: how many times better ours is", "", _line(_HEADER, widths)]
    return "\n".join(lines + _sections(sections, body, widths))


def as_list(title: str, sections: list[Section]) -> str:
    """The same of what has no naive way beside it, and no promise."""
    body = [
        [(f"  {row.what}", row.unit, number(row.ours), row.verdict) for row in section.rows]
        for section in sections
    ]
    every = [cells for rows in body for cells in rows] or [("", "", "", "")]
    widths = [max(len(cells[i]) for cells in every) for i in range(4)]
    return "\n".join([title, *_sections(sections, body, widths)])


def _sections(
    sections: list[Section], body: Iterable[list[tuple[str, ...]]], widths: list[int]
) -> list[str]:
    lines: list[str] = []
    for section, rows in zip(sections, body, strict=True):
        lines += ["", section.title]
        lines += [_line(cells, widths) for cells in rows]
        if section.skipped:
            lines.append(f"  skipped: {section.skipped}")
        if section.failure:
            lines.append(f"  failed: {section.failure}")
    return lines


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{number(row.ratio)} x"
    limit = ""
    if row.limit is not None:
        limit = f"{'>=' if row.higher else '<='} {number(row.limit)}"
    ours, naive = number(row.ours), number(row.naive)
    return (f"  {row.what}", row.unit, ours, naive, ratio, limit, row.verdict)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, unit, *numbers, verdict = cells
    padded = [first.ljust(widths[0]), unit.ljust(widths[1])]
    padded += [cell.rjust(width) for cell, width in zip(numbers, widths[2:-1], strict=True)]
    return "  ".join([*padded, verdict]).rstrip()


def number(value: float | None) -> str:
    """With thousands separators, and three significant digits below 100."""
    if value is None:
        return "-"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def as_json(machine: str, sections: list[Section]) -> str:
    """The same for a program: the machine, and the sections with their rows."""
    document = []
    for section in sections:
        rows = [
            {**dataclasses.asdict(row), "ratio": row.ratio, "verdict": row.verdict}
            for row in section.rows
        ]
        document.append({**dataclasses.asdict(section), "rows": rows})
    return json.dumps({"machine": machine, "sections": document}, indent=2)
