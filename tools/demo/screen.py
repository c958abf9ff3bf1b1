"""Shows the demo: a table that is drawn over and over on a terminal, lines of text elsewhere."""

import shutil
import sys
import textwrap
from typing import Any, TextIO

from tools.demo.arrivals import INTERVALS_MS, Arrivals, now_ms
from tools.demo.device import Device

_EVENTS = 8
_PLAIN_EVERY_S = 2.0
_BOLD, _RED, _GREEN, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[0m"
_CLEAR_BELOW = "\x1b[J"
_COLOURS = {"bad": _RED, "good": _GREEN}


class Screen:
    """`say` for what happened, `show` for how things stand."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._live = out.isatty()
        self._events: list[tuple[str, str]] = []
        self._drawn = 0
        self._shown_s = -_PLAIN_EVERY_S
        self._status = ""

    def say(self, at_s: float | None, text: str, kind: str = "") -> None:
        """Something happened, at so many seconds from the start. kind: "", "good" or "bad"."""
        stamp = "" if at_s is None else f"{at_s:6.1f} s  "
        if not self._live or at_s is None:
            self._print(stamp + text)
            return
        self._events.append((stamp + text, kind))
        del self._events[:-_EVENTS]

    def show(
        self, at_s: float, arrivals: Arrivals, out: bool, device: Device, dashboard: str
    ) -> None:
        """How things stand. dashboard: what there is to see of the device, in a line."""
        status = device.status
        if self._live:
            self._draw(self._picture(at_s, arrivals, out, device, dashboard))
        elif at_s - self._shown_s >= _PLAIN_EVERY_S and status != self._status:
            self._shown_s = at_s
            self._status = status
            self._print(f"{at_s:6.1f} s  arrived: {_counts(arrivals)}")
            self._print(f"{at_s:6.1f} s  device: {status}")
            self._print(f"{at_s:6.1f} s  dashboard: {dashboard}")

    def leave(self) -> None:
        """Keep what is drawn; what follows goes below it."""
        self._drawn = 0
        self._events.clear()

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def _picture(
        self, at_s: float, arrivals: Arrivals, out: bool, device: Device, dashboard: str
    ) -> list[tuple[str, str]]:
        lines = [("", ""), (f"{'metric':20}{'arrived':>8}  {'age':>7}  last value", "bold")]
        now = now_ms()
        for name, metric in arrivals.metrics.items():
            age = f"{(now - metric.times_ms[-1]) / 1000:.1f} s" if metric.times_ms else "-"
            count = len(metric.times_ms)
            lines.append((f"{name:20}{count:>8}  {age:>7}  {_value(metric.value)}", ""))
        link = ("OUTAGE: the server is unreachable", "bad") if out else ("server is up", "good")
        lines += [("", ""), (f"{at_s:6.1f} s  {link[0]}", link[1])]
        pending = device.pending
        lines += [(f"waiting   {pending:4} readings  {'#' * (pending // 4)}", "bad" if out else "")]
        lines += [(f"device    {device.status}", ""), (f"dashboard {dashboard}", ""), ("", "")]
        return lines + self._events

    def _draw(self, lines: list[tuple[str, str]]) -> None:
        width = shutil.get_terminal_size().columns - 1
        text = f"\x1b[{self._drawn}A\r{_CLEAR_BELOW}" if self._drawn else ""
        self._drawn = 0
        for line, kind in lines:
            # Wrapped here, because what the terminal wraps cannot be counted.
            for part in textwrap.wrap(line, width, subsequent_indent=" " * 10) or [""]:
                colour = _BOLD if kind == "bold" else _COLOURS.get(kind, "")
                text += f"{colour}{part}{_PLAIN if colour else ''}\n"
                self._drawn += 1
        self._out.write(text)
        self._out.flush()


def _counts(arrivals: Arrivals) -> str:
    return ", ".join(
        f"{name} {len(arrivals.metrics[name].times_ms)} ({_value(arrivals.metrics[name].value)})"
        for name in INTERVALS_MS
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={number}" for key, number in sorted(value.items()))
    return {True: "true", False: "false", None: "-"}.get(value, str(value))
