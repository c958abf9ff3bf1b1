"""Adafruit's CircuitPython drivers as judges of ours: they run over the same models, on CPython.

Within `judging(clock)` they can be imported, from .venv/oracles; `Busio(i2c)` is what they take as
their bus. Their waits advance the models' clock instead of taking time.
"""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from models.bus import I2C, Clock
from sensors import Rig

_STUBS = Path(__file__).parent / "stubs"
_INSTALLED = Path(sys.prefix) / "oracles"


class Busio:
    """CircuitPython's busio.I2C over a simulated bus; each transfer takes a ms of its clock."""

    def __init__(self, bus: I2C) -> None:
        self._bus = bus

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def scan(self) -> list[int]:
        return self._bus.scan()

    def writeto(self, address: int, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        self._bus.clock.advance(1)
        self._bus.writeto(address, bytes(buffer[start:end]))

    def readfrom_into(
        self, address: int, buffer: Any, *, start: int = 0, end: int | None = None
    ) -> None:
        self._bus.clock.advance(1)
        end = len(buffer) if end is None else end
        buffer[start:end] = self._bus.readfrom(address, end - start)

    def writeto_then_readfrom(
        self,
        address: int,
        buffer_out: Any,
        buffer_in: Any,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        self.writeto(address, buffer_out, start=out_start, end=out_end)
        self.readfrom_into(address, buffer_in, start=in_start, end=in_end)


@contextmanager
def judging(clock: Clock) -> Iterator[None]:
    """Within it their modules can be imported, and the module `time` is the models' clock.

    What they import on the way (a stand-in for `micropython`, say) is gone afterwards.
    """

    def sleep(seconds: float) -> None:
        clock.advance(seconds * 1000)

    def now_s() -> float:
        return clock.now_ms / 1000

    def now_ns() -> int:
        return int(clock.now_ms * 1_000_000)

    with (
        mock.patch.object(time, "sleep", sleep),
        mock.patch.object(time, "monotonic", now_s),
        mock.patch.object(time, "monotonic_ns", now_ns),
        mock.patch.object(sys, "path", [str(_INSTALLED), str(_STUBS), *sys.path]),
        mock.patch.dict(sys.modules),
    ):
        yield


def states(rig: Rig, chance: random.Random, count: int = 200) -> Iterator[dict[str, Any]]:
    """Puts a rig's chip into so many random states; gives what our driver reads in each.

    Its formulas are compared, also with what the chip could not measure.
    """
    rig.driver.RANGES = ()
    for _ in range(count):
        rig.chip.vary(chance)
        yield rig.values()
