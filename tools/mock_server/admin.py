"""The admin paths: scripting faults, outages, what was received, and the devices' sockets."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from tools.mock_server.claims import Claims
from tools.mock_server.devices import DeviceError, Devices
from tools.mock_server.events import Events
from tools.mock_server.faults import Action, FaultError, Script
from tools.mock_server.gate import FOR_DEVICES
from tools.mock_server.limits import Limits
from tools.mock_server.runs import Runs
from tools.mock_server.store import Store
from tools.mock_server.watchers import Watchers

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


class Dispatcher(Protocol):
    """What acts on the server as a whole."""

    async def outage(self, for_ms: int) -> None: ...

    async def restore(self) -> None: ...

    def reset(self) -> None: ...

    def state(self) -> dict[str, Any]: ...


class Admin:
    """Routes under /admin, and the page."""

    def __init__(
        self,
        store: Store,
        script: Script,
        events: Events,
        devices: Devices,
        watchers: Watchers,
        limits: Limits,
        runs: Runs,
        claims: Claims,
        control: Dispatcher,
    ) -> None:
        self._store = store
        self._script = script
        self._events = events
        self._devices = devices
        self._watchers = watchers
        self._limits = limits
        self._runs = runs
        self._claims = claims
        self._control = control

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
        router.add_get("/admin/runs", self._get_runs)
        router.add_get("/admin/claims", self._get_claims)
        router.add_post("/admin/claims/{user_code}", self._decide)
        router.add_get("/admin/limits", self._get_limits)
        router.add_post("/admin/limits", self._change_limits)
        router.add_get("/admin/counts", self._counts)
        router.add_get("/admin/state", self._state)
        router.add_post("/admin/outage", self._outage)
        router.add_delete("/admin/outage", self._restore)
        router.add_get("/admin/events", self._watch)
        router.add_get("/admin/devices", self._get_devices)
        router.add_post("/admin/devices/{source_id}/commands", self._command)
        router.add_get("/admin/devices/{source_id}/messages", self._messages)
        router.add_post("/admin/devices/{source_id}/say", self._say)
        router.add_post("/admin/devices/{source_id}/disconnect", self._disconnect)
        router.add_get("/admin/live", self._live)
        router.add_static("/static", STATIC, append_version=False)
        router.add_get("/", self._page, allow_head=False)
        router.add_get("/claim/{user_code}", self._claim_page)
        router.add_route("*", "/{path:.*}", self._others, name=FOR_DEVICES + "http")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        # The page is for browsers; to any other client "/" is a path like the rest.
        if "text/html" not in request.headers.get("Accept", ""):
            return await self._fallback(request)
        return web.FileResponse(STATIC / "index.html", headers=_PAGE_HEADERS)

    async def _claim_page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "claim.html", headers=_PAGE_HEADERS)

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
        self._control.reset()
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

    async def _get_runs(self, _request: web.Request) -> web.Response:
        return _json({"runs": self._runs.to_json()})

    async def _get_claims(self, _request: web.Request) -> web.Response:
        return _json({"claims": self._claims.to_json()})

    async def _decide(self, request: web.Request) -> web.Response:
        try:
            document = await _body(request)
            decision = document.get("decision") if isinstance(document, dict) else None
            return _json(self._claims.decide(request.match_info["user_code"], decision))
        except FaultError as error:
            return _error(400, str(error))

    async def _get_limits(self, _request: web.Request) -> web.Response:
        return _json(self._limits.to_json())

    async def _change_limits(self, request: web.Request) -> web.Response:
        try:
            self._limits.change(await _body(request))
        except FaultError as error:
            return _error(400, str(error))
        self._events.ring()
        return _json(self._limits.to_json())

    async def _counts(self, _request: web.Request) -> web.Response:
        return _json(self._store.counts())

    async def _state(self, _request: web.Request) -> web.Response:
        faults = self._script.to_json()
        return _json({**self._control.state(), "faults": faults, "counts": self._store.counts()})

    async def _outage(self, request: web.Request) -> web.Response:
        try:
            document = await _body(request)
            for_ms = document.get("for_ms", 0) if isinstance(document, dict) else None
            if type(for_ms) is not int or for_ms < 0:
                raise FaultError("for_ms must be an integer from 0 (0: until DELETE)")
        except FaultError as error:
            return _error(400, str(error))
        await self._control.outage(for_ms)
        self._events.ring()
        return _json(self._control.state())

    async def _restore(self, _request: web.Request) -> web.Response:
        await self._control.restore()
        self._events.ring()
        return _json(self._control.state())

    async def _get_devices(self, _request: web.Request) -> web.Response:
        return _json({"devices": self._devices.to_json()})

    async def _command(self, request: web.Request) -> web.Response:
        return await self._with_device(request, self._send_command)

    async def _messages(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            since_id, limit = _int(query, "since_id", 0), _int(query, "limit", DEFAULT_LIMIT)
            source_id = request.match_info["source_id"]
            rows = self._devices.messages(source_id, since_id, limit, "newest" in query)
        except FaultError as error:
            return _error(400, str(error))
        except DeviceError as error:
            return _error(error.status, error.message)
        return _json({"messages": rows})

    async def _say(self, request: web.Request) -> web.Response:
        return await self._with_device(request, self._send_text)

    async def _disconnect(self, request: web.Request) -> web.Response:
        return await self._with_device(request, self._end_connection)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await self._watchers.handle(request, self._devices)

    async def _with_device(
        self, request: web.Request, work: Callable[[str, dict[str, Any]], Awaitable[Any]]
    ) -> web.Response:
        """Do the work for the path's device with the body's object; JSON of what it returns."""
        try:
            document = await _body(request)
            if not isinstance(document, dict):
                raise FaultError("the body must be an object")
            return _json(await work(request.match_info["source_id"], document))
        except FaultError as error:
            return _error(400, str(error))
        except DeviceError as error:
            return _error(error.status, error.message)

    async def _send_command(self, source_id: str, document: dict[str, Any]) -> Any:
        params, ttl_ms = document.get("params", {}), document.get("ttl_ms")
        if ttl_ms is not None and type(ttl_ms) is not int:
            raise FaultError("ttl_ms must be an integer")
        command = document.get("command")
        return {"id": await self._devices.command(source_id, command, params, ttl_ms)}

    async def _send_text(self, source_id: str, document: dict[str, Any]) -> Any:
        text = document.get("text")
        if not isinstance(text, str):
            raise FaultError("text must be a string")
        await self._devices.say(source_id, text)
        return {"said": True}

    async def _end_connection(self, source_id: str, document: dict[str, Any]) -> Any:
        code = document.get("code")
        if code is not None and (type(code) is not int or not 1000 <= code <= 4999):
            raise FaultError("code must be an integer from 1000 to 4999")
        await self._devices.disconnect(source_id, code)
        return {"disconnected": True}

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
