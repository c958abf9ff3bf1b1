"""Makes a client of its options: checks them, takes the ring, and puts the parts together."""

import gc
import os

from . import __version__
from .clock import HOSTS, Clock

# Whole modules: each module's path in an import is one more name in a board's RAM.
from .delivery import Delivery, request, verdict
from .port import const, load, load_once, reserve
from .readings import buffer, render

# What fits beside TLS on a board whose RAM is shared with it, largest first.
_SHARED_RINGS = (16384, 8192, 4096, 2048, 1024)
_RING_BYTES = 16384
_BATCH_POINTS = const(1000)
# There TCP keeps what is on its way, and WiFi a copy of each of its packets: 5 kB of a request may
# take 14 kB. With no room left for an answer, nothing moves any more.
_SHARED_BATCH_POINTS = const(48)
_ROOTS_BYTES = const(12288)
_PSRAM_RING_BYTES = 65536
_PSRAM_HEAP_BYTES = 1000000
_SECTOR_BYTES = const(4096)

# What each is: client.pyi.
_DEFAULTS = {
    "endpoint": "https://app.plexus.company/api/ingest",
    "ring_bytes": None,
    "flush_interval_ms": 10000,
    "flush_fill_percent": 75,
    "batch_points": None,
    "timeout_ms": 10000,
    "verify": True,
    "ca": None,
    "ntp_hosts": HOSTS,
    "ntp_port": 123,
    "overflow": "drop_oldest",
    "require_clock": True,
    "keep_alive": False,
    "report_interval_ms": 0,
    "clock": None,
    "requests": None,
    "headers": None,
    "random": os.urandom,
    "store": None,
    "store_bytes": 65536,
    "persist_interval_s": 60,
}


def make(px, api_key, source_id, options):
    """Give the new client `px` its parts. ValueError names the option that is wrong."""
    for name in options:
        if name not in _DEFAULTS:
            raise TypeError("Plexus has no option %r" % name)
    values = dict(_DEFAULTS)
    values.update(options)
    get = values.get
    options = load_once(__name__, "options")
    check_range = options.check_range
    options.check_key(api_key)
    options.check_source(source_id)
    ring = get("ring_bytes")
    if ring is not None:
        options.check_ring(ring)
    check_range("flush_interval_ms", get("flush_interval_ms"), 0, 86400000)
    check_range("flush_fill_percent", get("flush_fill_percent"), 1, 100)
    batch_points = get("batch_points")
    if batch_points is None:
        batch_points = _BATCH_POINTS if reserve.free() is None else _SHARED_BATCH_POINTS
    check_range("batch_points", batch_points, 1, 10000)
    check_range("timeout_ms", get("timeout_ms"), 1, 600000)
    check_range("report_interval_ms", get("report_interval_ms"), 0, 86400000)
    if get("store") is not None:
        options.check_store(get("store"), get("store_bytes"), get("persist_interval_s"))
    options.check_overflow(get("overflow"))
    options.check_ntp(get("ntp_hosts"), get("ntp_port"))
    context = group = None
    endpoint = get("endpoint")
    reserve.without_tls(str(endpoint)[:6] != "https:")
    if str(endpoint)[:6] == "https:":
        tls = load(__name__, "tls")
        # Its roots take RAM of the system's as well.
        minimum = reserve.keep(0)
        reserve.hold(max(minimum, reserve.IDLE) - _ROOTS_BYTES)
        try:
            if not get("verify"):
                context = tls.unverified_context()
            elif get("ca") is not None:
                context = tls.verifying_context(get("ca"))
            else:
                context, group = tls.first_context()
        finally:
            reserve.keep(minimum)
    headers = get("headers")
    if headers is not None:
        options.check_headers(headers)
    px.http = request.Http(endpoint, api_key, context, get("timeout_ms"), get("requests"), headers)
    px.http.roots = group
    px.verified = bool(get("verify")) or context is None
    px.source_id = source_id
    px._require_clock = get("require_clock")
    px._keep_alive = get("keep_alive")
    px._interval_ms = get("flush_interval_ms")
    px._report_ms = get("report_interval_ms")
    px._goal = 0  # a flush is under way until the readings before this number are gone
    px.clock_problem = ""
    px.clock = clock = get("clock") or Clock(get("ntp_hosts"), get("ntp_port"))
    px.buffer = readings = buffer.Buffer(clock, get("overflow"))
    px.ticks_ms = readings.ticks_ms
    clock.lock = readings.lock
    clock.on_shift = px._date
    head = b'{"source_id":%s,"sdk":"micropython/%s","points":['
    head = head % (render.string_text(source_id), __version__.encode())
    body = render.Body(readings.ring, readings.lock, head)
    px.random = get("random")
    px.delivery = Delivery(px.http, readings, body, verdict.Retry(px.random), batch_points)
    px.store = readings.store = store = _store(px, get)
    px.step = (store or px.delivery).step
    if store:
        clock.on_shift = store.date
    px._flushed_at = px._reported_at = px.ticks_ms()
    px.ring_is_chosen = ring is None
    data = ring if isinstance(ring, bytearray) else _ring(ring)
    readings.ring.data = data
    readings.listen(None)
    px.send = readings.send
    px._fill_bytes = len(data) * get("flush_fill_percent") // 100  # pyright: ignore[reportOperatorIssue] -- an int


def _store(px, get):
    if get("store") is None:
        return None
    return load(__name__, "store").Store(
        px.delivery,
        # A folder of a package's name would hide it: the board's root is where imports look first.
        get("store") + ".store",
        get("store_bytes") // _SECTOR_BYTES,
        get("persist_interval_s") * 1000,
        not get("require_clock"),
        get("batch_points") is None and reserve.free() is None,
        px.random,
        px._date,
    )


def _ring(size):
    # Last of all, as it needs the heap's largest piece. If the heap has to grow for it, not into
    # what a connection needs.
    shared = reserve.free() is not None
    gc.collect()
    reserve.hold(reserve.RING)
    try:
        if size is not None:
            return bytearray(size)
        if not shared:
            return bytearray(_PSRAM_RING_BYTES if _has_psram() else _RING_BYTES)
        for size in _SHARED_RINGS:
            try:
                return bytearray(size)
            except MemoryError:
                pass
        return bytearray(size // 2)  # pyright: ignore[reportOptionalOperand] -- the least of them
    finally:
        reserve.hold(reserve.IDLE)


def _has_psram():
    try:
        import esp32  # noqa: F401
    except ImportError:
        return False
    return gc.mem_free() > _PSRAM_HEAP_BYTES
