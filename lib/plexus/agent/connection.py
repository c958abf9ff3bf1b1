"""One connection to the dashboard, from the introduction to its end."""

import asyncio
import errno
import json

from ..delivery.request import reason_of
from ..port import const, load_once, ticks_add, ticks_diff, unload
from .message import parse

_AUTHENTICATION_MS = const(10000)
_STEP_MS = const(1000)  # how often it looks whether the connection lives
_CHECK_MS = const(250)
_CLOSE_S = const(2)
_APART_MS = const(15)
_FRAMES = const(8)  # so many in a row, then something else has its turn
_WAITING = const(24)  # answers that wait; then there are no more until some have gone
_PAUSE_S = 0.005  # after each message: who floods gets a part of the time, not all of it
_MAX_MESSAGE = const(200)
_FRAME_BYTES = const(65536)  # that a server takes unless it says less
# The platform's gateway takes 20 messages a second besides telemetry, after 60 at once, and loses
# what is more.
_APIECE_MS = const(55)
_AT_ONCE_MS = const(2750)
_PLAUSIBLE_MS = (1577836800000, 4102444800000)  # 2020 to 2100
_CLOCK_ERROR_MS = const(5)
_TALK = const(5)  # in problem.py's list of steps
_NO_MEMORY = (0, _TALK, errno.ENOMEM)
_STABLE_MS = const(30000)
_ACK_MS = const(30000)
_LIMITED_MS = const(10000)  # so long nothing is shown to a server that keeps none of it
_SELDOM_MS = const(900000)  # commands that are not permitted are not declared for so long
_GOODBYES = (1000, 1001, 1005, 1012)  # close codes, of which 1005 stands for none
_ERROR_MS = const(1000)  # a clock that is better is not set by the server


class Connection:
    """A connection at a time: `use()` lives through it.

    connected: authenticated, now. connects: how often it was. messages: that came.
    server_error: the server's, if that was its last message. refusal: what it refuses because of
    the plan, in words, as long as this connection lasts. problem: why the last connection
    ended (a text, or see problem.py), or None. refused: the server does not want this device.
    stable: it lived long. goodbye: the server has gone, and another one takes its place.
    documented: the server is that of the documentation, unless it says otherwise. stores: whether
    it keeps what it is shown; None: by what it is.
    outbox: what waits to be sent: dicts and statuses of runs, which are for this connection; and
    texts that are JSON, which otherwise go to the next.
    """

    def __init__(self, px, sampler, live, commands, dispatcher, outbox, heartbeat_ms):
        self.connected = self.refused = False
        self.connects = self.messages = 0
        self.problem = None
        self.server_error = self.refusal = ""
        self.stable = False
        self.documented = True
        self.goodbye = False
        self.stores = None
        self._since = None  # ticks, when this connection was authenticated
        self._px = px
        self._sampler = sampler
        self._live = live
        self._commands = commands
        self._dispatcher = dispatcher
        self._outbox = outbox
        self._heartbeat_ms = heartbeat_ms
        self._flushing = False
        self._paced = False
        self._limited_at = self._forbidden_at = None  # ticks
        self._spent_at = 0  # ticks when so much has come of what was sent that none of it counts
        self._sends = 0  # that are under way,
        self._sent_at = 0  # and when one last went on
        self._over = None
        self._max_bytes = _FRAME_BYTES
        self._up_ms = 0
        self._now_ms = px.ticks_ms()

    def begin(self):
        """There is nothing to say of the connection before."""
        self._since = self.problem = None
        self.refused = self.stable = self.goodbye = False
        self.server_error = self.refusal = ""

    def fail(self, problem, step=_TALK):
        """Note why there is no connection: the first reason, which the others may come from."""
        if self.problem is None:
            if isinstance(problem, MemoryError):
                problem = _NO_MEMORY
            elif isinstance(problem, OSError):
                problem = (0, step, reason_of(problem))
            elif not isinstance(problem, str):
                problem = ("%s: %s" % (type(problem).__name__, problem))[:_MAX_MESSAGE]
            self.problem = problem

    def now(self):
        """The ticks; called often, it adds up how long the device is up."""
        now = self._px.ticks_ms()
        self._up_ms += ticks_diff(now, self._now_ms)
        self._now_ms = now
        return now

    async def use(self, ws):
        """Let all happen on this connection that is to; `problem` says why it has ended."""
        self._sends = 0
        self._spent_at = self._px.ticks_ms()
        parts = []
        try:
            self._over = asyncio.Event()
            for part in (self._read, self._write, self._watch):
                parts.append(asyncio.create_task(self._part(part, ws)))
            # Not for the tasks: in MicroPython, cancelling a task that awaits another one cancels
            # only the awaited one.
            await self._over.wait()
        finally:
            self.connected = False
            for part in parts:
                part.cancel()
            # At once: a sensor that is read on demand is not to be read for nobody.
            self._live.end_streams()
            self._dispatcher.disconnected()
            for part in parts:
                while not part.done():
                    await asyncio.sleep(0.01)
            self._outbox[:] = [text for text in self._outbox if isinstance(text, str)]
            try:
                await asyncio.wait_for(ws.close(), _CLOSE_S)
            except (OSError, MemoryError, asyncio.TimeoutError):
                pass
        for part in parts:
            try:
                await part  # it is done; this raises what nobody expected
            except asyncio.CancelledError:
                pass

    async def _part(self, work, ws):
        try:
            self.fail(await work(ws))
        except asyncio.CancelledError:
            pass
        except (OSError, MemoryError) as exc:
            self.fail(exc)
        finally:
            self._over.set()

    async def _read(self, ws):
        # What the server says, one by one.
        from .hello import hello

        commands = self._commands
        if self._lasts(self._forbidden_at, _SELDOM_MS):
            commands = None
        for text in hello(self._px, self._sampler, commands, self.documented):
            await self._send(ws.send(text, final=text == "}"))
        asked = self._px.ticks_ms()
        del hello
        unload(__name__, "hello")
        while True:
            text = await ws.recv()
            if text is None:
                return self._closed(ws.close_code)
            self.messages += 1
            self._hear(text, asked)
            text = None
            if self.connected:
                await self._flush(ws)
                while len(self._outbox) > _WAITING:  # what another task is just sending
                    await asyncio.sleep(_PAUSE_S)
            await asyncio.sleep(_PAUSE_S)

    def _hear(self, text, asked):
        dispatcher = self._dispatcher
        live = self._live
        self.server_error = ""
        try:
            message = parse(text)
        except ValueError as exc:
            if self.connected:
                dispatcher.complain(str(exc))
            else:
                dispatcher.errors += 1
            return
        seq = message.get("seq")
        if not live.acks or isinstance(seq, bool) or not isinstance(seq, int):
            seq = 0
        if message.get("type") == "error":
            live.release(seq, False)
            self.server_error = self._error_text(message)
            dispatcher.errors += 1
            code = message.get("code")
            if code == "RATE_LIMITED":
                self._paced = True
            elif code == "INVALID_MESSAGE" and "unknown message" in self.server_error:
                dispatcher.tells = False  # it was a type of message
            else:
                self._refuse(code)
        elif seq and message.get("type") == "telemetry_ack":
            live.release(seq)
        elif self.connected:
            dispatcher.handle(message)
        elif message.get("type") == "authenticated":
            self._authenticated(message, asked)

    def _refuse(self, code):
        # What the plan or the key does not permit is told once, and asked for seldom.
        words = load_once(__name__, "refusals").words(code, self.server_error)
        if words:
            self.refusal = words
            self.server_error = ""
            if code == "commands_not_permitted":
                self._forbidden_at = self._px.ticks_ms()
            elif "LIMIT" in code:
                self._limited_at = self._px.ticks_ms()

    def _lasts(self, since, milliseconds):
        return since is not None and 0 <= ticks_diff(self._px.ticks_ms(), since) < milliseconds

    def _authenticated(self, message, asked):
        px = self._px
        clock = px.clock
        dispatcher = self._dispatcher
        now = self._since = self._beat_at = self._checked_at = px.ticks_ms()
        time_ms = message.get("server_time_ms")
        minimum, maximum = _PLAUSIBLE_MS
        if time_ms is not None and not (isinstance(time_ms, int) and minimum <= time_ms < maximum):
            dispatcher.errors += 1
        elif time_ms and (clock.source != "ntp" or clock.error_ms > _ERROR_MS):
            half_ms = ticks_diff(now, asked) // 2
            clock.observe(time_ms + half_ms, now, half_ms + _CLOCK_ERROR_MS, "websocket")
        alias = message.get("source_id")
        dispatcher.alias = alias if isinstance(alias, str) else None
        if "protocol" in message:
            self.documented = False
        if not self.documented:
            dispatcher.tells = False
            self._paced = True
        dispatcher.protocol = message.get("protocol") == 1
        limit = message.get("max_frame_bytes")
        if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit < _FRAME_BYTES:
            limit = _FRAME_BYTES
        self._max_bytes = self._live.max_bytes = limit
        self._live.stores = not self.documented if self.stores is None else self.stores
        self._live.acks = not self.documented and message.get("acks") is True
        self.connects += 1
        self.connected = self._live.connected = True
        dispatcher.connected()

    def _closed(self, code):
        # Why the connection has ended, as a text.
        # 1011 to 1013: a server in trouble, which says nothing about this device.
        refused = self.refusal or self.server_error
        refused = refused and self._since is None and code not in (1011, 1012, 1013)
        self.refused = code == 1008 or bool(refused)
        self.goodbye = self._since is not None and not self.documented and code in _GOODBYES
        if code in (1002, 1003, 1007, 1009):
            self._dispatcher.errors += 1
        words = "the server has ended the connection (%s)" % code
        return self.refusal or self.server_error or words

    def _error_text(self, message):
        # The server's text in an error, bounded, and without the key.
        text = ""
        for name in ("code", "message", "error", "detail"):
            part = message.get(name)
            if isinstance(part, str) and part:
                text += (": " if text else "") + part
        clean = load_once("plexus", "delivery.problem").clean
        return clean(text, self._px.credentials()[0]) or "an error without words"

    async def _write(self, ws):
        # What goes out by itself.
        live = self._live
        while True:
            sent = 0
            if self.connected:
                if not self.documented and ws.close_code in _GOODBYES:
                    # The reader waits until the server ends the connection, which may take long.
                    return self._closed(ws.close_code)
                now = self.now()
                if len(self._outbox) <= _WAITING:
                    if ticks_diff(now, self._checked_at) >= _CHECK_MS:
                        self._checked_at = now
                        self._dispatcher.check()
                    self._dispatcher.collect()
                if self._outbox:
                    sent = await self._flush(ws)
                limited = self._lasts(self._limited_at, _LIMITED_MS)
                for _ in range(0 if limited else _FRAMES):
                    # Not while the other task is sending answers: a session's start is one of them.
                    frame = None if self._outbox and self._dispatcher.tells else live.frame()
                    if frame is None:
                        break
                    sent += 1
                    await self._send(ws.send(frame, text=True))
                if ticks_diff(now, self._beat_at) >= self._heartbeat_ms:
                    self._may_send(True)
                    self._beat_at = ticks_add(self._beat_at, self._heartbeat_ms)
                    if ticks_diff(now, self._beat_at) >= self._heartbeat_ms:
                        self._beat_at = now  # it was busy with other things for long
                    await self._send(ws.send(json.dumps(self._heartbeat())))
                    await self._send(ws.ping())
            # The current server takes 100 messages a second, and loses what is more.
            await asyncio.sleep(max(live.period_ms, _APART_MS * sent) / 1000)

    def _heartbeat(self):
        source_id = self._px.source_id
        return {"type": "heartbeat", "source_id": source_id, "uptime_s": self._up_ms // 1000}

    async def _watch(self, ws):
        # Until the connection is dead. Time in which the program did not come to this is not
        # counted, as what arrived meanwhile was not read.
        step_ms = max(min(_STEP_MS, self._heartbeat_ms // 4), 1)
        dead_ms = 2 * self._heartbeat_ms
        waited_ms = quiet_ms = stalled_ms = late_ms = oldest = 0
        heard_at = ws.heard_at
        sent_at = self._sent_at
        before = self.now()
        while True:
            await asyncio.sleep(step_ms / 1000)
            now = self.now()
            passed_ms = min(ticks_diff(now, before), 2 * step_ms)
            before = now
            waited_ms += passed_ms
            if self.connected and ticks_diff(now, self._since) >= _STABLE_MS:
                self.stable = True
            if not self.connected and waited_ms >= _AUTHENTICATION_MS:
                words = self.refusal or self.server_error
                self.refused = words != ""
                problem = "no answer to the authentication within %d s" % (
                    _AUTHENTICATION_MS // 1000
                )
                return words or problem
            quiet_ms = quiet_ms + passed_ms if ws.heard_at == heard_at else 0
            heard_at = ws.heard_at
            stalled_ms = stalled_ms + passed_ms if self._sends and sent_at == self._sent_at else 0
            sent_at = self._sent_at
            late_ms = late_ms + passed_ms if oldest and oldest == self._live.oldest else 0
            oldest = self._live.oldest
            if late_ms >= _ACK_MS:
                return "no telemetry was acknowledged for %d s" % (_ACK_MS // 1000)
            if quiet_ms >= dead_ms:
                return "nothing was heard of the server for %d s" % (dead_ms // 1000)
            if stalled_ms >= dead_ms:
                return "the server has taken nothing for %d s" % (dead_ms // 1000)

    async def _flush(self, ws):
        # Send the answers that wait, in their order: one task does it at a time.
        count = 0
        if self._flushing:
            return count
        self._flushing = True
        try:
            while self._outbox and self._may_send():
                count += 1
                message = self._outbox[0]
                status = None
                if isinstance(message, dict):
                    message = json.dumps(message)
                elif not isinstance(message, str):
                    status = message
                    message = status.text()
                if len(message) * 4 > self._max_bytes:
                    message = load_once(__name__, "fitting").fitted(message, self._max_bytes)
                await self._send(ws.send(message))
                self._outbox.pop(0)  # not before: it may have to go to the next connection
                if status:
                    status.sent = True
        finally:
            self._flushing = False
        return count

    def _may_send(self, must=False):
        # Whether the server takes one more message now, which this counts. must: it is sent anyway.
        now = self._px.ticks_ms()
        if ticks_diff(self._spent_at, now) < 0:
            self._spent_at = now
        if self._paced:
            if not must and ticks_diff(self._spent_at, now) > _AT_ONCE_MS:
                return False
            self._spent_at = ticks_add(self._spent_at, _APIECE_MS)
        return True

    async def _send(self, sending):
        # For _watch, which looks whether it goes on.
        self._sends += 1
        try:
            await sending
        finally:
            self._sends -= 1
            self._sent_at = (self._sent_at + 1) & 0xFFFF
