"""The HTTP application: the contract's paths, the record of every request, scripted faults."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tools.mock_server import contract, points, wire
from tools.mock_server.calls import Call, Handler, Routes
from tools.mock_server.contract import Check, ContractError
from tools.mock_server.events import Events
from tools.mock_server.faults import Action, Answer, Script, alter, frame
from tools.mock_server.keys import Keys
from tools.mock_server.limits import Limits
from tools.mock_server.profiles import Profile
from tools.mock_server.store import Store

_SECRET_HEADERS = {"x-api-key", "authorization", "cookie"}
# Sockets authenticate by their first message, a key that is asked about is no credential, and who
# claims one has none yet.
_KEYLESS = (
    "/", "/auth/verify-key", "/auth/claim", "/auth/claim/", "/ws/device", "/party/",
)  # fmt: skip
# Of a request's violations, so many are in its verdict.
_SHOWN = 3


class Api:
    """Answers everything that is not the page or an admin path.

    Each request becomes one row in the store, with the verdict in words, before its answer
    goes out: who has the answer can look the request up.
    """

    def __init__(
        self,
        profile: Profile,
        store: Store,
        script: Script,
        events: Events,
        keys: Keys,
        limits: Limits,
        *more: Routes,
    ) -> None:
        self._profile = profile
        self._store = store
        self._script = script
        self._events = events
        self._keys = keys
        self._limits = limits
        self._routes: Routes = {
            "/": {"GET": self._describe},
            "/auth/verify-key": {"GET": self._verify_key},
            "/ingest": {"POST": self._ingest},
            "/sessions": {"POST": self._create_session},
            "/sessions/": {"PATCH": self._change_session},
            "/ws/device": {"GET": self._want_socket},
            "/party/": {"GET": self._want_socket},
        }
        for routes in more:
            self._routes |= routes

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request from its headers to the last byte of its answer."""
        return await self.answer(
            request, self._script.take(request.method, request.rel_url.raw_path)
        )

    async def answer(self, request: web.Request, action: Action | None) -> web.StreamResponse:
        """Like handle(), with this action, or none, in place of the script's next."""
        transport, connection = request.transport, request.protocol
        assert isinstance(connection, wire.Connection)
        if transport is None:
            return wire.Delivered(499, False)
        connection.headers_complete()
        received_ms = time.time_ns() // 1_000_000
        request_id = self.record(
            request, received_ms, key_state=self._key_state(request), verdict="in progress"
        )
        self._events.ring()
        try:
            return await self._answer(request, transport, request_id, received_ms, action)
        finally:
            self._events.ring()

    def record(self, request: web.Request, received_ms: int, **columns: Any) -> int:
        """Put a request into the store as it arrives, without its secrets; returns its id."""
        connection = request.protocol
        assert isinstance(connection, wire.Connection)
        return self._store.add_request(
            received_ms=received_ms,
            connection=connection.connection_id,
            method=request.method,
            path=request.rel_url.raw_path,
            http_version=f"{request.version.major}.{request.version.minor}",
            headers={n: v for n, v in request.headers.items() if n.lower() not in _SECRET_HEADERS},
            body_bytes=0,
            points=0,
            **columns,
        )

    def bad_request(self, connection_id: int, message: str) -> web.StreamResponse:
        """The answer to what is not HTTP, or has no Host header (RFC 9112 section 3.2)."""
        words = " ".join(message.split())[:200]
        self._store.add_request(
            received_ms=time.time_ns() // 1_000_000, connection=connection_id, method="?",
            path="?", http_version="?", headers={}, key_state="missing", body_bytes=0, points=0,
            status=400, verdict=f"refused: not valid HTTP: {words}",
        )  # fmt: skip
        self._events.ring()
        if self._profile.plain_text_errors:
            response = web.Response(status=400, text=f"400 Bad Request: {words}")
        else:
            response = web.json_response({"error": words}, status=400)
        response.force_close()
        return response

    async def _answer(
        self,
        request: web.Request,
        transport: asyncio.Transport,
        request_id: int,
        received_ms: int,
        action: Action | None,
    ) -> web.StreamResponse:
        doing = action or Action()
        note = f"scripted {describe_action(doing)}: " if action else ""
        if doing.reset and not doing.stores:
            self._close_request(request_id, note + "connection reset before the body was read")
            return self._reset(transport)
        if doing.cut_request_after is not None:
            await _read_some(request, doing.cut_request_after)
            self._close_request(request_id, note + "connection reset in the request's body")
            return self._reset(transport)
        try:
            body = await self._read_body(request)
        except ContractError as error:
            body, answer = b"", self._refusal(error)
        except (ConnectionError, web.RequestPayloadError) as error:
            words = f"the body ended early: {type(error).__name__}"
            self._close_request(request_id, note + words)
            return self._reset(transport)
        else:
            self._store.update_request(request_id, body_bytes=len(body))
            answer = self._decide(request, body, request_id, received_ms)
        stores = answer.commit is not None and doing.stores
        if stores:
            assert answer.commit is not None
            answer.commit()
        verdict = note + answer.verdict
        if answer.commit is not None:
            verdict += " stored" if stores else " not stored"
        violations = [f"accepted though {words}" for words in answer.violations[:_SHOWN]]
        verdict = "; ".join([verdict, *answer.remarks, *violations])
        self._store.update_request(
            request_id,
            points=answer.points,
            verdict=verdict,
            violations=json.dumps(answer.violations),
            body=_readable(request, body, self._profile),
        )
        if action:
            answer = alter(answer, action)
        self._events.ring()
        if doing.delay_ms:
            await wire.hold(transport, doing.delay_ms)
        if transport.is_closing():
            self._close_request(request_id, f"{verdict}; the client left before the answer")
            return wire.Delivered(499, False)
        if doing.resets:
            self._close_request(request_id, f"{verdict}; connection reset before the answer")
            return self._reset(transport)
        head, raw_body, reusable = frame(
            answer,
            doing,
            method=request.method,
            http10=request.version < (1, 1),
            keep_alive=request.keep_alive,
        )
        silent = doing.stall == "before_headers" or doing.cut_after == 0
        self._store.update_request(request_id, status=None if silent else answer.status)
        whole = await wire.deliver(transport, head, raw_body, doing)
        if not whole and not transport.is_closing():
            transport.close()
        return wire.Delivered(answer.status, whole and reusable)

    def _reset(self, transport: asyncio.Transport) -> web.StreamResponse:
        wire.reset(transport)
        return wire.Delivered(499, False)

    def _close_request(self, request_id: int, verdict: str) -> None:
        self._store.update_request(request_id, verdict=verdict)
        self._events.ring()

    async def _read_body(self, request: web.Request) -> bytes:
        """The body as sent; refuses early what need not be read."""
        limit = self._profile.max_body_bytes
        length = request.content_length
        # A chunked body is not part of HTTP/1.0 (RFC 9112 section 6.1): its length is unknown.
        if request.version < (1, 1) and "Transfer-Encoding" in request.headers:
            raise ContractError(
                "Transfer-Encoding is not HTTP/1.0: send Content-Length", close=True
            )
        if length is not None and length > limit:
            raise contract.too_large(limit)
        unread = self._profile.unread_body_bytes
        if unread is not None and (length or 0) > unread:
            refused = self._check_key(request)
            if refused is not None:
                refused.close = True
                raise refused
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                raise contract.too_large(limit)
        return bytes(body)

    def _decide(
        self, request: web.Request, body: bytes, request_id: int, received_ms: int
    ) -> Answer:
        """What the contract says to this request. Changes nothing: see Answer.commit."""
        path = request.rel_url.raw_path
        name, argument = self._find_route(path)
        if name is None:
            return self._plain_or_json(404, "404 page not found", f"no such path: {path}")
        route = self._routes[name]
        handler: Handler | None = route.get(request.method)
        if handler is None and request.method == "HEAD":
            handler = route.get("GET")
        if handler is None:
            allowed = ", ".join(route)
            answer = self._plain_or_json(405, "405 method not allowed", f"use {allowed}")
            answer.headers["Allow"] = allowed
            return answer
        try:
            if name not in _KEYLESS:
                refused = self._check_key(request)
                if refused is not None:
                    raise refused
            document, check = {}, Check(self._profile)
            if request.method in ("POST", "PATCH") and (body or name not in _KEYLESS):
                document = contract.parse_json(_decoded(request, body, check), check)
            key = request.headers.get("x-api-key", "")
            base_url = f"{request.scheme}://{request.host}"
            answer = handler(
                Call(document, request_id, received_ms, argument, key, base_url, check)
            )
            answer.violations = check.violations
            return answer
        except ContractError as error:
            return self._refusal(error)

    def _find_route(self, path: str) -> tuple[str | None, str]:
        """The name of a path in the routes and its last segment, if it takes one."""
        parent, slash, last = path.rpartition("/")
        if parent and last and parent + slash in self._profile.paths:
            return (parent + slash).removeprefix("/api"), unquote(last)
        if path in self._profile.paths and (path == "/" or last):
            return path.removeprefix("/api"), ""
        return None, ""

    def _ingest(self, call: Call) -> Answer:
        batch = points.check_points(call.document, call.received_ms, call.check)
        kept, limited = self._limits.sift(batch.points)
        dropped = len(batch.points) - len(kept)
        success: dict[str, Any] = {"success": True, "count": len(kept)}
        if self._limits.reports_dropped:
            success["dropped"] = dropped
        if self._profile.names_source:
            sources = {point.source_id for point in batch.points} or {batch.source_id}
            if len(sources) == 1 and None not in sources:
                success["source_id"] = sources.pop()
        else:
            success |= {"persisted": True, "persistedCount": len(kept)}
        remarks = list(batch.warnings)
        if limited:
            remarks.insert(0, f"{dropped} dropped: {', '.join(sorted(set(limited.values())))}")
        return Answer.of_json(
            200,
            success,
            verdict=f"{len(kept)} point{'' if len(kept) == 1 else 's'}",
            remarks=remarks,
            points=len(batch.points),
            commit=lambda: self._store.add_points(call.request_id, kept, call.received_ms),
        )

    def _create_session(self, call: Call) -> Answer:
        fields = contract.check_session_create(call.document)
        return Answer.of_json(
            200,
            {"success": True, **fields},
            verdict=f"session {fields['session_id']} {fields['status']}",
            commit=lambda: self._store.put_session(fields, call.received_ms),
        )

    def _change_session(self, call: Call) -> Answer:
        session_id = call.argument
        fields = contract.check_session_patch(call.document)
        if not self._store.has_session(session_id):
            raise ContractError(f"no session {session_id!r}", 404)
        fields["session_id"] = session_id
        return Answer.of_json(
            200,
            {"success": True, **fields},
            verdict=f"session {session_id} {fields.get('status', 'changed')}",
            commit=lambda: self._store.put_session(fields, call.received_ms),
        )

    def _verify_key(self, call: Call) -> Answer:
        refused = self._keys.refusal(call.key)
        found: dict[str, Any] = {"org_id": "org_mock"}
        if self._profile.tells_scopes and (refused is None or refused.status == 403):
            found["scopes"] = ["read"] if refused else ["write"]
        elif refused is not None:
            raise refused
        return Answer.of_json(200, found, verdict="key verified")

    def _describe(self, _call: Call) -> Answer:
        name = {"server": "plexus mock server", "profile": self._profile.name}
        return Answer.of_json(200, name, verdict="greeted")

    def _want_socket(self, _call: Call) -> Answer:
        answer = self._refusal(ContractError("open a WebSocket here (RFC 6455)", 426))
        answer.headers["Upgrade"] = "websocket"
        return answer

    def _key_state(self, request: web.Request) -> str:
        if "x-api-key" not in request.headers:
            return "missing"
        return "accepted" if self._check_key(request) is None else "refused"

    def _check_key(self, request: web.Request) -> ContractError | None:
        key = request.headers.get("x-api-key")
        if key is None:
            return ContractError("missing API key: send it in the header x-api-key", 401)
        return self._keys.refusal(key)

    def _refusal(self, error: ContractError) -> Answer:
        document = {"error": error.message}
        if error.code:
            document = {"error": error.code, "message": error.message}
        answer = Answer.of_json(
            error.status,
            document,
            verdict=f"refused: {error.message}",
            close=error.close,
        )
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    def _plain_or_json(self, status: int, text: str, words: str) -> Answer:
        verdict = f"refused: {words}"
        if self._profile.plain_text_errors:
            return Answer.of_text(status, text + "\n", verdict=verdict)
        return Answer.of_json(status, {"error": words}, verdict=verdict)


async def _read_some(request: web.Request, size: int) -> None:
    """Read at least so many bytes of the body, or all of it if it is shorter."""
    read = 0
    while read < size:
        piece = await request.content.read(size - read)
        if not piece:
            return
        read += len(piece)


def _decoded(request: web.Request, body: bytes, check: Check) -> bytes:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    return contract.decompress(body, encoding, check.profile.max_body_bytes, check)


def _readable(request: web.Request, body: bytes, profile: Profile) -> bytes:
    """The body for the record; as it came if it cannot be decoded."""
    try:
        return _decoded(request, body, Check(profile))
    except ContractError:
        return body


def describe_action(action: Action) -> str:
    effects = {k: v for k, v in action.to_json().items() if k not in ("times", "method", "path")}
    words = [name if value is True else f"{name} {value}" for name, value in effects.items()]
    return ", ".join(words)[:200] or "pass"
