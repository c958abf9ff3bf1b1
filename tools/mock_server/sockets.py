"""A device's connection over WebSocket: handshake, authentication, limits, pings, its end."""

import asyncio
import contextlib
import json
import time
from typing import Any

from aiohttp import WebSocketError, WSMsgType, web

from tools.mock_server import messages, wire
from tools.mock_server.app import Api, describe_action
from tools.mock_server.contract import Check, ContractError
from tools.mock_server.devices import Device, Devices, now_ms
from tools.mock_server.events import Events
from tools.mock_server.faults import Action, Script
from tools.mock_server.gate import FOR_DEVICES
from tools.mock_server.keys import Keys
from tools.mock_server.limits import Limits
from tools.mock_server.points import Point
from tools.mock_server.profiles import Profile
from tools.mock_server.rates import Bucket, Rate
from tools.mock_server.store import Store

_CLOSE_LIMIT_S = 2.0
# Close codes of RFC 6455 section 7.4, and of the IANA registry.
_POLICY_VIOLATION = 1008
_TRY_AGAIN_LATER = 1013


class Sockets:
    """The paths for devices, /ws/device and /party/{org}."""

    def __init__(
        self,
        profile: Profile,
        store: Store,
        script: Script,
        events: Events,
        keys: Keys,
        api: Api,
        devices: Devices,
        limits: Limits,
    ) -> None:
        self.profile = profile
        self.store = store
        self.script = script
        self.events = events
        self.keys = keys
        self.devices = devices
        self.limits = limits
        self._api = api

    def add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/ws/device", self.handle, name=FOR_DEVICES + "socket")
        if "/party/" in self.profile.paths:
            app.router.add_route("*", "/party/{org}", self.handle, name=FOR_DEVICES + "party")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection to its end. What is no WebSocket, or is scripted, is the HTTP side's."""
        socket = web.WebSocketResponse(
            compress=False,
            autoping=False,
            timeout=_CLOSE_LIMIT_S,
            max_msg_size=messages.MAX_MESSAGE_BYTES + 1,
        )
        transport, connection = request.transport, request.protocol
        assert isinstance(connection, wire.Connection)
        if transport is None or request.method != "GET" or not socket.can_prepare(request):
            return await self._api.handle(request)
        path = request.rel_url.raw_path
        action = self.script.take("GET", path)
        if action is not None:
            if action.alters_answer:
                return await self._api.answer(request, action)
            await wire.hold(transport, action.delay_ms)
        connection.headers_complete()
        request_id = self._api.record(
            request, now_ms(), key_state="missing", status=101, verdict="connected"
        )
        link = _Link(self, socket, transport, path, request_id)
        self.events.ring()
        try:
            await socket.prepare(request)
            await link.run()
        except ConnectionError:
            link.ended = link.ended or "connection lost"
        finally:
            link.finish()
        return socket


class _Link:
    """The life of one connection."""

    def __init__(
        self,
        sockets: Sockets,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        path: str,
        request_id: int,
    ) -> None:
        self.path = path
        self.answers = True
        # Why it ended, if the server ended it.
        self.ended = ""
        self._sockets = sockets
        self._profile = sockets.profile
        self._devices = sockets.devices
        self._socket = socket
        self._transport = transport
        self._request_id = request_id
        self._device: Device | None = None
        self._pinger: asyncio.Task[None] | None = None
        self._ponged = True
        self._started = time.monotonic()
        self._rates = {
            "telemetry": _bucket(self._profile.telemetry_rate),
            "": _bucket(self._profile.message_rate),
        }
        # Telemetry has a number, and is acknowledged by it; the last number that came.
        self._acks = False
        self._seq = 0

    async def run(self) -> None:
        """Authenticate, then take messages until the end."""
        try:
            async with asyncio.timeout(self._profile.auth_timeout_ms / 1000):
                text = await self._next()
        except TimeoutError:
            self.drop("nothing was said in time")
            return
        if text is None or not await self._authenticate(text):
            return
        if self._profile.ping_ms is not None:
            self._pinger = asyncio.create_task(self._ping(self._profile.ping_ms / 1000))
        while (text := await self._next()) is not None:
            if not await self._take(text):
                return

    def finish(self) -> None:
        """The connection is over, however it ended."""
        if self._pinger is not None:
            self._pinger.cancel()
        how = self.ended or f"ended with code {self._socket.close_code}"
        who = "nobody"
        if self._device is not None:
            device = self._device
            who = f"device {device.source_id}"
            self._devices.detach(device, self)
        lived_s = time.monotonic() - self._started
        self._note(verdict=f"{who}, {lived_s:.1f} s: {how}")

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def close(self, code: int) -> None:
        self.ended = f"the server closed with {code}"
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self._socket.close(code=code)
                return
        self._transport.abort()

    def drop(self, why: str = "the server dropped it") -> None:
        """End the TCP connection without a close frame."""
        self.ended = self.ended or why
        self._transport.abort()

    async def _authenticate(self, text: str) -> bool:
        try:
            message = messages.parse(text, Check(self._profile))
            if message.get("type") == "device_auth":
                action = self._sockets.script.take_for_message("device_auth", self.path)
                if action is not None and not await self._play(action):
                    return not self._transport.is_closing() and await self._authenticate_later()
            introduction = messages.check_introduction(message, self._profile)
            refusal = self._sockets.keys.refusal(introduction.api_key)
            self._note(key_state="accepted" if refusal is None else "refused")
            if refusal is not None:
                raise refusal
        except ContractError as error:
            await self._refuse(error.message)
            return False
        if not self._sockets.limits.streaming:
            await self._refuse("the plan has no socket", "streaming_requires_plan")
            return False
        device = self._device = self._devices.attach(self, introduction)
        self._devices.record(device, "device", message)
        self._note(verdict=f"device {device.source_id} authenticated")
        answer: dict[str, Any] = {"type": "authenticated", "source_id": device.source_id}
        if self._profile.tells_time:
            answer["server_time_ms"] = now_ms()
        if introduction.protocol:
            answer["protocol"] = introduction.protocol
            answer["max_frame_bytes"] = self._profile.max_frame_bytes
        if introduction.acks:
            answer["acks"] = self._acks = True
        await self._answer(answer)
        if introduction.commands and not self._sockets.limits.commands:
            await self._complain("commands_not_permitted", "the plan has no commands")
        for words in introduction.bad_commands:
            await self._object("invalid_command", words)
        return True

    async def _authenticate_later(self) -> bool:
        """The first message went unheard: wait for the device to leave."""
        while await self._next() is not None:
            pass
        return False

    async def _take(self, text: str) -> bool:
        """One message of the device; returns whether the connection goes on."""
        device = self._device
        assert device is not None
        check = Check(self._profile)
        try:
            message = messages.parse(text, check)
        except ContractError as error:
            self._devices.record(device, "device", text)
            await self._object("INVALID_JSON", error.message)
            return True
        self._devices.record(device, "device", message)
        seq = self._numbered(message) if message.get("type") == "telemetry" else None
        action = self._sockets.script.take_for_message(str(message.get("type")), self.path)
        if action is not None and action.store:
            with contextlib.suppress(ContractError):
                found = messages.check(message, device.source_id, now_ms(), check)
                self._receive(device, message, found)
        if action is not None and not await self._play(action):
            return not self._transport.is_closing() and not self._socket.closed
        try:
            points = messages.check(message, device.source_id, now_ms(), check)
        except ContractError as error:
            await self._object("INVALID_MESSAGE", error.message, seq)
            return True
        finally:
            device.violate(check.violations)
        bucket = self._rates.get(message["type"], self._rates[""])
        if bucket is not None and not bucket.take():
            device.violate([f"RATE_LIMITED: too many messages of type {message['type']}"])
            await self._complain("RATE_LIMITED", "too many messages a second", seq)
            return True
        await self._answer_to(message, seq, self._receive(device, message, points))
        return True

    def _numbered(self, message: dict[str, Any]) -> int | None:
        """The number of telemetry by which it is acknowledged, if it is."""
        if not self._acks:
            return None
        assert self._device is not None
        self._seq += 1
        seq = message.get("seq")
        if seq != self._seq or isinstance(seq, bool):
            self._device.violate([f"seq must be {self._seq}, not {seq!r}"])
        return seq if type(seq) is int else None

    def _receive(
        self, device: Device, message: dict[str, Any], points: list[Point] | None
    ) -> set[str]:
        """Take a message, unless it is overlooked; returns the codes of limits against it."""
        refused: dict[str, str] = {}
        if points and self._profile.stores_telemetry:
            kept, refused = self._sockets.limits.sift(points)
            self._sockets.store.add_points(self._request_id, kept, now_ms(), "socket")
            self._sockets.events.ring()
        if points is not None:
            self._devices.receive(device, message)
        return set(refused.values())

    async def _answer_to(self, message: dict[str, Any], seq: int | None, refused: set[str]) -> None:
        """Acknowledge a message, if that is done, or tell which limit was against it."""
        if refused:
            if self._sockets.limits.reports_dropped:
                await self._complain(refused.pop(), "the readings were dropped", seq)
        elif seq is not None:
            await self._answer({"type": "telemetry_ack", "seq": seq})
        elif message["type"] == "command_status":
            about = {name: message[name] for name in ("run_id", "seq")}
            await self._answer({"type": "command_status_ack", **about})

    async def _play(self, action: Action) -> bool:
        """Do what the script has for a message; returns whether the message still counts."""
        words = f"scripted {describe_action(action)}"
        self._sockets.events.ring()
        if action.socket == "stall":
            await wire.hold(self._transport, action.hold_ms)
            return True
        if action.socket == "RATE_LIMITED":
            await self._complain("RATE_LIMITED", words)
        elif action.socket == "REDIS_UNAVAILABLE":
            await self._complain("REDIS_UNAVAILABLE", words)
            await self.close(_TRY_AGAIN_LATER)
        elif action.socket == "drop":
            self.drop(words)
        elif action.socket == "reset":
            self.ended = words
            wire.reset(self._transport)
        return False

    async def _next(self) -> str | None:
        """The next text; None at the end of the connection. Pings and pongs are seen to here."""
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.TEXT:
                return message.data
            if message.type is WSMsgType.BINARY:
                await self._object("INVALID_JSON", "a message must be a text frame, not binary")
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._ponged = True
                self._set_answers(True)
            else:
                # Not every error is the device's: its connection may just have been lost.
                if isinstance(message.data, WebSocketError) and not self.ended:
                    self.ended = f"the server closed with {message.data.code}: {message.data}"
                    if self._device is not None:
                        self._device.violate([self.ended])
                return None

    async def _ping(self, interval_s: float) -> None:
        with contextlib.suppress(ConnectionError):
            while not self._socket.closed:
                self._ponged = False
                await self._socket.ping()
                await asyncio.sleep(interval_s)
                self._set_answers(self._ponged)

    def _set_answers(self, answers: bool) -> None:
        if answers != self.answers:
            self.answers = answers
            self._devices.changed()

    async def _refuse(self, words: str, code: str = "") -> None:
        """Before authentication: say why, and close."""
        if code:
            await self._complain(code, words)
        else:
            await self._answer({"type": "error", "message": words})
        await self.close(_POLICY_VIOLATION)
        self.ended = f"refused: {words}"

    async def _object(self, code: str, words: str, seq: int | None = None) -> None:
        """The device is at fault."""
        if self._device is not None:
            self._device.violate([f"{code}: {words}"])
            self._devices.changed()
        await self._complain(code, words, seq)

    async def _complain(self, code: str, words: str, seq: int | None = None) -> None:
        """Tell of an error; with a number, of that telemetry, which is not wanted again."""
        about = {} if seq is None else {"seq": seq}
        if self._profile.error_codes:
            await self._answer({"type": "error", "code": code, "detail": words} | about)
        else:
            await self._answer({"type": "error", "message": f"{code}: {words}"})

    async def _answer(self, message: dict[str, Any]) -> None:
        if self._device is not None:
            self._devices.record(self._device, "server", message)
        await self._socket.send_str(json.dumps(message, ensure_ascii=False))

    def _note(self, **columns: Any) -> None:
        self._sockets.store.update_request(self._request_id, **columns)
        self._sockets.events.ring()


def _bucket(rate: Rate | None) -> Bucket | None:
    return None if rate is None else Bucket(rate)
