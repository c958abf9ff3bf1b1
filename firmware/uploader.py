"""Brings the readings to the server, in a second thread or in the program's own loop.

A flush may take seconds, and sampling does not wait for it. A thread costs a stack of 10 kB and no
other code; over asyncio's streams it would need a second HTTP client in RAM. Where there is no RAM
for that stack the program's loop delivers, and reads its sensors while it waits for the network.
A TLS handshake holds all of an ESP32 either way, for which the client keeps its connection open.
"""

import _thread
import asyncio
import gc
import sys

from plexus import PlexusError
from plexus.port import const, reserve, sleep_ms

_INTERVAL_MS = const(50)
_TIMEOUT_MS = const(10000)  # the client's own
_MIN_MS = const(90000)  # names are looked up and hosts asked for the time
_REQUESTS = const(8)  # in one tick: a refused reading, and those that show whose fault it is
_MORE_MS = const(60000)
# What TLS needs on a board; frames of a 64-bit computer are twice as large, and its look-up of a
# name takes more.
_STACK_BYTES = 10240 if sys.maxsize < 1 << 32 else 131072


def limit_ms(config):
    """How long a healthy uploader may take from beat to beat with this configuration, in ms."""
    return max(_MIN_MS, _REQUESTS * config.get("timeout_ms", _TIMEOUT_MS) + _MORE_MS)


class Uploader:
    """Calls px.tick() over and over while `is_up()`, and `beat()` each time it is through with it.

    on_answer() is called after something on the network has replied, whatever it said;
    on_silence() after a request to which nothing has. error: what ended the thread, an exception,
    or None; then nothing beats any more.
    """

    def __init__(self, px, is_up, beat, on_answer, on_silence=None):
        self._px = px
        self._is_up = is_up
        self._beat = beat
        self._on_answer = on_answer
        self._on_silence = on_silence
        self._stop = self._flush_soon = self._was_up = False
        self.error = None
        self.running = False

    def start(self):
        """Begin, in a thread of its own: True; or False if there is no RAM for one: use run()."""
        self.running = True
        if reserve.free() is not None:
            return False  # it is TLS that needs it
        _thread.stack_size(_STACK_BYTES)
        try:
            _thread.start_new_thread(self._run, ())
            return True
        except (OSError, RuntimeError, MemoryError):
            return False
        finally:
            _thread.stack_size(0)

    async def run(self, meanwhile):
        """In place of the thread: a task of the program.

        meanwhile(): called while it waits for the network; returns the ms until there is more.
        """
        self._px.http.connection.idle = meanwhile
        while not self._stop:
            self.step()
            await asyncio.sleep(_INTERVAL_MS / 1000)
        self.running = False

    def stop(self):
        """Let the thread end after what it is doing; `running` tells when it has."""
        self._stop = True

    def flush_soon(self):
        """Send what waits at the next step, not only when a flush is due. From any thread."""
        self._flush_soon = True

    def _run(self):
        try:
            while not self._stop:
                self.step()
                sleep_ms(_INTERVAL_MS)
        except Exception as error:  # noqa: BLE001 -- nobody is below this: kept for the crash report
            self.error = error
        self.running = False

    def step(self):
        """One tick, if the network is there."""
        px = self._px
        up = self._is_up()
        if up and not self._was_up:
            px.retry_now()  # what it has waited for is there
        self._was_up = up
        if up:
            http = px.http
            answers, unanswered = http.answers, http.unanswered
            try:
                if self._flush_soon:
                    self._flush_soon = False
                    px.flush()
                else:
                    px.tick()
            except PlexusError:
                pass  # px.status says it, and tick() tries again
            except MemoryError:
                # The readings are still in the ring. What filled the heap may be gone next time.
                gc.collect()
            if http.answers != answers:
                self._on_answer()
            elif http.unanswered != unanswered and self._on_silence:
                self._on_silence()
        elif px.store:
            try:
                px.tick(up=False)  # what waits for the network outlives a power cut
            except MemoryError:
                gc.collect()
        self._beat()
