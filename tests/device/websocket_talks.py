"""What tests of the WebSocket client share: frames of a server, and one connection to it."""

import asyncio
import binascii

from plexus.websocket import connect
from support import equal, http

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GREEK = "κόσμε".encode()
BAD_UTF8 = (
    b"\x80",  # a continuation byte alone
    b"\xbf",
    b"\xc0\x80",  # overlong
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xed\xa0\x80",  # surrogates
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xf4\x90\x80\x80",  # above U+10FFFF
    b"\xf5\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xe2\x82",  # cut off
    b"\xf0\x9f\x98",
    b"\xc3",
    b"\xe2\x28\xa1",  # the next character begins too early
    b"\xf0\x9f\x98\x28",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
)


def frame(opcode, payload=b"", fin=1, rsv=0, key=None, length=None):
    """A server's frame. `length`: announced in place of the payload's, (bytes, number)."""
    size, width = len(payload), 0
    if length:
        width, size = length
    elif size > 125:
        width = 2 if size < 65536 else 8
    second = {0: size, 2: 126, 8: 127}[width] | (128 if key else 0)
    head = bytes((fin << 7 | rsv << 4 | opcode, second))
    if width:
        head += size.to_bytes(width, "big")
    if key:
        return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return head + payload


def close_frame(code=1000, reason=b""):
    """A server's close frame."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def hexed(*pieces):
    """Bytes as a script has them."""
    return binascii.hexlify(b"".join(pieces)).decode()


def sending(*pieces, **more):
    """The step of a script that sends these bytes."""
    return dict({"send": hexed(*pieces)}, **more)


def payload_of(seen_frame):
    return binascii.unhexlify(seen_frame["payload"])


class Talk:
    """One connection to the scripted server: what the client received, and what the server saw."""

    def __init__(self, server, *steps, **options):
        self.server = server
        self.steps = steps
        self.options = options
        self.messages = []

    async def receive_all(self, ws):
        while True:
            message = await ws.recv()
            if message is None:
                return
            self.messages.append(message)

    def run(self, use=None):
        http("POST", self.server.control_url + "/script", list(self.steps))

        async def main():
            ws = await connect(self.server.url, **self.options)
            await (use(ws) if use else self.receive_all(ws))
            self.close_code = ws.close_code

        asyncio.run(main())
        http("POST", self.server.control_url + "/resume")
        seen = http("GET", self.server.control_url + "/seen", timeout_s=30)
        self.frames = seen["frames"]
        self.ended = seen["ended"]
        self.request = seen["request"]
        self.server_name = seen["server_name"]
        return self

    @property
    def sent_close_code(self):
        """The code of the client's close frame, its last: 1005 if that has none; None: no frame."""
        if not self.frames or self.frames[-1]["first"] != 0x80 | CLOSE:
            return None
        payload = payload_of(self.frames[-1])
        return int.from_bytes(payload, "big") if payload else 1005


def received(server, *pieces, **options):
    """The messages that come of these bytes, with a close frame behind them."""
    talk = Talk(server, sending(*(pieces + (close_frame(),))), **options).run()
    equal(talk.close_code, 1000)
    return talk.messages


def refused(server, code, *pieces, **options):
    """Check that these bytes end the connection with that code; returns the messages before."""
    talk = Talk(server, sending(*pieces), **options).run()
    equal((talk.sent_close_code, talk.close_code, talk.ended), (code, code, "close"))
    return talk.messages


async def until(condition):
    """Let other tasks run until it is so."""
    while not condition():
        await asyncio.sleep(0.01)
