"""websocket: looking up the server's name, which holds nothing else up."""

import asyncio
import socket
import sys
import time

from plexus import port
from plexus.port import Lock
from plexus.websocket import connect
from plexus.websocket.error import WebSocketError
from support import equal, http, only, raises
from websocket_talks import until

HEAP = "16M"


class Names:
    """`with Names() as names:` "slow.test" is 127.0.0.1, when somebody sets names.known.

    Its look-up fails if that takes 10 s, or if names.wrong is set. names.asked counts them.
    """

    def __enter__(self):
        self.asked = 0
        self.known = self.wrong = False
        self.lock = Lock()
        self.true = socket.getaddrinfo
        try:
            socket.getaddrinfo = self.getaddrinfo
        except AttributeError:  # MicroPython's module is fixed, but another may stand in for it
            sys.modules["socket"] = self
        return self

    def __exit__(self, *_):
        self.known = True
        if sys.modules["socket"] is self:
            del sys.modules["socket"]
        else:
            socket.getaddrinfo = self.true

    def __getattr__(self, name):
        return getattr(socket, name)

    def getaddrinfo(self, host, *rest, **more):
        if host == "slow.test":
            with self.lock:
                self.asked += 1
            for _ in range(1000):
                if self.known or self.wrong:
                    break
                time.sleep(0.01)
            if not self.known:
                raise OSError(-2)
            host = "127.0.0.1"
        return self.true(host, *rest, **more)


def slow_url(server):
    http("POST", server.control_url + "/script", [])
    return server.url.replace("127.0.0.1", "slow.test")


def test_other_tasks_run_while_a_name_is_looked_up(websocket_server):
    async def main():
        async def other():
            await until(lambda: names.asked)
            names.known = True

        task = asyncio.create_task(other())
        ws = await connect(slow_url(websocket_server))
        await task
        await ws.close()

    with Names() as names:
        asyncio.run(main())


def test_timeout_counts_the_look_up_as_well(websocket_server):
    async def main():
        with raises(WebSocketError, "50 ms"):
            await connect(slow_url(websocket_server), timeout_ms=50)
        names.known = True  # CPython's loop waits for its thread

    with Names() as names:
        asyncio.run(main())


@only("micropython")  # elsewhere asyncio has threads of its own for it
def test_connects_to_the_same_host_wait_for_the_same_look_up(websocket_server):
    async def main():
        url = slow_url(websocket_server)
        for _ in range(3):
            with raises(WebSocketError, "30 ms"):
                await connect(url, timeout_ms=30)
        task = asyncio.create_task(connect(url))
        await asyncio.sleep(0)
        equal(names.asked, 1)
        names.known = True
        ws = await task
        equal(names.asked, 1)
        await ws.close()

    with Names() as names:
        asyncio.run(main())


@only("micropython")
def test_look_up_that_ended_while_nobody_waited_is_made_again(websocket_server):
    async def main():
        from plexus.websocket.lookup import _searches

        url = slow_url(websocket_server)
        with raises(WebSocketError):
            await connect(url, timeout_ms=30)
        names.wrong = True
        await until(lambda: _searches["slow.test"].done)
        names.known = True
        await (await connect(url)).close()
        equal(names.asked, 2)

    with Names() as names:
        asyncio.run(main())


def test_look_up_that_fails_is_an_oserror_and_the_next_may_succeed(websocket_server):
    async def main():
        url = slow_url(websocket_server)
        names.wrong = True
        with raises(OSError, "-2"):
            await connect(url)
        names.known = True
        await (await connect(url)).close()

    with Names() as names:
        asyncio.run(main())


@only("micropython")  # elsewhere it is not used
def test_look_up_is_forgotten_unless_it_still_runs(websocket_server):
    async def main():
        url = slow_url(websocket_server)
        with raises(WebSocketError):
            await connect(url, timeout_ms=30)
        assert "plexus.websocket.lookup" in sys.modules
        names.known = True
        for each in (url, websocket_server.url):
            await (await connect(each)).close()
            assert "plexus.websocket.lookup" not in sys.modules

    with Names() as names:
        asyncio.run(main())


def test_heap_is_collected_only_if_a_module_was_let_go_of():
    class Collector:
        count = 0

        def collect(self):
            self.count += 1

    collector = Collector()
    before, port.gc = port.gc, collector  # pyright: ignore[reportAttributeAccessIssue]
    try:
        port.unload("plexus", "url", "websocket.handshake")
        from plexus.url import split_url

        assert split_url
        collector.count = 0
        port.unload("plexus", "websocket.handshake", "no_such_module")
        equal(collector.count, 0)
        port.unload("plexus", "websocket.handshake", "url")
        equal(collector.count, 1)
    finally:
        port.gc = before
    assert "plexus.url" not in sys.modules
