"""What a virtual board's packets pass through: TCP and UDP relays that freeze with the air.

The board's own sockets are the real ones: only its getaddrinfo() is ours, and gives the address of
a relay in place of the server's. While nothing passes, what is connected stays so and hears
nothing, and new connections hang until they time out, as behind an access point that is gone.
"""

import contextlib
import functools
import selectors
import socket

CHUNK = 16384
RESET_ON_CLOSE = b"\1\0\0\0\0\0\0\0"


class Air:
    """The relays of one board. All methods are to be called by one thread, which runs `selector`;
    the data of what is registered there is called with the events.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector = selector
        self.alive = False
        self.relays: dict[tuple[str, int], Relay] = {}

    def relay_port(self, host: str, port: int) -> int:
        """The port on 127.0.0.1 that stands for this address."""
        if (host, port) not in self.relays:
            self.relays[host, port] = Relay(self, (host, port))
        return self.relays[host, port].port

    def set_alive(self, alive: bool) -> None:
        if alive == self.alive:
            return
        self.alive = alive
        for relay in self.relays.values():
            relay.update()

    def drop(self) -> None:
        """The board has lost all its sockets."""
        for relay in self.relays.values():
            relay.close()
        self.relays.clear()


class Relay:
    """Listens for one server, by TCP and by UDP on one port."""

    def __init__(self, air: Air, target: tuple[str, int]) -> None:
        self.air = air
        self.target = target
        self.pairs: set[Pair] = set()
        self.stoppers: list[socket.socket] = []
        self.stale: set[tuple[str, int]] = set()  # connections of stoppers, closed by now
        self.answers: dict[socket.socket, tuple[str, int]] = {}
        while True:
            self.tcp = socket.socket()
            self.tcp.bind(("127.0.0.1", 0))
            self.port: int = self.tcp.getsockname()[1]
            self.udp = socket.socket(type=socket.SOCK_DGRAM)
            try:
                self.udp.bind(("127.0.0.1", self.port))
                break
            except OSError:  # taken by somebody else's datagrams
                self.tcp.close()
                self.udp.close()
        self.tcp.setblocking(False)
        self.udp.setblocking(False)
        self.tcp.listen(0)
        self.air.selector.register(self.udp, selectors.EVENT_READ, self.datagram)
        self.update()

    def update(self) -> None:
        selector = self.air.selector
        if self.air.alive:
            self.stale |= {stopper.getsockname() for stopper in self.stoppers}
            while self.stoppers:
                self.stoppers.pop().close()
            self.tcp.listen(64)
            selector.register(self.tcp, selectors.EVENT_READ, self.accept)
        else:
            with contextlib.suppress(KeyError):
                selector.unregister(self.tcp)
            # A queue that is full drops what asks to be connected, as a dead radio does.
            self.tcp.listen(0)
            for _ in range(2):
                stopper = socket.socket()
                stopper.setblocking(False)
                stopper.connect_ex(("127.0.0.1", self.port))
                self.stoppers.append(stopper)
        for pair in list(self.pairs):
            pair.update()

    def accept(self, _events: int) -> None:
        try:
            client, address = self.tcp.accept()
        except OSError:
            return
        if address in self.stale:
            self.stale.discard(address)
            client.close()
            return
        server = socket.socket()
        try:
            server.connect(self.target)
        except OSError:
            server.close()
            # Nobody listens there: the board is to see a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            client.close()
            return
        self.pairs.add(Pair(self, client, server))

    def datagram(self, _events: int) -> None:
        with contextlib.suppress(OSError):
            data, sender = self.udp.recvfrom(CHUNK)
            if not self.air.alive:
                return
            links = [link for link, address in self.answers.items() if address == sender]
            link = links[0] if links else self.link(sender)
            link.send(data)

    def link(self, sender: tuple[str, int]) -> socket.socket:
        """A socket of its own for each of the board's, so that answers find their way back."""
        link = socket.socket(type=socket.SOCK_DGRAM)
        link.setblocking(False)
        link.connect(self.target)
        self.answers[link] = sender
        handler = functools.partial(self.answer, link)
        self.air.selector.register(link, selectors.EVENT_READ, handler)
        return link

    def answer(self, link: socket.socket, _events: int) -> None:
        with contextlib.suppress(OSError):
            data = link.recv(CHUNK)
            if self.air.alive:
                self.udp.sendto(data, self.answers[link])

    def close(self) -> None:
        for pair in list(self.pairs):
            pair.close()
        for end in (self.tcp, self.udp, *self.answers):
            with contextlib.suppress(KeyError):
                self.air.selector.unregister(end)
            end.close()
        for stopper in self.stoppers:
            stopper.close()


class Pair:
    """One connection of the board, and its continuation to the server."""

    def __init__(self, relay: Relay, client: socket.socket, server: socket.socket) -> None:
        self.relay = relay
        self.other = {client: server, server: client}
        self.waiting = {client: bytearray(), server: bytearray()}  # to be written there
        self.ended: set[socket.socket] = set()  # gives no more
        for end in self.other:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.update()

    def update(self) -> None:
        """Listen for what may happen now."""
        selector = self.relay.air.selector
        for end, other in self.other.items():
            events = 0
            if self.relay.air.alive:
                if end not in self.ended and not self.waiting[other]:
                    events |= selectors.EVENT_READ
                if self.waiting[end]:
                    events |= selectors.EVENT_WRITE
            with contextlib.suppress(KeyError):
                selector.unregister(end)
            if events:
                selector.register(end, events, lambda what, end=end: self.move(end, what))

    def move(self, end: socket.socket, events: int) -> None:
        other = self.other[end]
        try:
            if events & selectors.EVENT_WRITE:
                del self.waiting[end][: end.send(self.waiting[end])]
                if not self.waiting[end] and other in self.ended:
                    end.shutdown(socket.SHUT_WR)
            if events & selectors.EVENT_READ:
                data = end.recv(CHUNK)
                self.waiting[other] += data
                if not data:
                    self.ended.add(end)
                    if not self.waiting[other]:
                        other.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            for each in self.other:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.close()
            return
        if len(self.ended) == 2 and not any(self.waiting.values()):
            self.close()
        else:
            self.update()

    def close(self) -> None:
        self.relay.pairs.discard(self)
        for end in self.other:
            with contextlib.suppress(KeyError):
                self.relay.air.selector.unregister(end)
            end.close()
