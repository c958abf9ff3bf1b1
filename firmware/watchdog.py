"""The hardware watchdog, fed only while every part that matters gives signs of life."""

import asyncio

from plexus.port import const, ticks_diff, ticks_ms

_CHECK_MS = const(1000)
_DAY_MS = const(86400000)

_latest = None  # the Watchdog that has the hardware's


def release():
    """stop() of the one that runs, whoever made it; nothing if none does."""
    if _latest:
        _latest.stop()


class Watchdog:
    """Watchdog(timeout_s); 0 watches the parts and never resets the board.

    wdt: what makes the hardware's, in place of machine.WDT. Only the thread that made it may
    call tick(); parts give their signs from any.
    """

    def __init__(self, timeout_s, wdt=None, ticks=ticks_ms):
        global _latest
        self._ticks = ticks
        self._parts = []
        self._make = self._wdt = None
        if timeout_s:
            if wdt is None:
                from machine import WDT as wdt
            self._make = wdt
            _latest = self  # before it runs, so that release() never misses it
            self._wdt = wdt(timeout=timeout_s * 1000)

    def part(self, name, limit_ms):
        """A part that gives a sign of life every `limit_ms`, or the board is reset.

        Returns the function that gives it. Time counts from now.
        """
        part = _Part(name, limit_ms, self._ticks)
        self._parts.append(part)
        return part.beat

    @property
    def late(self):
        """The names of the parts that are over their limits, a list."""
        now = self._ticks()
        return [part.name for part in self._parts if ticks_diff(now, part.at) > part.limit_ms]

    def tick(self):
        """Feed it if no part is late; returns the ms until the next time."""
        if self._wdt and not self.late:
            self._wdt.feed()
        return _CHECK_MS

    async def run(self):
        """tick() for ever."""
        while True:
            await asyncio.sleep(self.tick() / 1000)

    def stop(self):
        """For a person at the REPL: it cannot be stopped, so it gets a day.

        On an ESP32 a new one replaces the limit of the one before (esp_task_wdt_reconfigure).
        """
        if self._make:
            self._make(timeout=_DAY_MS).feed()
            self._make = self._wdt = None


class _Part:
    def __init__(self, name, limit_ms, ticks):
        self.name = name
        self.limit_ms = limit_ms
        self.at = ticks()
        self._ticks = ticks

    def beat(self):
        self.at = self._ticks()
