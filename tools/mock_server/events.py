"""A doorbell: tells the pages that watch that something changed, without saying what."""

import asyncio
from collections.abc import AsyncIterator


class Events:
    """Many rings in a short time are one ring to a watcher, so a flood costs nothing."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Event] = set()
        self.closed = False

    def ring(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    def close(self) -> None:
        self.closed = True
        self.ring()

    async def watch(self, heartbeat_s: float, pause_s: float) -> AsyncIterator[bool]:
        """Yields True when it rang, False when nothing rang for heartbeat_s."""
        bell = asyncio.Event()
        bell.set()
        self._watchers.add(bell)
        try:
            while not self.closed:
                try:
                    await asyncio.wait_for(bell.wait(), heartbeat_s)
                    yield True
                except TimeoutError:
                    yield False
                bell.clear()
                await asyncio.sleep(pause_s)
        finally:
            self._watchers.discard(bell)
