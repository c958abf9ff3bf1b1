"""A client's status in plain words. Loaded when a person asks, so that a board need not hold it."""

from .port import load_once, reserve


def flush_problem(px):
    """What a PlexusError says of the flush that it ends: (words, the server's status)."""
    delivery = px.delivery
    if not px.may_send:
        return "the time is not known: " + px.clock_problem, 0
    return load_once("plexus", "delivery.problem").problem(
        delivery.problem, px.http.host
    ), delivery.status


def status(px):
    """All that `Plexus.status` says."""
    # Taken once: another thread may be delivering.
    buffer = px.buffer
    delivery = px.delivery
    trouble = delivery.problem
    rejection = delivery.rejection
    host = px.http.host
    if not px.may_send:
        message = "waiting for the time"
        if px.clock_problem:
            message += ": " + px.clock_problem
    elif trouble:
        wait_ms = delivery.retry.wait_ms(px.ticks_ms())
        message = load_once("plexus", "delivery.problem").problem(trouble, host)
        message += "; next try in %d s" % ((wait_ms + 999) // 1000)
    else:
        message = "ok"
    message += "; %d pending, %d confirmed, %d dropped, %d rejected" % (
        buffer.pending,
        buffer.confirmed,
        buffer.dropped,
        buffer.rejected,
    )
    if px.store:
        message += load_once("plexus", "store.telling").status(px.store)
    if px.ring_is_chosen and reserve.free() is not None:
        message += "; ring_bytes %d" % len(buffer.ring.data)
    if buffer.discarded:
        message += "; %d discarded by the server's limit" % buffer.discarded
        source = delivery.limited and delivery.limited[0]
        if source is not None:
            message += " (%s)" % (str(source, "utf-8")[14:-2] or px.source_id)
    if rejection:
        message += "; last rejected: %s: %s" % rejection
    if px.session_requests:
        message += px.session_requests.status(host)
    return message if px.verified else message + "; certificate verification is OFF"


def diagnostics(px):
    """What a program wants to know of the client, a dict of numbers, flags and short texts.

    problem: what was wrong with the last request (see delivery/problem.py), None if nothing was.
    rejection: (metric, the server's message) of the last reading that it refused, or None.
    stored: how many of the pending readings are in files alone; damaged: in files that could not
    be read; store_problem: what is wrong with the store, in words, "" if nothing is.
    """
    delivery = px.delivery
    buffer = px.buffer
    clock = px.clock
    return {
        "host": px.http.host,
        "problem": delivery.problem,
        "rejection": delivery.rejection,
        "pending": buffer.pending,
        "confirmed": buffer.confirmed,
        "dropped": buffer.dropped,
        "rejected": buffer.rejected,
        "discarded": buffer.discarded,
        "clock_known": clock.known,
        "clock_source": clock.source,
        "clock_problem": px.clock_problem,
        "stored": px.store.pending if px.store else 0,
        "damaged": px.store.damaged if px.store else 0,
        "store_problem": px.store.trouble if px.store else "",
    }


def answers(px):
    """How often something on the network replied: HTTP of any status, a refusal, or NTP."""
    return px.http.answers


def unanswered(px):
    """How many requests nothing on the network replied to. Blocked NTP does not count."""
    return px.http.unanswered
