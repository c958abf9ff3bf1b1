"""What tests of the agent share: a socket in memory, and time that the test lets pass."""

import asyncio
import json

from agent_world import running
from clients import Randoms, client, right_clock
from plexus.agent.agent import Agent
from plexus.port import load_native
from plexus.sensors.sampling.sampler import Sampler
from plexus.websocket.frames import utf8
from support import FakeTicks, equal

URL = "wss://gateway.example/party/org"
ENDPOINT = "http://127.0.0.1:1/api/ingest"  # nobody is there; nothing is flushed
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TIME_MS = 1795329907655
# Those that sleep.
MODULES = {
    name: load_native("plexus.agent", name) for name in ("agent", "connection", "command_runs")
}


class Time:
    """In place of the agent's asyncio: it sleeps in time that only pass_ms() lets pass."""

    Event = asyncio.Event
    CancelledError = asyncio.CancelledError
    TimeoutError = asyncio.TimeoutError

    def __init__(self, start_ms):
        self.ticks = FakeTicks(start_ms)
        self.now_ms = 0
        self._sleepers = []

    def create_task(self, work):
        return asyncio.create_task(work)

    async def wait_for(self, work, timeout_s):
        return await work  # what it waits for here does not last

    async def sleep(self, seconds):
        sleeper = [self.now_ms + max(int(seconds * 1000 + 0.5), 1), asyncio.Event()]
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    def jump_ms(self, duration_ms):
        """Nothing runs for so long."""
        self.now_ms += duration_ms
        self.ticks.advance(duration_ms)

    async def pass_ms(self, duration_ms):
        ends_ms = self.now_ms + duration_ms
        while True:
            for _ in range(8):
                await asyncio.sleep(0)
            next_ms = min([sleeper[0] for sleeper in self._sleepers] or [ends_ms])
            next_ms = max(next_ms, self.now_ms)
            self.ticks.advance(min(next_ms, ends_ms) - self.now_ms)
            self.now_ms = min(next_ms, ends_ms)
            if next_ms >= ends_ms:
                return
            for sleeper in tuple(self._sleepers):
                if sleeper[0] <= self.now_ms:
                    self._sleepers.remove(sleeper)
                    sleeper[1].set()


class Socket:
    """What connect() gives: the test says what the server says, and sees what the device says.

    sent: messages, parsed. texts: as they were. stalled: nothing is taken. send_ms: how long each
    message takes. answers: pings are.
    """

    def __init__(self, time):
        self.close_code = None
        self.heard_at = 0
        self.sent = []
        self.texts = []
        self.begun = ""  # a message of which there is more
        self.pings = 0
        self.stalled = False
        self.send_ms = 0
        self.answers = True
        self.closed_with = None
        self._time = time
        self._inbox = []
        self._news = asyncio.Event()

    def say(self, message):
        """A message of the server: a dict, or text or bytes as they are."""
        self._inbox.append(json.dumps(message) if isinstance(message, dict) else message)
        self.heard_at += 1
        self._news.set()

    def end(self, code=1006):
        """The server ends the connection, when what it said before has been read."""
        self._inbox.append(code)
        self._news.set()

    async def send(self, message, text=False, final=True):
        while self.stalled and self.close_code is None:
            await self._time.sleep(0.05)
        if self.send_ms:
            await self._time.sleep(self.send_ms / 1000)
        if self.close_code is not None:
            raise OSError(104)
        if not isinstance(message, str):
            assert text, "it goes out as binary"
            message = str(bytes(message), "utf-8")
        equal(utf8(message.encode(), 0), 0)  # or a server ends the connection
        self.begun += message
        if not final:
            return
        message, self.begun = self.begun, ""
        self.texts.append(message)
        self.sent.append(json.loads(message))

    async def ping(self):
        self.pings += 1
        self.heard_at += self.answers

    async def recv(self):
        while not self._inbox:
            if self.close_code is not None:
                return None
            self._news.clear()
            await self._news.wait()
        message = self._inbox.pop(0)
        if isinstance(message, int):
            self.close_code = message
            return None
        return message

    async def close(self, code=1000):
        if self.close_code is None:
            self.close_code = self.closed_with = code

    def of(self, *kinds):
        """What was sent of these types."""
        return [message for message in self.sent if message["type"] in kinds]


class Room:
    """A sensor that the test can break."""

    def __init__(self):
        self.broken = False

    def read(self):
        if self.broken:
            raise OSError("no answer on the bus")
        return [("temperature", 21.5), ("humidity", 40)]


class Talk:
    """An agent, its client, its sampler, and one connection after the other: `sockets`.

    fails: what the next calls of connect() raise (None: it succeeds).
    """

    def __init__(self, random=0, start_ms=1000, url=URL, **options):
        self.time = Time(start_ms)
        self.pass_ms = self.time.pass_ms
        self.px = client(ENDPOINT, clock=right_clock(self.time.ticks))
        self.sampler = Sampler(self.px)  # pyright: ignore[reportArgumentType]
        self.sockets = []
        self.fails = []
        self.tried_at_ms = []
        self.asked = None
        self.agent = Agent(
            self.px,
            self.sampler,
            url,
            ssl=object(),  # pyright: ignore[reportArgumentType]
            connect=self.connect,
            random=Randoms(random),
            **options,
        )

    def add_broken_room(self):
        """The channel of a sensor that does not answer."""
        room = Room()
        room.broken = True
        return self.sampler.add(room, name="room")

    async def connect(self, url, ssl=None, max_size=0):
        self.asked = (url, ssl, max_size)
        self.tried_at_ms.append(self.time.now_ms)
        failure = self.fails.pop(0) if self.fails else None
        if failure is not None:
            raise failure
        self.sockets.append(Socket(self.time))
        return self.sockets[-1]

    @property
    def socket(self):
        return self.sockets[-1]

    @property
    def running(self):
        """The commands that run."""
        return running(self.agent)

    def play(self, script, after=None, **modules):
        """Run the coroutine function `script` beside the agent, and then end that; then after().

        modules: what a module has in place of asyncio, beside its time.
        """

        async def main():
            task = asyncio.create_task(self.agent.run())
            try:
                await self.pass_ms(20)
                await script()
            finally:
                task.cancel()
                await self.pass_ms(500)
                self.ended = task.done()
                if after:
                    after()
                try:
                    await task
                except asyncio.CancelledError:
                    pass

        for name in MODULES:
            MODULES[name].asyncio = modules.get(name, self.time)
        try:
            asyncio.run(main())
        finally:
            for name in MODULES:
                MODULES[name].asyncio = asyncio

    async def authenticate(self, **more):
        message = {"type": "authenticated", "source_id": "dev-1"}
        message.update(more)
        self.socket.say(message)
        await self.pass_ms(20)

    async def ask(self, kind, **fields):
        """Say a bare message; what the device sends within half a second."""
        count = len(self.socket.sent)
        self.socket.say(dict(fields, type=kind))
        await self.pass_ms(500)
        return self.socket.sent[count:]

    async def ask_typed(self, kind, **params):
        """The same in the other form."""
        count = len(self.socket.sent)
        message = {"type": "typed_command", "id": UUID, "command": kind, "params": params}
        self.socket.say(message)
        await self.pass_ms(500)
        return self.socket.sent[count:]


def ack(command, ident=UUID):
    return {"type": "command_result", "id": ident, "command": command, "event": "ack"}


def result(command, value, ident=UUID):
    answer = {"type": "command_result", "id": ident, "command": command, "event": "result"}
    answer["result"] = value
    return answer


def error_of(answer):
    """The error in an answer to a typed command; it is one."""
    assert answer["type"] == "command_result" and answer["event"] == "error", answer
    return answer["error"]
