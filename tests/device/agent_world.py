"""A world for the agent: time that jumps, a server in memory, an ingest that counts, and sensors.

`World().run(main)` runs a coroutine to its end; what sleeps in it takes no real time.
"""

import asyncio
import json

from plexus import Plexus
from plexus.agent.agent import Agent
from plexus.clock import Clock
from plexus.port import ticks_add
from plexus.sensors import Sampler

START_MS = 1700000000000
URL = "ws://server.test/party/org"
KEY = "plx_secret0123456789"
TYPES = (
    "telemetry",
    "session_started",
    "session_stopped",
    "output",
    "pong",
    "heartbeat",
    "device_error",
    "command_result",
    "command_status",
    "command_sync",
)


def check(right, *words):
    """What `assert` does, also in compiled files, which are made without it."""
    __tracebackhide__ = True
    if not right:
        raise AssertionError(*words)


def running(agent):
    """The commands that run."""
    runs = agent._dispatcher._runs
    return runs.running if runs else []


async def beside(parts, main):
    """What the coroutine `main` returns; these parts run beside it, and it must not end them."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        result = await main
        check(not any(task.done() for task in tasks), "it has ended")
        return result
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            try:
                await task
            except asyncio.CancelledError:
                pass


class _Poll:
    # In place of MicroPython's, which would wait for sockets: there are none.
    map = True

    def __init__(self, world):
        self._world = world

    def wait_io_event(self, wait_ms):
        if wait_ms < 0:
            raise AssertionError("all tasks wait, and for nothing")
        self._world.now_ms += wait_ms


def _run_virtually(world, main):
    import asyncio.core as core  # pyright: ignore[reportMissingImports]

    before = core.ticks, core._io_queue
    # Far ahead of the real ticks, which who is woken at once has.
    base = ticks_add(before[0](), 1 << 28)
    core.ticks = lambda: ticks_add(base, world.now_ms)
    core._io_queue = _Poll(world)
    try:
        asyncio.run(main)
    finally:
        core.ticks, core._io_queue = before
        asyncio.new_event_loop()  # and no task of this world is left for the next


try:
    import selectors

    class _Selector:
        def __init__(self, world):
            self._world = world
            self._inner = selectors.DefaultSelector()

        def select(self, timeout_s=None):
            if timeout_s is None:
                raise AssertionError("all tasks wait, and for nothing")
            self._world.now_ms += timeout_s * 1000
            return self._inner.select(0)

        def __getattr__(self, name):
            return getattr(self._inner, name)

    def run_virtually(world, main):
        loop = asyncio.SelectorEventLoop(_Selector(world))  # pyright: ignore[reportArgumentType]
        loop.time = lambda: world.now_ms / 1000
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main)

except ImportError:
    run_virtually = _run_virtually


class KnownClock(Clock):
    """It knows the time, and never asks for it."""

    def due(self):
        return False


class Answer:
    status_code = 200

    def __init__(self, count):
        self.content = b'{"success":true,"count":%d}' % count

    def close(self):
        pass


class Ingest:
    """Stands in for the module `requests`: confirms all readings, and counts them.

    count: readings that came, by metric; in_session: those that carry one; calls: requests of
    sessions.
    """

    def __init__(self):
        self.count = {}
        self.in_session = 0
        self.calls = 0

    def request(self, method, url, data=None, headers=None, timeout=None):
        body = json.loads(b"".join([bytes(piece) for piece in data or ()]))
        if not url.endswith("/ingest"):
            self.calls += 1
            return Answer(1)
        for point in body["points"]:
            metric = point["metric"]
            self.count[metric] = self.count.get(metric, 0) + 1
            self.in_session += "session_id" in point.get("tags", {})
        return Answer(len(body["points"]))


class Socket:
    """A connection: its end at the device as websocket.connect() gives it, and the server's.

    sent: texts of the device that the server has not taken yet.
    """

    def __init__(self, server):
        self.close_code = None
        self.heard_at = 0
        self.sent = []
        self._server = server
        self._inbox = []
        self._news = asyncio.Event()
        self._begun = ""  # a message of which there is more

    async def send(self, message, text=False, final=True):
        if self.close_code is not None:
            raise OSError("the connection is closed")
        if not isinstance(message, str):
            check(text, "a binary message")
            message = str(bytes(message), "utf-8")
        self._begun += message
        if final:
            message, self._begun = self._begun, ""
            self._server.take(self, message)
        await asyncio.sleep(0)

    async def ping(self):
        if self.close_code is not None:
            raise OSError("the connection is closed")
        self._server.pings += 1
        if self._server.answers:
            self.heard_at += 1

    async def recv(self):
        while not self._inbox and self.close_code is None:
            await self._news.wait()
            self._news.clear()
        if self._inbox:
            self.heard_at += 1
            return self._inbox.pop(0)
        return None

    async def close(self, code=1000):
        self.end(code)

    def say(self, message):
        """The server's message: text, bytes, or what is to be JSON."""
        if not isinstance(message, (str, bytes)):
            message = json.dumps(message)
        self._inbox.append(message)
        self._news.set()

    def end(self, code=1006):
        """It is over."""
        if self.close_code is None:
            self.close_code = code
        self._news.set()


class Server:
    """Lets devices in, and judges what they say.

    accept: whether it does. answers: whether it pongs. connects, pings, heartbeats, points:
    counts. tries: when (ms of the world) somebody tried to connect. judge(message): further checks.
    authenticated: what that message has besides; greeting: a message that follows it.
    """

    def __init__(self, world):
        self.accept = True
        self.authenticate = True
        self.answers = True
        self.connects = self.pings = self.heartbeats = self.points = 0
        self.tries = []
        self.socket = None
        self.messages = []  # those that are neither telemetry nor heartbeats
        self.judge = None
        self.greeting = None
        self.authenticated = {}
        self._world = world

    async def connect(self, url, ssl=None, max_size=0):
        self.tries.append(self._world.now_ms)
        await asyncio.sleep(0.01)
        if not self.accept:
            raise OSError("refused")
        self.connects += 1
        self.socket = Socket(self)
        return self.socket

    def take(self, socket, text):
        message = json.loads(text)
        kind = message["type"]
        if kind == "device_auth":
            check(message["api_key"] == KEY and message["source_id"] == "dev-1", text)
            if self.authenticate:
                answer = {"type": "authenticated", "source_id": "dev-1"}
                answer.update(self.authenticated)
                socket.say(answer)
                if self.greeting:
                    socket.say(self.greeting)
        else:
            check(kind in TYPES, text)
            check(len(text) <= 16384, text)
            check(KEY not in text, text)
        if self.judge:
            self.judge(message)
        if kind == "telemetry":
            check(message["points"], text)
            self.points += len(message["points"])
        elif kind == "heartbeat":
            self.heartbeats += 1
        else:
            self.messages.append(message)

    def heard(self, kind, **fields):
        """Messages of this type with these fields."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and all(message.get(k) == fields[k] for k in fields)
        ]


class Probe:
    """A sensor of one's own: `reads` counts. It takes options."""

    def __init__(self, metric, gain=1, label="x", fails=False):
        self.metric = metric
        self.METRICS = (metric,)
        self.configure(gain, label, fails)
        self.reads = 0

    def configure(self, gain=1, label="x", fails=False):
        self._value = gain * 1
        self._label = label + ""
        self.fails = fails

    def read(self):
        if self.fails:
            raise OSError("no answer")
        self.reads += 1
        return ((self.metric, self.reads),)


class World:
    """A device: px, sampler, agent; and server, ingest. now_ms: since its beginning.

    Sensors: "steady" (100 Hz) and "kept" (10 Hz) are kept; "shown" (20 Hz) only if somebody asks.
    """

    def __init__(self, start_ticks=1000, live_bytes=4096, url=URL, **options):
        self.now_ms = 0
        self._start_ticks = start_ticks
        self.server = Server(self)
        self.ingest = Ingest()
        clock = KnownClock((), ticks=self.ticks_ms, set_rtc=False)
        clock.observe(START_MS, self.ticks_ms(), 1, "server")
        self.px = Plexus(
            KEY,
            "dev-1",
            endpoint="http://server.test/api/ingest",
            ring_bytes=8192,
            clock=clock,
            requests=self.ingest,
        )
        self.px.ticks_ms = self.ticks_ms
        self.sampler = Sampler(self.px)  # pyright: ignore[reportArgumentType] -- send is an attribute
        self.steady = Probe("steady")
        self.kept = Probe("kept")
        self.shown = Probe("shown")
        self.channels = {}
        for sensor, interval_ms, on_demand in (
            (self.steady, 10, False),
            (self.kept, 100, False),
            (self.shown, 50, True),
        ):
            name = sensor.metric
            self.channels[name] = self.sampler.add(
                sensor, interval_ms, name=name, on_demand=on_demand
            )
        self.agent = Agent(
            self.px,
            self.sampler,
            url,
            connect=self.server.connect,
            live_bytes=live_bytes,
            **options,
        )
        self.ran = []  # the commands that were run
        self._add_commands()

    def ticks_ms(self):
        return ticks_add(self._start_ticks, round(self.now_ms))

    def _add_commands(self):
        command = self.agent.command

        @command(
            "echo",
            params={
                "n": {"type": "number", "min": -1000, "max": 1000.5, "default": 1},
                "i": {"type": "integer"},
                "s": {"type": "string"},
                "b": {"type": "boolean"},
                "c": {"type": "choice", "choices": ["on", "off"]},
            },
        )
        async def echo(out, **values):
            self.ran.append("echo")
            out("%r\n" % sorted(values))
            await asyncio.sleep(0.01)
            return values

        @command("slow", description="never ends")
        async def slow(out):
            self.ran.append("slow")
            while True:
                await asyncio.sleep(10)

        @command("loud")
        async def loud(out):
            for _ in range(100):
                out("\u00e4\ud7ff" * 500)
                await asyncio.sleep(0)

        @command("broken")
        def broken(out):
            raise OSError(5, "x" * 1000)

        @command("odd")
        def odd(out):
            return {1: object()}

    async def until(self, predicate, limit_ms=60000):
        """Let time pass until it is so."""
        end_ms = self.now_ms + limit_ms
        while not predicate():
            check(self.now_ms < end_ms, self.agent.status)
            await asyncio.sleep(0.02)

    def run(self, main, sampling=True):
        """Run `main` (a coroutine) beside the agent and the sampler, which it must not end."""
        parts = (self.agent, self.sampler) if sampling else (self.agent,)
        run_virtually(self, beside(parts, main))
