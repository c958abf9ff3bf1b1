"""What not every program asks of a client: by its name, from the module that has it."""

from .port import const, load, load_once, sleep_ms
from .readings import buffer

_PERSIST_MS = const(2000)  # beside a request
_STEP_MS = const(10)
_DATE_ERROR_MS = const(500)  # an HTTP Date has whole seconds
_PROPERTIES = ("status", "answers", "unanswered")
_METHODS = {
    "send_at": "readings.batch",
    "send_batch": "readings.batch",
    "event": "readings.batch",
    "session": "delivery.sessions",
    "run": "delivery.runs",
    "credentials": None,
    "retry_now": None,
    "diagnostics": None,
    "persist": None,
}


def find(px, name):
    """The value of this attribute of a client; AttributeError if there is none."""
    if name in _PROPERTIES:
        return getattr(load_once("plexus", "explain"), name)(px)
    if name not in _METHODS:
        raise AttributeError(name)
    module = _METHODS[name]
    if not module:
        return lambda: globals()[name](px)
    method = getattr(load("plexus", module), name)
    # A method from then on: of the client, or of its buffer.
    if module == "readings.batch":
        setattr(type(px.buffer), name, method)
        setattr(px, name, getattr(px.buffer, name))
    else:
        setattr(type(px), name, method)
    return getattr(px, name)


def credentials(px):
    """(key, SSLContext or None) for another connection to the server; never to be shown."""
    return px.http.key, px.http.connection.context


def retry_now(px):
    """The network is back: end the wait that follows a request which nothing answered."""
    delivery = px.delivery
    if delivery.problem and not delivery.status:
        delivery.retry.succeeded()


def persist(px):
    """Before a planned reset: have the store take all that waits. True if nothing is lost by it."""
    store = px.store
    if not store:
        return not px.buffer.pending
    waited_ms = 0
    while not px._begin():
        # A request is under way in another thread.
        if waited_ms >= px.http.timeout_ms + _PERSIST_MS:
            return False
        sleep_ms(_STEP_MS)
        waited_ms += _STEP_MS
    try:
        return load_once("plexus", "store.writing").persist(store)
    except MemoryError:
        return False
    finally:
        px._finish()


def diagnostics(px):
    """What a program wants to know of the client: see explain.py, which is not kept."""
    return load_once("plexus", "explain").diagnostics(px)


def report(px):
    """Send the client's own counters as readings."""
    try:
        for name in ("pending", "dropped", "rejected", "confirmed", "discarded"):
            count = getattr(px.buffer, name)
            if count or name != "discarded":  # few servers have limits
                px.send("plexus." + name, count)
    except buffer.BufferFull:
        pass  # the counters can wait, what fills the ring cannot


def set_clock(px):
    """Ask NTP or, where that is blocked, the server for the time.

    What stands in the way is in `clock_problem`.
    """
    clock = px.clock
    try:
        clock.sync()
        px.http.answers += 1
        px.clock_problem = ""
    except (OSError, MemoryError) as exc:
        px.clock_problem = str(exc) or "out of memory"
        if not clock.known or clock.error_ms > 2 * _DATE_ERROR_MS:
            # NTP is blocked: the server's Date, which is enough to verify certificates and
            # far better than nothing, or than a clock that has drifted for a day.
            try:
                px.clock_problem += load_once("plexus", "delivery.http_date").set_clock(
                    clock, px.http
                )
            except MemoryError:
                pass
