"""A TCP proxy that spoils connections on order: delay, reset, cut, half-close, stall, refuse.

A plan is the keywords of `Proxy.set()`; it holds for the connections accepted from then on:

    mode         "pass", "reset" (RST both ways), "cut" (close both ways in order), "half_close"
                 (only the spoiled direction ends), "stall" (that direction goes silent, the
                 connection stays open), "refuse" (nothing listens), "say" (`text` is said to the
                 client in place of a connection, which then ends)
    direction    "up" (to the server) or "down" (to the client): where the mode strikes
    after_bytes  and how many bytes of that direction have gone through by then
    connections  the mode strikes so many connections and later ones pass; 0: all of them
    delay_ms     before each chunk, in both directions, in every mode
    chunk_bytes  the most to forward at a time: 1 and a delay make a trickle
    text         what "say" says
"""

import contextlib
import select
import socket
import struct
import threading
from typing import Any

MODES = ("pass", "reset", "cut", "half_close", "stall", "refuse", "say")
PASS: dict[str, Any] = {
    "mode": "pass",
    "direction": "up",
    "after_bytes": 0,
    "connections": 0,
    "delay_ms": 0,
    "chunk_bytes": 16384,
    "text": "",
}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """One client's connection with its way to the server: a thread for each direction.

    Neither waits in a socket's own call: a socket that another thread closes meanwhile is not reset
    before that call returns. The later of the two to end closes both sockets.
    """

    def __init__(self, proxy: "Proxy", client: socket.socket, plan: dict[str, Any]) -> None:
        self.proxy = proxy
        self.plan = plan
        self.client = client
        self.server = socket.create_connection(proxy.target, timeout=10)
        self.server.settimeout(None)
        self.closed = threading.Event()
        self.wake, self.waker = socket.socketpair()
        self.reset = False
        self.ended = 0
        self.threads = [
            threading.Thread(target=self.run, args=(direction,), daemon=True)
            for direction in ("up", "down")
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def run(self, direction: str) -> None:
        try:
            self.pump(direction)
        except OSError:
            self.end(reset=True)  # one side is gone: so is the other
        with self.proxy.lock:
            self.ended += 1
            both = self.ended == 2
        if both:
            self.shut()

    def pump(self, direction: str) -> None:
        ends = (self.client, self.server)
        source, sink = ends if direction == "up" else ends[::-1]
        strikes = self.plan["mode"] != "pass" and self.plan["direction"] == direction
        left = self.plan["after_bytes"]
        while not (strikes and left == 0):
            limit = self.plan["chunk_bytes"]
            if not self.ready(source, select.POLLIN):
                return
            data = source.recv(min(limit, left) if strikes else limit)
            if not data:
                break
            if self.plan["delay_ms"]:
                self.closed.wait(self.plan["delay_ms"] / 1000)
            self.proxy.count(direction, len(data))
            left -= len(data)
            while data:
                if not self.ready(sink, select.POLLOUT):
                    return
                data = data[sink.send(data, socket.MSG_DONTWAIT) :]
        if strikes and left == 0:
            self.strike(sink)
        else:
            sink.shutdown(socket.SHUT_WR)

    def ready(self, end: socket.socket, event: int) -> bool:
        """Wait until it can be read from, or written to; False: the connection is over."""
        poll = select.poll()
        poll.register(end, event)
        poll.register(self.wake, select.POLLIN)
        poll.poll()
        return not self.closed.is_set()

    def strike(self, sink: socket.socket) -> None:
        mode = self.plan["mode"]
        if mode == "stall":
            self.closed.wait()
        elif mode == "half_close":
            sink.shutdown(socket.SHUT_WR)
        else:
            self.end(reset=mode == "reset")

    def end(self, reset: bool) -> None:
        """Let both directions end now."""
        with self.proxy.lock:
            if not self.closed.is_set():
                self.reset = reset
                self.closed.set()
                self.waker.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        """Reset it. Both sides have been sent that when this returns."""
        self.end(reset=True)
        for thread in self.threads:
            thread.join()

    def shut(self) -> None:
        with self.proxy.lock:
            self.closed.set()
            self.proxy.open.discard(self)
        for end in (self.client, self.server):
            if self.reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            else:
                # What was not read would make a reset of the end.
                with contextlib.suppress(OSError):  # not connected any more
                    end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.wake.close()
        self.waker.close()


class Proxy:
    """Listens on a port of its own, and forwards to one server as it is told.

    stats: connections accepted, and bytes forwarded each way, since clear(). struck: connections
    accepted under the plan that holds.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.lock = threading.Lock()
        self.open: set[Connection] = set()
        # Bound for good and never listening: it keeps the port while connections are refused.
        self.holder = self.bind(0)
        self.port = self.holder.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.listener: socket.socket | None = None
        self.clear()

    def set(self, **changes: Any) -> None:
        """Make this the plan: what is not named is as in PASS."""
        unknown = changes.keys() - PASS.keys()
        if unknown or changes.get("mode", "pass") not in MODES:
            raise ValueError(f"no such plan: {changes}")
        with self.lock:
            self.plan = PASS | changes
            self.struck = 0
        self.listen(self.plan["mode"] != "refuse")

    def clear(self) -> None:
        """Let connections pass from now on, drop those that are open, forget the counts."""
        self.drop()
        with self.lock:
            self.stats = {"connections": 0, "up_bytes": 0, "down_bytes": 0}
        self.set()

    def drop(self) -> None:
        """Reset the open connections."""
        with self.lock:
            connections = list(self.open)
        for connection in connections:
            connection.drop()

    def close(self) -> None:
        self.listen(False)
        self.drop()
        self.holder.close()

    def bind(self, port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def listen(self, wanted: bool) -> None:
        if wanted and self.listener is None:
            self.listener = self.bind(self.port)
            self.listener.listen(100)
            threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        elif not wanted and self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() does not
            self.listener.close()
            self.listener = None

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed: refusing, or at the end
            with self.lock:
                self.stats["connections"] += 1
                plan = self.plan
                self.struck += 1
                if 0 < plan["connections"] < self.struck:
                    plan = plan | {"mode": "pass"}
            if plan["mode"] == "say":
                with contextlib.suppress(OSError), client:  # who has left hears nothing
                    client.sendall(plan["text"].encode())
                continue
            try:
                connection = Connection(self, client, plan)
            except OSError:
                client.close()  # the server refuses
                continue
            # Known before a byte goes through: who has had an answer over it can drop it.
            with self.lock:
                self.open.add(connection)
                connection.start()

    def count(self, direction: str, size: int) -> None:
        with self.lock:
            self.stats[f"{direction}_bytes"] += size
