"""Tries what a person gave: joins the network, and asks the server whether it takes the key."""

import asyncio
import json
import time

from plexus.delivery.problem import message_of
from plexus.delivery.request import Http
from plexus.delivery.verdict import CONFIRMED, judge

# All that a trial needs, while the heap is still in one piece: pages leave it in many.
from plexus.port import const, ticks_diff, ticks_ms
from plexus.url import INGEST, PLATFORM_INGEST

from ..wifi import WiFi

ENDPOINTS = (INGEST, PLATFORM_INGEST)
_POLL_MS = const(100)
_AGAIN_MS = const(8000)  # a radio's first try fails now and then: the next ones get so long
_GONE = (404, 405, 410)
_YEAR = const(2024)  # a clock that stands before it has not been set


async def join(config, network=None, ticks=ticks_ms, sleep=asyncio.sleep):
    """Join the first network of a configuration: None, or in words why it cannot be joined.

    network: in place of the module. The station is left connected, or, where that fails, idle: a
    radio that goes on trying changes its channel, and the phone at the access point loses it.
    """
    link = WiFi(
        {"wifi": config["wifi"][:1], "country": config.get("country")},
        network,
        ticks=ticks,
        sleep=sleep,
    )
    task = asyncio.create_task(link.run())
    failed = None
    try:
        while link.state != "connected":
            if link.state == "trouble" and failed is None:
                failed = ticks()
            if failed is not None and ticks_diff(ticks(), failed) > _AGAIN_MS:
                return link.problem
            await sleep(_POLL_MS / 1000)
        return None
    finally:
        task.cancel()


def check_key(config, requests=None):
    """Ask the server with a request that has no readings: None, or in words what is wrong.

    config: with api_key and source_id, and endpoint, ca_file, verify, ntp_hosts, ntp_port,
    timeout_ms where there are any. Without an endpoint the documented one is asked, and where that
    is no address any more, today's: what takes the key is written into `config` then. Blocks for
    some seconds. A board whose clock has not been set sets it, since no certificate is valid
    before. `requests` takes the firmware's module's place.
    """
    if "endpoint" in config:
        return _ask(config["endpoint"], config, requests)[1]
    status, message = _ask(ENDPOINTS[0], config, requests)
    if status in _GONE:
        status, other = _ask(ENDPOINTS[1], config, requests)
        if other is None:
            config["endpoint"] = ENDPOINTS[1]
        if status and status not in _GONE:
            return other
    return message


def _ask(endpoint, config, requests):
    # (HTTP status, or 0, None or what is wrong).
    try:
        context, roots = _context(config) if endpoint[:6] == "https:" else (None, None)
        http = Http(endpoint, config["api_key"], context, config.get("timeout_ms", 10000), requests)
        http.roots = roots
    except (ValueError, OSError, MemoryError) as error:
        return 0, str(error) or "out of memory"
    try:
        if context is not None:
            _set_clock(config, http)
        body = json.dumps({"source_id": config["source_id"], "points": []}).encode()
        status, content = http.request("POST", http.path, (body,), len(body))
        try:
            answer = json.loads(content)
        except (ValueError, RuntimeError):  # RuntimeError: nested too deep
            answer = None
        if judge(status, answer, 0) == CONFIRMED:
            return status, None
        what = (status, message_of(status, answer, content, config["api_key"]))
    except OSError as error:
        what = (0, error.args[0], error.args[1])
    finally:
        http.connection.shut()
    from plexus.delivery.problem import problem

    return what[0], problem(what, http.host)


def _context(config):
    # And which of the shipped roots it has: see Http.roots.
    from plexus.tls import first_context, unverified_context, verifying_context

    if not config.get("verify", True):
        return unverified_context(), None
    if "ca_file" not in config:
        return first_context()
    with open(config["ca_file"], "rb") as file:
        return verifying_context(file.read()), None


def _set_clock(config, http):
    # From NTP, or, where that is blocked, the server's Date. If neither tells the time, the
    # request says what came of it.
    if time.gmtime()[0] >= _YEAR:
        return
    from plexus.clock import HOSTS, Clock

    clock = Clock(config.get("ntp_hosts", HOSTS), config.get("ntp_port", 123))
    try:
        clock.sync()
    except (OSError, MemoryError):
        from plexus.delivery.http_date import set_clock

        try:
            set_clock(clock, http)
        except MemoryError:
            pass
