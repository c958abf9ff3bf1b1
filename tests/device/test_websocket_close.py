"""websocket: closing, by either side and at any moment."""

from plexus.websocket.error import WebSocketError
from support import equal, raises
from websocket_talks import (
    BAD_UTF8,
    CLOSE,
    GREEK,
    PING,
    TEXT,
    Talk,
    close_frame,
    frame,
    refused,
    sending,
)

HEAP = "16M"


def test_close_is_answered_with_its_code(websocket_server):
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                 3000, 3999, 4000, 4999):  # fmt: skip
        refused(websocket_server, code, close_frame(code, b"because"))


def test_codes_that_may_not_be_sent_are_answered_with_1002(websocket_server):
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        refused(websocket_server, 1002, close_frame(code))


def test_close_without_a_code_is_answered_without_one(websocket_server):
    refused(websocket_server, 1005, frame(CLOSE))


def test_close_with_half_a_code_is_answered_with_1002(websocket_server):
    refused(websocket_server, 1002, frame(CLOSE, b"\x03"))


def test_reason_may_be_as_long_as_a_control_frame(websocket_server):
    refused(websocket_server, 1000, close_frame(1000, b"*" * 123))


def test_reason_must_be_utf8(websocket_server):
    refused(websocket_server, 1000, close_frame(1000, GREEK))
    for each in BAD_UTF8:
        refused(websocket_server, 1007, close_frame(1000, each))


def test_nothing_is_received_after_a_close(websocket_server):
    pieces = close_frame(1001), frame(TEXT, b"late"), frame(PING, b"late"), close_frame(1000)
    equal(refused(websocket_server, 1001, *pieces), [])


def test_close_within_a_message_ends_it(websocket_server):
    equal(refused(websocket_server, 1000, frame(TEXT, b"a", fin=0), close_frame()), [])


def test_close_by_the_client_waits_for_the_servers(websocket_server):
    codes = []

    async def use(ws):
        await ws.close(4001)
        codes.append(ws.close_code)

    # The server, too, has just said close: that is no answer, but both have said it then.
    talk = Talk(websocket_server, sending(frame(TEXT, b"x"), close_frame(1001))).run(use)
    equal(talk.sent_close_code, 4001)
    equal(codes, [1001])


def test_connection_ends_as_soon_as_both_have_said_close(websocket_server):
    # MicroPython's TLS reads its end along with the server's close, and never tells of it.
    class Reader:
        def __init__(self, ws):
            self.ws = ws
            self.inner = ws._reader

        async def read(self, size):
            equal(self.ws.close_code, None)
            return await self.inner.read(size)

    async def use(ws):
        ws._reader = Reader(ws)
        await ws.close()

    talk = Talk(websocket_server, sending(close_frame()), {"stall": True}).run(use)
    equal((talk.close_code, talk.sent_close_code), (1000, 1000))


def test_server_that_never_says_close_is_left_at_the_timeout(websocket_server):
    async def use(ws):
        await ws.close()
        await ws.close()

    equal(Talk(websocket_server, {"stall": True}, timeout_ms=300).run(use).close_code, 1006)


def test_code_that_may_not_be_sent_is_refused_by_close(websocket_server):
    async def use(ws):
        for code in (0, 1004, 1005, 1006, 1015, 2000, 5000):
            with raises(ValueError, "code"):
                await ws.close(code)
        await ws.close(3000)

    equal(Talk(websocket_server).run(use).sent_close_code, 3000)


def test_closed_connection_receives_none_and_sends_nothing(websocket_server):
    async def use(ws):
        equal(await ws.recv(), None)
        equal(await ws.recv(), None)
        with raises(WebSocketError, "1001"):
            await ws.send("x")
        await ws.close()

    equal(Talk(websocket_server, sending(close_frame(1001))).run(use).close_code, 1001)


def test_close_code_is_none_while_the_connection_is_open(websocket_server):
    async def use(ws):
        equal(await ws.recv(), "a")
        equal(ws.close_code, None)
        await ws.close()

    Talk(websocket_server, sending(frame(TEXT, b"a"))).run(use)


def test_tcp_end_without_a_close_is_1006(websocket_server):
    async def use(ws):
        await ws.send("go on")
        equal(await ws.recv(), None)

    for end in ("fin", "reset"):
        for data in (b"", frame(TEXT, b"abc")[:3], b"\x81"):
            talk = Talk(websocket_server, {"frames": 1}, sending(data), {"end": end}).run(use)
            equal(talk.close_code, 1006)


def test_send_on_a_dead_connection_is_an_oserror(websocket_server):
    async def use(ws):
        with raises(OSError):
            while True:
                await ws.send(bytes(1000))
        equal(ws.close_code, 1006)

    Talk(websocket_server, {"frames": 1}, {"end": "reset"}).run(use)
