"""The portal's web server: who may see the page, who may post its form, and no more than that."""

import asyncio

from plexus.port import const, ticks_add, ticks_diff, ticks_ms

from . import form, page
from .draft import FIELDS
from .request import Refused, read

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
# Of each page, behind its status.
_HEADERS = (
    "Content-Type: text/html; charset=UTF-8\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: same-origin\r\n\r\n"
)
_TYPE = "application/x-www-form-urlencoded"
_CLIENTS = const(6)
_PIECE = const(512)
_MOST_UNREAD = const(65536)
_UNREAD_MS = const(500)


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
        self._clients = []  # [task, ticks at which it came], the oldest first

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
        client = [asyncio.current_task(), ticks_ms()]
        self._clients.append(client)
        try:
            await self._attend(reader, writer, client)
        except (OSError, asyncio.CancelledError):
            pass  # it is gone, or too slow
        finally:
            if client in self._clients:
                self._clients.remove(client)
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                pass

    async def _attend(self, reader, writer, client):
        unread = 0
        try:
            request = await read(reader)
            if not request:
                return
            head, pieces = self._answer(*request)
            if request[0] == "HEAD":
                pieces = ()
        except Refused as refused:
            unread = _MOST_UNREAD
            head, pieces = _page(page.note("That was no form", refused.args[1]), refused.args[0])
        except MemoryError:
            head, pieces = "HTTP/1.0 503 \r\n\r\n", ("The device has no memory left. Try again.",)
        for piece in _gathered(head, pieces):
            writer.write(piece)
            await writer.drain()
        if unread:
            # It may be sending still, and would lose the answer with the connection.
            client[1] = ticks_add(ticks_ms(), _UNREAD_MS - self.CLIENT_MS)
        while unread > 0 and await reader.read(_PIECE):
            unread -= _PIECE

    def _answer(self, method, path, headers, body):
        # Status and headers, and the pieces of the body.
        ours = headers.get("host") == self._host
        if method in ("GET", "HEAD"):
            if ours and path == "/":
                return _page(self._portal.page())
            if ours and path == "/scan":
                self._portal.scan()
            # Also from a name that our DNS made up, such as those by which a phone looks for the
            # Internet.
            return self._to_page()
        if ours and path == "/" and method == "POST":
            return self._submit(headers, body)
        status = 403 if not ours else 405 if path in ("/", "/scan") else 404
        return _page(page.note("Not from here", "Open %s/." % self._origin), status)

    def _to_page(self):
        head = "HTTP/1.0 303 \r\nLocation: %s/\r\nCache-Control: no-store\r\n"
        return head % self._origin + "Content-Length: 0\r\n\r\n", ()

    def _submit(self, headers, body):
        origin = headers.get("origin", self._origin)
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if origin != self._origin or kind != _TYPE:
            return _page(page.note("Not from here", "Another page sent this form."), 403)
        try:
            values = form.parse(body, _FORM)
        except ValueError as error:
            field, _, message = str(error).partition(": ")
            message = page.LABELS.get(field, "The form") + ": " + message + "."
            return _page(page.note("That cannot be", message), 400)
        if values["token"] != self._portal.token:
            message = "The device has started anew since this form was opened."
            return _page(page.note("Not this form", message), 403)
        self._portal.take(values)
        return self._to_page()


def _page(pieces, status=200):
    return "HTTP/1.0 %d \r\n%s" % (status, _HEADERS), pieces


def _gathered(head, pieces):
    # Few pieces of about _PIECE bytes: each is a packet.
    gathered = bytearray(head.encode())
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
