"""The time servers, what they say wrong, and by how much a reading's time may be off for that."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator

from tools.soak.kinds import TIMES, TimeKind
from tools.soak.lanes import now_ms
from tools.time_server import Behaviour, TimeServer

HOSTS = ("127.0.0.1", "127.0.0.2")
# The client asks every 2.5 s: device/sender.py.
_PHASE_S, _PAUSE_S = 5.5, 2.5
_DENIED = "DENY"


class Clocks:
    """In a `with`: two time servers on one port. `storm()`, another: what they say changes.

    offsets: (since, ms from the true time) in epoch ms, of what both of them say: what a client
    may believe. given: how often each kind of fault was.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"{seed} time")
        self._first = TimeServer(chrony=False, host=HOSTS[0])
        self.offsets: list[tuple[int, int]] = [(0, 0)]
        self.given: Counter[str] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="soak-time", daemon=True)

    @property
    def port(self) -> int:
        return self._first.port

    def __enter__(self) -> "Clocks":
        self._first.__enter__()
        self._second = TimeServer(host=HOSTS[1], port=self.port)
        self._second.__enter__()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._second.__exit__()
        self._first.__exit__()

    @contextlib.contextmanager
    def storm(self) -> Iterator[None]:
        """Within it they say what is wrong, one thing after the other."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    def _run(self) -> None:
        for kind in self._order():
            self._say(kind.first, kind.second or kind.first)
            asked = self._first.asked, self._second.asked
            over = self._ended.wait(_PHASE_S)
            heard = self._first.asked > asked[0], self._second.asked > asked[1]
            self.given[kind.name] += heard[0] if kind.second else any(heard)
            self._say(Behaviour(), Behaviour())
            if over or self._ended.wait(_PAUSE_S):
                return

    def _order(self) -> Iterator[TimeKind]:
        # A client that was told to ask one of them never again believes the other alone. So that
        # comes after all else, once, and then none lies alone.
        kinds = [kind for kind in TIMES if kind.first.kiss != _DENIED]
        (last,) = [kind for kind in TIMES if kind not in kinds]
        self._chance.shuffle(kinds)
        yield from [*kinds, last]
        kinds = [kind for kind in kinds if not kind.second]
        while True:
            self._chance.shuffle(kinds)
            yield from kinds

    def _say(self, first: Behaviour, second: Behaviour) -> None:
        if first.offset_ms == second.offset_ms:
            self.offsets.append((now_ms(), first.offset_ms))
        self._first.behave(first)
        self._second.behave(second)
