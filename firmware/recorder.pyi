from plexus.readings.buffer import Buffer

class Recorder(Buffer):
    buffer: Buffer
    def __init__(self, ring_bytes: int) -> None: ...
