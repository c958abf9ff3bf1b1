"""Holds back the RAM that a connection needs, on boards where Python's heap would take it.

On an ESP32 without PSRAM, TLS, TCP and WiFi share one heap of the system's with Python, whose own
heap grows into it: by as much as Python has already, and for good (docs/memory.md). So the RAM of
a connection is held while no connection has it. What holds it are the stacks of threads that wait
for a lock and do nothing: they lie in the system's heap, and take next to none of Python's.
"""

from . import const, sleep_ms

_SHARED_BYTES = const(600000)  # boards with more than this for their data have PSRAM
_PIECE_BYTES = const(22528)  # the buffers of one TLS connection
_MIN_BYTES = const(4096)
_SPARE_BYTES = const(4096)
_TLS_BYTES = const(38912)  # its buffers, its handshake, TCP
_FREED_MS = const(100)  # a stack is free when the system's idle task has seen to it

# A TLS connection takes 26 kB with its TCP, and 7 to 15 kB more in its handshake.
NONE = const(0)
PLAIN = const(12288)  # what TCP and WiFi want while a connection sends; without TLS, this is IDLE
CONNECTED = const(14336)  # beside a connection: for the next one's handshake
REACHING = const(30720)  # while TCP looks for the other side: what TLS takes then
IDLE = const(43008)  # while there is none
# While Python takes what it needs at the start: IDLE, and what WiFi and TCP use all the time.
START = const(51200)
RING = const(62464)  # the same in a program of which more is to come
BEFORE_INTERFACE = const(92160)  # START, and what Ethernet or WiFi takes when it begins

_minimum = 0
_unneeded = 0  # of the sizes from IDLE on
_held = []  # (lock, bytes) of each thread

try:
    import _thread

    from esp32 import HEAP_DATA, idf_heap_info
except ImportError:
    HEAP_DATA = None  # pyright: ignore[reportGeneralTypeIssues] -- it is final where there is one


def free():
    """(bytes free, largest piece) of the system's heap for data; None where it is not shared."""
    if HEAP_DATA is None:
        return None
    size = found = largest = 0
    for area in idf_heap_info(HEAP_DATA):
        size += area[0]
        found += area[1]
        largest = max(largest, area[2])
    return (found, largest) if size < _SHARED_BYTES else None


def _held_bytes():
    return sum([piece for _, piece in _held])


def shortage():
    """(kB left, kB needed) if a TLS connection needs more than there is, else None.

    Left is what is free or held. It is to be asked while there is no connection.
    """
    now = free()
    if now and not _unneeded:
        left = now[0] + _held_bytes()
        if left < _TLS_BYTES:
            return left >> 10, _TLS_BYTES >> 10


def spare():
    """Before a look-up or NTP: let go of the RAM that they need, if Python has taken the rest."""
    now = free()
    if now and now[0] < _SPARE_BYTES:
        hold(max(_held_bytes() - _SPARE_BYTES, 1))


def without_tls(is_so):
    """Whether the connection to come has no TLS: then less is held, from the next call on."""
    global _unneeded
    _unneeded = IDLE - PLAIN if is_so else 0


def keep(size):
    """From now on hold at least so many bytes, but for a connection; returns what it was before."""
    global _minimum
    before, _minimum = _minimum, size
    hold(max(size, IDLE))
    return before


def hold(size):
    """Hold so many bytes in all, or as many as there are in pieces that are worth it.

    NONE is for the moment of a connection; more than that is not less than what keep() has set.
    CONNECTED and REACHING come after what the connection itself needs for its traffic, and IDLE
    after what WiFi and an answer of NTP's need.
    """
    size = size and max(size, _minimum)
    spare = PLAIN if size in (CONNECTED, REACHING) else _SPARE_BYTES if size == IDLE else 0
    if size >= IDLE:
        size -= _unneeded
    now = free()
    if now is None:
        return
    held = _held_bytes()
    missing = min(size, max(held + now[0] - spare, 0)) - held
    while missing < 0 and _held:
        lock, piece = _held.pop()
        missing += piece
        lock.release()
        waited_ms = 0
        while free()[0] < now[0] + piece and waited_ms < _FREED_MS:
            sleep_ms(1)
            waited_ms += 1
        now = free()
    while missing >= _MIN_BYTES:
        now = free()
        piece = min(missing, _PIECE_BYTES, now[1] - 512)
        if piece < _MIN_BYTES:
            break
        lock = _thread.allocate_lock()
        lock.acquire()
        _thread.stack_size(piece)
        try:
            _thread.start_new_thread(lock.acquire, ())
        except (OSError, RuntimeError, MemoryError):
            break
        finally:
            _thread.stack_size(0)
        _held.append((lock, piece))
        missing -= piece
