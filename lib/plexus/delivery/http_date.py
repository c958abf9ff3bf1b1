"""The dates of HTTP; read when a server asks to wait, or has to tell the time."""

import gc

from ..port import const, load_once, reserve, ticks_diff, ticks_ms
from .bounded_socket import SECURE
from .request import reason_of

_ERROR_MS = const(500)  # a Date has whole seconds

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def epoch_s(text):
    """Epoch seconds of an IMF-fixdate (bytes; RFC 9110 section 5.6.7), or None if it is none."""
    try:
        _, day, month, year, clock = text.decode().split()[:5]
        hour, minute, second = clock.split(":")
        at = _MONTHS.index(month)
        month = at // 3 + 1
        year = int(year)
        if at % 3 or not (1970 <= year <= 9999 and 1 <= int(day) <= 31):
            return None
        if not (0 <= int(hour) < 24 and 0 <= int(minute) < 60 and 0 <= int(second) < 61):
            return None
        # Days from the civil calendar: years start in March, so the leap day is their last.
        years = year - (month < 3)
        days = 365 * years + years // 4 - years // 100 + years // 400
        days += (153 * ((month + 9) % 12) + 2) // 5 + int(day) - 719469
        return days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    except ValueError:
        return None


def retry_after_ms(wait, date):
    """How long a server asks to wait, at most an hour: from its Retry-After and Date (bytes or
    None). None if it does not say."""
    if wait is None:
        return None
    if wait.isdigit():
        return min(int(wait[:5]), 3600) * 1000
    # A date counts from the server's own: no clock of ours is in it.
    then, now = epoch_s(wait), epoch_s(date or b"")
    if then is None or now is None:
        return None
    return max(0, min(then - now, 3600)) * 1000


def ask(http):
    """(status, body) of a request for nothing but its Date header, to an unverified server.

    While a board's clock is unknown it can verify none. So the key stays here.
    """
    connection = http.connection
    connection.shut()
    trusted = connection.context
    try:
        if trusted:
            # Before anything is let go of: Python would grow into it.
            tls = load_once("plexus", "tls")
            gc.collect()
            reserve.hold(reserve.REACHING)
        try:
            connection.context = trusted and tls.unverified_context()
        except (OSError, MemoryError) as exc:
            reserve.hold(reserve.IDLE)
            raise OSError(SECURE, reason_of(exc))
        http.exchange.dates = True
        return http.request("HEAD", "/")
    finally:
        connection.shut()
        connection.context = trusted
        http.exchange.dates = False


def set_clock(clock, http):
    """Set a clock by the server's Date, good to half a second; what stands in the way, or "".

    The request for it carries no key: without the time the server cannot be verified.
    """
    problem = ""
    try:
        ask(http)
    except OSError as exc:
        problem = "; " + load_once(__name__, "problem").problem((0,) + exc.args, http.host)
    exchange = http.exchange
    seconds = epoch_s(exchange.date or b"")
    if seconds is not None:
        # The clock may have ticks of its own.
        age_ms = ticks_diff(ticks_ms(), exchange.date_ticks)
        clock.observe(
            seconds * 1000 + _ERROR_MS + age_ms,
            clock.ticks_ms(),
            exchange.took_ms // 2 + _ERROR_MS,
            "http",
        )
    return problem
