"""The power fails at each single operation of the flash chip: what was safe comes back, once.

PLEXUS_CUTS=10000 in the environment makes it a run of so many readings.
"""

import os

from block_device import BLOCK, Chip, mounted, program, torn

from stores import Wire, stored_client
from support import FakeTicks, equal, only

URL = "http://127.0.0.1:9/api/ingest"
HEAP = "64M"
READINGS = int((hasattr(os, "getenv") and os.getenv("PLEXUS_CUTS")) or 1500)
TIMEOUT_S = 60 if READINGS <= 1500 else 3600
BLOCKS = 32
ROOT = "/chip"


class Place:
    path = ROOT + "/plexus"


class Run:
    """A run of a node whose network comes and goes; what was safe at each operation of the chip."""

    def __init__(self, readings):
        self.chip = Chip(BLOCKS)
        mounted(self.chip, ROOT, fresh=True)
        self.wire = Wire()
        self.start = bytearray(self.chip.data)
        self.journal = self.chip.journal = []
        self.states = []  # by operation: (readings that are safe, requests that were taken)
        self.safe = 0
        self.chip.on_change = self._note
        self._ticks = FakeTicks(1000)
        self._sent = 0
        self._restart()
        for phase in range(1000):
            if self._sent >= readings:
                break
            self._phase(phase)
        os.umount(ROOT)

    def _note(self):
        self.states.append((self.safe, len(self.wire.requests)))

    def _restart(self):
        self._before = self.px.confirmed + self._before if self._sent else 0
        options = {"ring_bytes": 1024, "persist_interval_s": 20, "flush_interval_ms": 5000}
        self.px = self.wire.attach(stored_client(Place, URL, self._ticks, **options))
        self._count()

    def _count(self):
        px = self.px
        equal((px.dropped, px.store.problem, px.store.damaged), (0, None, 0))
        self.safe = self._before + px.confirmed + px.store.pending + px.store.copied()

    def _phase(self, phase):
        # Slow and fast outages, a network that works, and a planned restart.
        for _ in range((40, 300, 60, 10)[phase % 4]):
            up = phase % 4 == 2
            self.px.send("n", self._sent)
            self._sent += 1
            self.px.tick(up)
            self._count()
            self._ticks.advance(2000 if phase % 4 != 1 else 50)
        if phase % 4 == 3:
            self.px.persist()
            self._count()
            self._restart()


def images(run):
    """What a chip may hold after a cut at each operation: (number, image), two for each."""
    base = bytearray(run.start)
    unsynced = []
    for number in range(len(run.journal)):
        change = run.journal[number]
        for forgetful in (False, True):
            image = bytearray(base)
            if not forgetful:
                for earlier in unsynced:
                    program(image, *earlier)
            torn(image, *change)
            yield number, image
        unsynced.append(change)
        if change[0] is None:
            for earlier in unsynced:
                program(base, *earlier)
            unsynced = []


@only("micropython")
def test_at_a_cut_at_any_operation_all_that_was_safe_arrives_and_one_request_twice_at_most():
    run = Run(READINGS)
    twice = 0
    for number, image in images(run):
        safe, requests = run.states[number]
        mounted(Chip(BLOCKS, image), ROOT)
        wire = Wire()
        px = wire.attach(stored_client(Place, URL))
        equal((px.store.problem, px.store.damaged), (None, 0))
        pending = px.pending
        equal(px.flush(), pending)
        equal((px.pending, px.store.damaged, os.listdir(ROOT + "/plexus.store")), (0, 0, []))
        os.umount(ROOT)
        before = [p["value"] for points in run.wire.requests[:requests] for p in points]
        after = wire.values()
        equal(after, sorted(after))
        arrived = set(before)
        repeated = [value for value in after if value in arrived]
        twice = max(twice, len(repeated))
        if repeated:
            last = [p["value"] for p in run.wire.requests[requests - 1]]
            equal((number, repeated), (number, [v for v in repeated if v in last]))
        equal((number, len(set(after))), (number, len(after)))
        missing = [v for v in range(safe) if v not in arrived and v not in set(after)]
        equal((number, missing), (number, []))
    print(len(run.journal), "operations,", run.chip.erases, "erases,", twice, "sent twice at most")
    assert run.chip.erases > 10 and len(run.journal) > 100 and BLOCK
