from plexus.readings.buffer import Buffer

class Recorder(Buffer):
    buffer: Buffer
    body: Buffer
    def __init__(self, ring_bytes: int) -> None: ...
