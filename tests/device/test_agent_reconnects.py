"""The agent in a small heap: a hundred connections leave nothing behind."""

import asyncio

from agent_wired import Wired
from agent_world import check, running
from plexus.port import ticks_add, ticks_ms
from support import Admin, equal, http, only, open_files, used_heap

TIMEOUT_S = 240
HEAP = "600k"  # of 64-bit words


class Hurried:
    """In place of asyncio in the agent: while nothing is connected its sleeps take no time."""

    def __init__(self):
        self.passed_ms = 0
        self.link = None

    def ticks_ms(self):
        return ticks_add(ticks_ms(), self.passed_ms)

    def __getattr__(self, name):
        return getattr(asyncio, name)

    def sleep(self, seconds):
        if self.link is None or self.link.close_code is not None:
            self.passed_ms += round(seconds * 1000)
            seconds = 0
        return asyncio.sleep(seconds)


async def reconnect(wired, url, admin, count):
    """Be thrown out so many times, each time in another way."""
    agent = wired.agent
    for number in range(count):
        connects = agent.connects
        device = url + "/admin/devices/dev-1/"
        how = number % 4
        if how == 3:
            admin.script({"status": 503, "path": "/party"}, {"socket": "drop", "on": "device_auth"})
        await asyncio.sleep(0)
        for command in ("start_stream", "start_session", "execute"):
            params = {"command": "echo"} if command == "execute" else {}
            http("POST", device + "commands", {"command": command, "params": params})
        await wired.until(lambda: len(agent.live.streams) == 2)
        http("POST", device + "commands", {"command": "stop_session"})
        http("POST", device + "disconnect", [{}, {"code": 1012}, {"code": 1000}, {}][how])
        await wired.until(lambda n=connects + 1: agent.connected and agent.connects == n)
        wired.px.flush()


async def settle(wired, url):
    """Return when nothing is under way any more: no session, no command, no answer."""
    agent, px = wired.agent, wired.px
    if px.session_id is not None:  # what was to stop it was lost with the last connection
        http("POST", url + "/admin/devices/dev-1/commands", {"command": "stop_session"})
    await wired.until(
        lambda: px.session_id is None and not running(agent) and not agent._connection._outbox
    )
    px.flush()


async def hundred(wired, url):
    admin = Admin(url)
    await wired.until(lambda: wired.agent.connected)
    await reconnect(wired, url, admin, 12)
    await settle(wired, url)
    before = used_heap(), open_files()
    await reconnect(wired, url, admin, 100)
    await settle(wired, url)
    after = used_heap(), open_files()
    print("heap %d -> %d, files %d -> %d" % (before[0], after[0], before[1], after[1]))
    equal(after[1], before[1])
    check(after[0] - before[0] < 4096, before, after)
    (device,) = http("GET", url + "/admin/devices")["devices"]
    equal(device["violations"], [])
    equal(wired.agent.connects, 113)


@only("micropython")  # whose heap is the board's
def test_hundred_reconnects_leak_neither_memory_nor_sockets(server):
    import plexus.agent.agent as module

    hurried = Hurried()
    wired = Wired(server.ws, ticks=hurried.ticks_ms)
    connect = wired.agent._connect

    async def connect_slowly(*arguments, **options):
        hurried.link = Connecting
        ws = None
        try:
            ws = await connect(*arguments, **options)
        finally:
            hurried.link = ws
        return ws

    wired.agent._connect = connect_slowly

    @wired.agent.command("echo")
    async def echo(out):
        out("x")

    before = module.asyncio
    module.asyncio = hurried
    try:
        wired.run(hundred(wired, server.admin_url))
    finally:
        module.asyncio = before


class Connecting:
    close_code = None
