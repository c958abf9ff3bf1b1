"""A name server that answers every name with one address: how a phone finds the captive portal."""

import asyncio
import socket

_HEADER = 12
_LONGEST = 512  # RFC 1035 section 4.2.1
_POLL_MS = 30
_BURST = 8  # answers in a row before others have their turn


def answer(query, address):
    """The answer (bytes) to a query (bytes), or None if it deserves none.

    address: the 4 bytes of an IPv4 address. Any name has it, and nothing else: a question for
    another type (AAAA, HTTPS) is told that there is none, so that a phone does not wait for one.
    RFC 1035 section 4.1; what follows the question (EDNS) is left out.
    """
    end = _question(query)
    if end is None:
        return None
    kind, group = query[end - 3], query[end - 1]
    found = query[end - 4] == query[end - 2] == 0 and kind in (1, 255) and group in (1, 255)
    # An answer, authoritative; "recursion desired" as in the query; no error.
    head = query[:2] + bytes((0x84 | query[2] & 1, 0, 0, 1, 0, 1 if found else 0, 0, 0, 0, 0))
    record = b""
    if found:
        # The name is that at byte 12; type A, class IN, valid for 0 s: nobody shall keep it.
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + address
    return head + query[_HEADER:end] + record


def _question(query):
    # Where the one question of a standard query ends, or None if this is no such query.
    if not _HEADER + 5 <= len(query) <= _LONGEST:
        return None
    if query[2] & 0xF8 or query[4:6] != b"\x00\x01":
        return None
    at = _HEADER
    while query[at]:
        if query[at] > 63:  # a pointer: there is nothing yet that it could point to
            return None
        at += query[at] + 1
        if at >= len(query) or at - _HEADER > 254:
            return None
    at += 5
    return at if at <= len(query) else None


class Dns:
    """The server at UDP port 53: `run()` is a task; cancel it to close the port."""

    def __init__(self, address, port=53):
        """address: "192.168.4.1", where it listens, and what every name is said to be.

        OSError: the port is taken.
        """
        self._address = bytes([int(part) for part in address.split(".")])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(socket.getaddrinfo(address, port)[0][-1])
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            raise

    async def run(self):
        """Answer for ever."""
        try:
            while True:
                for _ in range(_BURST):
                    if not self._serve():
                        break
                await asyncio.sleep(_POLL_MS / 1000)
        finally:
            self._socket.close()

    def _serve(self):
        # Answer one query; False if there is none.
        try:
            query, sender = self._socket.recvfrom(_LONGEST + 1)
        except OSError:
            return False  # nothing there, or an unreachable client's ICMP
        reply = answer(query, self._address)
        if reply:
            try:
                self._socket.sendto(reply, sender)
            except OSError:
                pass  # whoever asked will ask again
        return True
