"""The admin paths: scripting faults, outages, and looking at what was received."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from tools.mock_server.events import Events
from tools.mock_server.faults import Action, FaultError, Script
from tools.mock_server.store import Store

STATIC = Path(__file__).with_name("static")
DEFAULT_LIMIT = 1000
_MAX_ID = 2**63 - 1
_HEARTBEAT_S = 10.0
_PAUSE_S = 0.1

# Readings are other people's text: even if one got into the page as markup, nothing would run.
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Outages(Protocol):
    """What can make the server unreachable."""

    async def outage(self, for_ms: int) -> None: ...

    async def restore(self) -> None: ...

    def state(self) -> dict[str, Any]: ...


class Admin:
    """Routes under /admin, and the page."""

    def __init__(self, store: Store, script: Script, events: Events, outages: Outages) -> None:
        self._store = store
        self._script = script
        self._events = events
        self._outages = outages

    def add_routes(
        self, app: web.Application, fallback: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> None:
        """Add the admin paths and the page; everything else goes to the fallback."""
        self._fallback = fallback
        router = app.router
        router.add_get("/admin/faults", self._get_faults)
        router.add_post("/admin/faults", self._add_faults)
        router.add_delete("/admin/faults", self._clear_faults)
        router.add_post("/admin/reset", self._reset)
        router.add_get("/admin/points", self._points)
        router.add_get("/admin/requests", self._requests)
        router.add_get("/admin/sessions", self._sessions)
        router.add_get("/admin/counts", self._counts)
        router.add_get("/admin/state", self._state)
        router.add_post("/admin/outage", self._outage)
        router.add_delete("/admin/outage", self._restore)
        router.add_get("/admin/events", self._watch)
        router.add_static("/static", STATIC, append_version=False)
        router.add_get("/", self._page, allow_head=False)
        router.add_route("*", "/{path:.*}", self._others)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        # The page is for browsers; to any other client "/" is a path like the rest.
        if "text/html" not in request.headers.get("Accept", ""):
            return await self._fallback(request)
        return web.FileResponse(STATIC / "index.html", headers=_PAGE_HEADERS)

    async def _others(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith(("/admin/", "/static/")):
            return _error(404, f"no such admin path: {request.method} {request.path}")
        return await self._fallback(request)

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return _json({"faults": self._script.to_json()})

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            document = await _body(request)
            actions = document if isinstance(document, list) else [document]
            parsed = [Action.parse(action) for action in actions]
        except FaultError as error:
            return _error(400, str(error))
        self._script.extend(parsed)
        self._events.ring()
        return _json({"faults": self._script.to_json()})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._script.clear()
        self._events.ring()
        return _json({"faults": []})

    async def _reset(self, _request: web.Request) -> web.Response:
        self._script.clear()
        self._store.reset()
        self._events.ring()
        return _json({"reset": True})

    async def _points(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            since_id, limit = _int(query, "since_id", 0), _int(query, "limit", DEFAULT_LIMIT)
        except FaultError as error:
            return _error(400, str(error))
        rows = self._store.points(
            query.get("metric"), query.get("source_id"), since_id, limit, "newest" in query
        )
        return _json({"points": rows})

    async def _requests(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            since_id, limit = _int(query, "since_id", 0), _int(query, "limit", DEFAULT_LIMIT)
        except FaultError as error:
            return _error(400, str(error))
        bodies = query.get("bodies", "0") not in ("", "0")
        rows = self._store.requests(since_id, limit, "newest" in query, bodies)
        return _json({"requests": rows})

    async def _sessions(self, _request: web.Request) -> web.Response:
        return _json({"sessions": self._store.sessions()})

    async def _counts(self, _request: web.Request) -> web.Response:
        return _json(self._store.counts())

    async def _state(self, _request: web.Request) -> web.Response:
        faults = self._script.to_json()
        return _json({**self._outages.state(), "faults": faults, "counts": self._store.counts()})

    async def _outage(self, request: web.Request) -> web.Response:
        try:
            document = await _body(request)
            for_ms = document.get("for_ms", 0) if isinstance(document, dict) else None
            if type(for_ms) is not int or for_ms < 0:
                raise FaultError("for_ms must be an integer from 0 (0: until DELETE)")
        except FaultError as error:
            return _error(400, str(error))
        await self._outages.outage(for_ms)
        self._events.ring()
        return _json(self._outages.state())

    async def _restore(self, _request: web.Request) -> web.Response:
        await self._outages.restore()
        self._events.ring()
        return _json(self._outages.state())

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: `changed` when there is something new to fetch."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        async for rang in self._events.watch(_HEARTBEAT_S, _PAUSE_S):
            try:
                await response.write(b"event: changed\ndata: {}\n\n" if rang else b": beat\n\n")
            except ConnectionError:
                break
        return response


def _json(document: Any) -> web.Response:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return web.Response(
        text=text, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise FaultError(f"the body is not valid JSON: {error}") from None


def _int(query: Any, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_ID:
        raise FaultError(f"{name} must be an integer from 0")
    return int(text)
