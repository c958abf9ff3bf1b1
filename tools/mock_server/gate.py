"""Keeps other sites' pages away from the page and the admin paths."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

# The names of routes that are for devices begin so. Those are open, as they ask for a key.
FOR_DEVICES = "devices."
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_gate(names: Iterable[str]) -> Any:
    """A middleware that answers 403 to what a page of another site has sent.

    names: this server's host names, besides those of loopback and the address that a connection
    was made to. Every route is behind the gate unless its name begins with FOR_DEVICES.

    A browser lets any page send requests to any address, but tells the page's own (RFC 6454
    section 7, Origin). Only a page from a name that was made to point here (DNS rebinding) can
    read what comes back, and that name is in Host. A program that is no browser has no Origin.
    """
    known = {*_LOOPBACK, *(name.lower() for name in names)}

    @web.middleware
    async def gate(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if not (request.match_info.route.name or "").startswith(FOR_DEVICES):
            refusal = _refusal(request, known)
            if refusal is not None:
                return web.json_response({"error": refusal}, status=403)
        return await handler(request)

    return gate


def _refusal(request: web.Request, known: set[str]) -> str | None:
    # HTTP/1.0 may be without a Host, and no browser speaks it.
    host = request.headers.get("Host")
    if host is not None:
        name, here = _name(host), request.get_extra_info("sockname")
        if name not in known and name != here[0]:
            return f"{name!r} is not this server's name: use localhost, or start it with --name"
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != host:
        return "only this server's own page may do this, not one from elsewhere"
    return None


def _name(host: str) -> str:
    """The Host header less its port, in lower case; an IPv6 address less its brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host
