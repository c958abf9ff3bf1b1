"""Takes readings where a client would, in a wake that sends nothing: it has no network's code."""

from plexus.clock import Clock
from plexus.readings import batch, buffer


class Recorder(buffer.Buffer):
    """Recorder(ring_bytes): what a sampler asks of a client, and the ring behind it."""

    send_at = batch.send_at  # pyright: ignore[reportAssignmentType] -- its buffer is self
    send_batch = batch.send_batch  # pyright: ignore[reportAssignmentType]

    def __init__(self, ring_bytes):
        super().__init__(Clock(()), "drop_oldest")
        self.clock.lock = self.lock
        self.ring.data = bytearray(ring_bytes)
        self.listen(None)
        # What the store asks of a delivery.
        self.buffer = self.body = self
