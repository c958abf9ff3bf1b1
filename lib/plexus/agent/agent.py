"""A device's connection to the dashboard: made, authenticated, kept alive, and made again."""

import asyncio
import os

from ..port import const, load_once, ticks_diff, unload
from ..websocket import connect as _connect
from .command_table import Commands
from .connection import Connection
from .dispatcher import Dispatcher
from .live import Live

_RETRY_MS = const(1000)
_RETRY_MAX_MS = const(60000)
_REFUSED_MS = const(60000)
_REFUSED_MAX_MS = const(900000)
_MOVE_MS = const(20)  # to the next gateway, and so much more at random
_SPREAD_MS = const(230)
_MOVES = const(3)  # in a row; then it waits as after a failure
_STEP_MS = const(1000)  # how often it looks whether to try
_CONNECT = const(1)  # a step of bounded_socket.py


class Agent:
    """The live side of a device: what the dashboard sees and asks. Let `run()` be a task.

    Nothing is delivered here: the readings that are to be kept go through `px` as ever. Streams end
    with the connection, and begin again when the server asks. A recording session goes on until it
    is stopped, and a command until its end or time limit; the server hears of both afterwards.

    live: the Live whose `sent` and `dropped` count the readings shown, and not.
    """

    def __init__(
        self,
        px,
        sensors=None,
        url=None,
        *,
        ready=None,
        ssl=None,
        live_bytes=4096,
        max_size=8192,
        heartbeat_ms=30000,
        stores=None,
        connect=_connect,
        random=os.urandom,
    ):
        """
        `sensors`: a Sampler. `url`: ws:// or wss://, the whole address. `ready()` tells whether
        there is a network; while there is none nothing is tried. `ssl`: the SSLContext for wss;
        else that of `px`. `live_bytes`: the ring for what waits to be shown. `max_size`: bytes of
        the largest message to take; the connection ends at a larger one. A heartbeat goes out each
        `heartbeat_ms`; when nothing is heard for two, the connection is dead. `stores`: whether the
        server keeps what it is shown, so that a reading goes one way only; None: each does but the
        documented one, whose path begins with /party/. `connect` and `random` serve in place of
        websocket.connect and os.urandom. ValueError names what is wrong.
        """
        from ..options import check_range
        from ..url import split_url

        if not isinstance(url, str) or url[:5] != "ws://" and url[:6] != "wss://":
            raise ValueError("url: %r; give the ws:// or wss:// address of the server" % (url,))
        parts = split_url("http" + url[2:], "url")
        self._host = parts[1]
        documented = parts[3][:7] == "/party/"
        check_range("max_size", max_size, 512, 1048576)
        check_range("heartbeat_ms", heartbeat_ms, 10, 3600000)
        if ssl is None and url[:4] == "wss:":
            ssl = px.credentials()[1]
            if ssl is None:
                from ..tls import verifying_context

                ssl = verifying_context()
        unload("plexus", "options", "url")
        self._px = px
        self._url = url
        self._ready = ready
        self._ssl = ssl
        self._needs_time = url[:4] == "wss:" and getattr(ssl, "verify_mode", 1) != 0
        self._max_size = max_size
        self._connect = connect
        self._random = random
        self.live = Live(px, live_bytes)
        self._commands = Commands()
        outbox = []
        self._dispatcher = Dispatcher(px, sensors, self.live, self._commands, outbox.append)
        self._connection = Connection(
            px, sensors, self.live, self._commands, self._dispatcher, outbox, heartbeat_ms
        )
        self._connection.documented = documented
        self._connection.stores = stores
        self._state = "not started"
        self._failures = self._moves = self._min_wait_ms = self._wait_ms = 0
        self._tried_at = 0  # ticks

    def __repr__(self):
        return "<Agent %s at %s: %s>" % (self._px.source_id, self._host, self.status)

    def command(self, name, description="", params=None, **more):
        """Decorator: the dashboard may run this function, `f(out, **params)`, by `name`.

        `out(text)` shows a text as it is, so end lines yourself. What f returns, JSON-able, is its
        result. An async function can be cancelled and has a time limit; a plain one runs at once,
        and everything else waits for it. `params`: {"rpm": {"type": "number", "min": 0, "max": 100,
        "default": 0}}; types are number, integer, string, boolean, and choice with its "choices";
        "required": True refuses a call without it, and without a default f must have one. All of
        it is checked before f runs. ValueError names what is wrong.

        more, for a server with version 1 of commands: title=; danger= "normal", "dangerous" or
        "critical"; expires_in_s= 5 to 3600, after which it is not begun; idempotent=True, if to run
        it twice is harmless; concurrency= "accept", or "reject" to run one at a time.
        """

        def register(function):
            self._commands.add(name, function, description, params, more)
            return function

        return register

    @property
    def connected(self):
        """Whether there is a connection, and the server has let this device in."""
        return self._connection.connected

    @property
    def connects(self):
        """How often there was."""
        return self._connection.connects

    @property
    def messages(self):
        """Messages that came."""
        return self._connection.messages

    @property
    def errors(self):
        """Messages that were refused, or made no sense; and what the server refused."""
        return self._dispatcher.errors

    @property
    def status(self):
        """What is going on, for a person (str)."""
        connection = self._connection
        if connection.connected:
            count = len(self.live.streams)
            session = self._dispatcher.session_id
            if session is not None:
                count -= 1
            message = "connected, %d stream%s" % (count, "" if count == 1 else "s")
            if session is not None:
                message += ", session " + session
            if connection.refusal:
                message += "; " + connection.refusal
            error = connection.server_error
            return message + ("; the server says: " + error if error else "")
        problem = connection.problem
        if problem is None:
            return self._state
        if not isinstance(problem, str):
            problem = load_once("plexus", "delivery.problem").problem(problem, self._host)
        message = ("refused: " if connection.refused else "not connected: ") + problem
        if self._wait_ms < 0:
            return message
        left_ms = self._wait_ms - ticks_diff(self._px.ticks_ms(), self._tried_at)
        return message + "; next try in %d s" % ((max(left_ms, 0) + 999) // 1000)

    async def run(self):
        """Be connected, for ever. Cancel it to end that; nothing else does."""
        self._tried_at = self._connection.now()
        try:
            while True:
                try:
                    if self._wait_ms < 0:
                        self._again()
                    await self._wait()
                    await self._once()
                except Exception as exc:  # noqa: BLE001 -- ready(), sensors: whoever wrote them
                    # Also MemoryError, whatever was being done: this takes none, and lets others
                    # give some back.
                    self._connection.fail(exc)
                    await asyncio.sleep(1)
        finally:
            self._state = "stopped"
            self._connection.problem = None
            self._dispatcher.stopped()

    async def _once(self):
        connection = self._connection
        connection.begin()
        self._wait_ms = -1  # it is not waiting
        self._state = "connecting to " + self._host
        try:
            ws = await self._connect(self._url, ssl=self._ssl, max_size=self._max_size)
        except (OSError, MemoryError) as exc:
            connection.fail(exc, _CONNECT)
            connection.refused = getattr(exc, "status", 0) in (401, 403)
            return
        self._state = "authenticating"
        await connection.use(ws)

    async def _wait(self):
        # Until it is time to connect, and there is what that takes.
        while True:
            now = self._connection.now()
            left_ms = self._wait_ms - ticks_diff(now, self._tried_at)
            lacking = self._lacking()
            if lacking:
                self._state = "waiting for the " + lacking
                self._connection.begin()
                self._failures = self._wait_ms = 0
                self._tried_at = now
                left_ms = _STEP_MS
            elif left_ms <= 0:
                return
            await asyncio.sleep(min(left_ms, _STEP_MS) / 1000)

    def _lacking(self):
        if self._ready and not self._ready():
            return "network"
        if self._needs_time and not self._px.clock.known:
            return "time"  # by which certificates are verified

    def _again(self):
        # Set the next try.
        connection = self._connection
        minimum, maximum = _RETRY_MS, _RETRY_MAX_MS
        if connection.refused:
            minimum, maximum = _REFUSED_MS, _REFUSED_MAX_MS
            if connection.refusal:
                minimum = maximum  # it is the plan, which changes seldom
        if connection.stable or minimum != self._min_wait_ms:
            self._failures = 0
        if connection.stable:
            self._moves = 0
        if connection.goodbye and self._moves < _MOVES:
            self._moves += 1
            self._wait_ms = _MOVE_MS + self._share_of(_SPREAD_MS)
            self._tried_at = connection.now()
            return
        self._min_wait_ms = minimum
        self._failures += 1
        maximum = min(maximum, minimum << min(self._failures, 10))
        # Half of it at random, so that a fleet does not come back in step.
        self._wait_ms = maximum - self._share_of(maximum // 2)
        self._tried_at = connection.now()

    def _share_of(self, milliseconds):
        return milliseconds * int.from_bytes(self._random(2), "big") >> 16
