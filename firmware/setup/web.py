"""The portal's web server: who may see the page, who may post its form, and no more than that."""

import asyncio

from microdot import Microdot, Response  # pyright: ignore[reportMissingImports] -- by deploy

from plexus.port import const, ticks_diff, ticks_ms

from . import form, page
from .draft import FIELDS
from .request import Connection, Refused

_FORM = {
    "token": 32,
    "network": FIELDS["wifi_ssid"],
    "other": FIELDS["wifi_ssid"],
    "wifi_password": FIELDS["wifi_password"],
    "api_key": FIELDS["api_key"] + 8,  # spaces around it come with copying
    "source_id": FIELDS["source_id"] + 8,
    "board": FIELDS["board"],
    "wired": 1,
    "unchecked": 1,
}
_HEADERS = {
    "Content-Type": "text/html; charset=UTF-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_TYPE = "application/x-www-form-urlencoded"
_CLIENTS = const(6)
_PIECE = const(512)


class Web:
    """A server for `portal`, a Portal, at an IPv4 address of this board."""

    CLIENT_MS = 10000  # so long may a request and its answer take

    def __init__(self, portal, address, port=80):
        self._portal = portal
        self._address = address
        self._port = port
        self._host = address if port == 80 else "%s:%d" % (address, port)
        self._origin = "http://" + self._host
        self._server = None
        self._clients = []  # (task, ticks at which it came), the oldest first
        self._app = Microdot()
        self._routes(self._app)

    async def open(self):
        """OSError: the port cannot be had."""
        # At this address alone: whoever is in the network that is tried has no business here.
        self._server = await asyncio.start_server(self._serve, self._address, self._port)

    def sweep(self):
        """Leave the clients that are too slow. Call it every now and then."""
        now = ticks_ms()
        for client in self._clients:
            if ticks_diff(now, client[1]) > self.CLIENT_MS:
                client[0].cancel()

    async def close(self):
        """Give the port back."""
        for client in self._clients:
            client[0].cancel()
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader, writer):
        # Browsers open connections that they do not use yet: those make room for one that does.
        if len(self._clients) >= _CLIENTS:
            self._clients.pop(0)[0].cancel()
        client = (asyncio.current_task(), ticks_ms())
        self._clients.append(client)
        connection = Connection(reader, writer)
        try:
            try:
                request = await connection.request(self._app)
                answer = request and await self._app.dispatch_request(request)
            except Refused as refused:
                answer = _answer(page.note("That was no form", refused.args[1]), refused.args[0])
            if answer:
                await answer.write(connection)
        except (OSError, asyncio.CancelledError):
            pass  # it is gone, or too slow
        finally:
            if client in self._clients:
                self._clients.remove(client)
            try:
                await connection.aclose()
            except OSError:
                pass

    def _routes(self, app):
        portal = self._portal

        @app.before_request
        async def _check_host(request):
            # A name that our DNS made up, such as those by which a phone looks for the Internet.
            if request.headers.get("host") == self._host:
                return None
            if request.method in ("GET", "HEAD"):
                return self._to_page()
            return _answer(page.note("Not from here", "Open %s/." % self._origin), 403)

        @app.get("/")
        async def _show(request):
            return _answer(portal.page())

        @app.get("/scan")
        async def _scan(request):
            portal.scan()
            return self._to_page()

        @app.post("/")
        async def _submit(request):
            return self._submit(request)

        @app.errorhandler(404)
        async def _elsewhere(request):
            return self._to_page() if request.method in ("GET", "HEAD") else ("", 404)

    def _to_page(self):
        headers = {"Location": self._origin + "/", "Cache-Control": "no-store"}
        return Response(b"", 303, headers)

    def _submit(self, request):
        origin = request.headers.get("origin", self._origin)
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if origin != self._origin or kind != _TYPE:
            return _answer(page.note("Not from here", "Another page sent this form."), 403)
        try:
            values = form.parse(request.body, _FORM)
        except ValueError as error:
            field, _, message = str(error).partition(": ")
            message = page.LABELS.get(field, "The form") + ": " + message + "."
            return _answer(page.note("That cannot be", message), 400)
        if values["token"] != self._portal.token:
            message = "The device has started anew since this form was opened."
            return _answer(page.note("Not this form", message), 403)
        self._portal.take(values)
        return self._to_page()


def _answer(pieces, status=200):
    return Response(_gathered(pieces), status, _HEADERS)


def _gathered(pieces):
    # Few pieces of about _PIECE bytes: each is a packet.
    gathered = bytearray()
    for piece in pieces:
        if isinstance(piece, str):
            piece = piece.encode()
        if gathered and len(gathered) + len(piece) > _PIECE:
            yield gathered
            gathered = bytearray()
        if len(piece) > _PIECE:
            yield piece
        else:
            gathered.extend(piece)
    if gathered:
        yield gathered
