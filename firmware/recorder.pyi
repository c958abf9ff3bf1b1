from plexus.readings import batch
from plexus.readings.buffer import Buffer

class Recorder(Buffer):
    buffer: Buffer
    body: Buffer
    send_at = batch.send_at  # pyright: ignore[reportAssignmentType]
    send_batch = batch.send_batch  # pyright: ignore[reportAssignmentType]
    def __init__(self, ring_bytes: int) -> None: ...
