"""A store on a flash that is full, worn or too small: that is told, and delivery goes on."""

import os

from block_device import BLOCK, Chip, mounted

from stores import Wire, fill_until_written, stored_client
from support import FakeTicks, equal, only

URL = "http://127.0.0.1:9/api/ingest"
ROOT = "/chip"
HEAP = "16M"
MINUTE_MS = 60000


class Place:
    path = ROOT + "/plexus"


class Board:
    """`with Board(blocks) as board:` its file system is there; `client()` is what starts on it."""

    def __init__(self, blocks):
        self.chip = Chip(blocks)
        self.wire = Wire()
        self.ticks = FakeTicks(1000)

    def __enter__(self):
        mounted(self.chip, ROOT, fresh=True)
        return self

    def __exit__(self, *_):
        os.umount(ROOT)

    def client(self, **options):
        return self.wire.attach(stored_client(Place, URL, self.ticks, **options))

    def fill(self):
        """Files of somebody else's, a block each, until there is no room."""
        number = 0
        while True:
            try:
                with open("%s/%d" % (ROOT, number), "wb") as file:
                    file.write(bytes(BLOCK))
            except OSError:
                return
            number += 1


@only("micropython")
def test_a_full_file_system_costs_a_warning_and_no_reading_that_fits_into_ram():
    with Board(16) as board:
        px = board.client()
        board.fill()
        for value in range(400):
            px.send("n", value)
        equal(px.persist(), False)
        assert "the file system is full" in px.status, px.status
        equal((px.flush(), board.wire.values()), (400, list(range(400))))


@only("micropython")
def test_when_there_is_room_again_the_warning_is_gone():
    with Board(16) as board:
        px = board.client()
        board.fill()
        for value in range(400):
            px.send("n", value)
        equal(px.persist(), False)
        os.remove(ROOT + "/0")
        for _ in range(3):
            board.ticks.advance(MINUTE_MS)
            px.tick(up=False)
        equal((px.store.problem, px.store.copied()), (None, 400))


@only("micropython")
def test_a_worn_flash_is_tried_once_a_minute_only():
    with Board(16) as board:
        px = board.client(persist_interval_s=1)
        tries = []

        def fails():
            tries.append(board.ticks())
            raise OSError(5)

        board.chip.on_change = fails
        for second in range(300):
            px.send("n", second)
            px.tick(up=False)
            board.ticks.advance(1000)
        minutes = {at // MINUTE_MS for at in tries}
        assert 4 <= len(minutes) <= 6, tries
        assert "the flash fails" in px.status, px.status
        equal((px.flush(), px.dropped), (300, 0))


@only("micropython")
def test_a_smaller_budget_drops_the_oldest_files():
    with Board(64) as board:
        px = board.client(store_bytes=8 * BLOCK)
        count = 0
        while len(px.store.files) < 8:
            count += fill_until_written(px, count)
        px.persist()
        px = board.client(store_bytes=3 * BLOCK)
        equal(px.pending, count)
        for value in range(count, count + 4000):
            px.send("n", value)
            px.tick(up=False)
        assert len(px.store.files) <= 3
        equal(px.pending + px.dropped, count + 4000)
        kept = px.pending
        px.flush()
        equal(board.wire.values(), list(range(count + 4000 - kept, count + 4000)))
