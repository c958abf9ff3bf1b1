"""websocket: what RFC 6455 asks of a client, against a server that sends raw bytes on command.

The cases are those of the public conformance suite for WebSocket implementations, by its sections:
framing, pings, reserved bits, opcodes, fragmentation, UTF-8, closing, limits.
"""

import asyncio
import binascii
import socket
import sys
import time

from plexus import port
from plexus.port import Lock, ticks_diff, ticks_ms
from plexus.tls import verifying_context
from plexus.websocket import connect
from plexus.websocket.error import WebSocketError
from support import equal, http, only, raises

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
HEAP = "16M"
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
GOOD_UTF8 = (
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xec\xbf\xbf",
    b"\xed\x80\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x8f\xbf\xbf",
    GREEK,
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
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def sending(*pieces, **more):
    return dict({"send": binascii.hexlify(b"".join(pieces)).decode()}, **more)


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


# --- the handshake --------------------------------------------------------------------------


def test_request_is_what_the_rfc_asks_for(websocket_server):
    talk = Talk(websocket_server, sending(close_frame()), headers={"X-Key": "abc"}).run()
    lines = talk.request.split("\r\n")
    equal(lines[0], "GET / HTTP/1.1")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    equal(fields["Host"], websocket_server.url.split("/")[2])
    equal(fields["Upgrade"], "websocket")
    equal(fields["Connection"], "Upgrade")
    equal(fields["Sec-WebSocket-Version"], "13")
    equal(len(binascii.a2b_base64(fields["Sec-WebSocket-Key"])), 16)
    equal(fields["X-Key"], "abc")


def test_path_and_query_are_asked_for(websocket_server):
    websocket_server.url += "party/org-1?a=b"
    talk = Talk(websocket_server, sending(close_frame())).run()
    equal(talk.request.split("\r\n")[0], "GET /party/org-1?a=b HTTP/1.1")


def test_key_is_new_for_each_connection(websocket_server):
    requests = [Talk(websocket_server, sending(close_frame())).run().request for _ in range(3)]
    equal(len(set(requests)), 3)


def answer(*lines):
    return {"answer": "\r\n".join(lines + ("", ""))}


SWITCH = "HTTP/1.1 101 Switching Protocols"
UPGRADE = "Upgrade: websocket"
CONNECTION = "Connection: Upgrade"
ACCEPT = "Sec-WebSocket-Accept: {accept}"


def test_header_names_and_tokens_are_read_without_regard_to_case(websocket_server):
    step = answer(
        "HTTP/1.1 101 x", "UPGRADE:WebSocket", "connection: keep-alive, UPGRADE ",
        "sec-websocket-ACCEPT:  {accept} ",
    )  # fmt: skip
    equal(Talk(websocket_server, step, sending(close_frame())).run().close_code, 1000)


def test_frames_right_behind_the_answer_are_received(websocket_server):
    step = answer(SWITCH, UPGRADE, CONNECTION, ACCEPT)
    step["answer"] += "\x81\x02hi\x88\x02\x03\xe8"
    talk = Talk(websocket_server, step).run()
    equal((talk.messages, talk.close_code), (["hi"], 1000))


def handshake_error(server, *lines):
    http("POST", server.control_url + "/script", [answer(*lines)])
    with raises(WebSocketError) as caught:
        asyncio.run(connect(server.url))
    assert http("GET", server.control_url + "/seen", timeout_s=30)["ended"] in ("eof", "reset")
    return caught.value


def test_wrong_answers_are_refused_by_name(websocket_server):
    for part, lines in (
        ("Accept", (SWITCH, UPGRADE, CONNECTION, "Sec-WebSocket-Accept: AAAA")),
        ("Accept", (SWITCH, UPGRADE, CONNECTION)),
        ("Accept", (SWITCH, UPGRADE, CONNECTION, ACCEPT, ACCEPT)),
        ("upgrade", (SWITCH, CONNECTION, ACCEPT)),
        ("upgrade", (SWITCH, "Upgrade: h2c", CONNECTION, ACCEPT)),
        ("upgrade", (SWITCH, UPGRADE, ACCEPT)),
        ("upgrade", (SWITCH, UPGRADE, "Connection: close", ACCEPT)),
        ("extension", (SWITCH, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions: x")),
        ("subprotocol", (SWITCH, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: x")),
        ("HTTP/1.1", ("HTTP/1.0 101 x", UPGRADE, CONNECTION, ACCEPT)),
        ("HTTP/1.1", ("SSH-2.0-x",)),
        ("HTTP/1.1", ("HTTP/1.1 abc",)),
    ):
        assert part in str(handshake_error(websocket_server, *lines)), lines


def test_refusal_shows_its_status(websocket_server):
    for status in (200, 401, 403, 404, 503):
        error = handshake_error(websocket_server, "HTTP/1.1 %d No" % status)
        equal(error.status, status)
        assert str(status) in str(error)


def test_redirect_is_not_followed(websocket_server):
    location = "Location: " + websocket_server.url
    equal(handshake_error(websocket_server, "HTTP/1.1 302 Found", location).status, 302)


def test_headers_without_end_are_refused(websocket_server):
    error = handshake_error(websocket_server, SWITCH, "X: " + "x" * 20000)
    assert "too long" in str(error)


def test_server_that_ends_the_connection_in_the_handshake(websocket_server):
    http("POST", websocket_server.control_url + "/script", [{"answer": SWITCH}, {"end": "fin"}])
    with raises(WebSocketError, "in the handshake"):
        asyncio.run(connect(websocket_server.url))


def test_silent_server_ends_the_handshake_at_the_timeout(websocket_server):
    http("POST", websocket_server.control_url + "/script", [{"answer": SWITCH}, {"frames": 1}])
    with raises(WebSocketError, "300 ms"):
        asyncio.run(connect(websocket_server.url, timeout_ms=300))


def test_server_that_refuses_the_connection(proxy):
    http("POST", proxy.control_url + "/set", {"mode": "refuse"})
    with raises(OSError):
        asyncio.run(connect("ws" + proxy.url[4:]))


def test_asked_subprotocol_may_be_chosen(websocket_server):
    step = answer(SWITCH, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: x")
    headers = {"Sec-WebSocket-Protocol": "x"}
    talk = Talk(websocket_server, step, sending(close_frame()), headers=headers).run()
    equal(talk.close_code, 1000)


def test_bad_arguments_are_refused_by_name():
    for name, url, options in (
        ("url", "http://h/", {}),
        ("url", "ws:/h/", {}),
        ("url", "ws://", {}),
        ("url", "ws://h:x/", {}),
        ("url", "ws://user@h/", {}),
        ("url", "ws://h/a b", {}),
        ("url", None, {}),
        ("headers", "ws://h/", {"headers": {"X": "a\r\nY: b"}}),
        ("headers", "ws://h/", {"headers": {"X\n": "a"}}),
        ("max_size", "ws://h/", {"max_size": 0}),
        ("timeout_ms", "ws://h/", {"timeout_ms": 0}),
    ):
        with raises(ValueError, name):
            asyncio.run(connect(url, **options))


# --- looking up the name ----------------------------------------------------------------------


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


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


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


# --- framing --------------------------------------------------------------------------------

SIZES = (0, 1, 125, 126, 127, 128, 1023, 1024, 1025, 4096, 65535, 65536)


def test_text_of_each_length_form_is_received(websocket_server):
    for size in SIZES:
        equal(received(websocket_server, frame(TEXT, b"*" * size)), ["*" * size])


def test_binary_of_each_length_form_is_received(websocket_server):
    for size in SIZES:
        data = bytes(i * 7 & 255 for i in range(size))
        messages = received(websocket_server, frame(BINARY, data))
        equal(messages, [data])
        equal(type(messages[0]), bytes)


def test_frames_in_tiny_segments_are_received(websocket_server):
    data = frame(TEXT, GREEK * 20) + frame(PING, b"p") + frame(BINARY, bytes(300)) + close_frame()
    for chop in (1, 3):
        talk = Talk(websocket_server, sending(data, chop=chop)).run()
        equal(talk.messages, [(GREEK * 20).decode(), bytes(300)])


def test_messages_are_sent_masked_and_whole(websocket_server):
    sizes = SIZES + (200000,)

    async def use(ws):
        for size in sizes:
            await ws.send(bytes(i * 5 & 255 for i in range(size)))
        await ws.close()

    talk = Talk(websocket_server).run(use)
    equal(len(talk.frames), len(sizes) + 1)
    for size, seen in zip(sizes, talk.frames):
        equal(seen["first"], 0x80 | BINARY)
        assert seen["masked"]
        assert payload_of(seen) == bytes(i * 5 & 255 for i in range(size)), size


def test_each_frame_has_a_key_of_its_own(websocket_server):
    async def use(ws):
        for _ in range(8):
            await ws.send(b"same")
        await ws.close()

    frames = Talk(websocket_server).run(use).frames
    equal(len({seen["key"] for seen in frames}), 9)


def test_str_is_sent_as_text_and_any_bytes_as_binary(websocket_server):
    async def use(ws):
        await ws.send(GREEK.decode())
        await ws.send("")
        for kind in (bytes, bytearray, memoryview):
            await ws.send(kind(b"ab"))
        await ws.close()

    frames = Talk(websocket_server).run(use).frames
    equal(
        [(seen["first"], payload_of(seen)) for seen in frames[:-1]],
        [(0x81, GREEK), (0x81, b"")] + [(0x82, b"ab")] * 3,
    )


def test_bytes_are_sent_as_text_when_asked(websocket_server):
    room = bytearray(GREEK * 400)

    async def use(ws):
        await ws.send(memoryview(room)[: 300 * len(GREEK)], text=True)
        await ws.close()

    frames = Talk(websocket_server).run(use).frames
    equal([(seen["first"], payload_of(seen)) for seen in frames[:-1]], [(0x81, GREEK * 300)])
    equal(room, GREEK * 400)


def test_a_message_may_be_sent_in_fragments(websocket_server):
    async def use(ws):
        for text, final in (("one", False), ("two", False), ("three", True), ("four", True)):
            await ws.send(text, final=final)
            await ws.ping()  # may come in between (section 5.4)
        await ws.close()

    frames = Talk(websocket_server).run(use).frames
    equal(
        [(seen["first"], payload_of(seen)) for seen in frames[:-1] if seen["first"] != 0x89],
        [(0x01, b"one"), (0x00, b"two"), (0x80, b"three"), (0x81, b"four")],
    )


def test_what_is_sent_stays_as_it_was(websocket_server):
    data = bytearray(b"abc" * 1000)

    async def use(ws):
        await ws.send(data)
        await ws.close()

    Talk(websocket_server).run(use)
    equal(data, b"abc" * 1000)


def test_what_is_no_message_is_refused(websocket_server):
    async def use(ws):
        for message in (None, 5, [1], {}):
            with raises(TypeError, "str or bytes"):
                await ws.send(message)
        await ws.close()

    equal(len(Talk(websocket_server).run(use).frames), 1)


def test_length_in_more_bytes_than_needed_is_refused(websocket_server):
    for width, size in ((2, 0), (2, 125), (8, 0), (8, 126), (8, 65535)):
        refused(websocket_server, 1002, frame(TEXT, b"*" * size, length=(width, size)))


def test_length_with_its_top_bit_set_is_refused(websocket_server):
    refused(websocket_server, 1002, frame(BINARY, length=(8, 1 << 63)))


def test_masked_frame_is_refused(websocket_server):
    refused(websocket_server, 1002, frame(TEXT, b"hi", key=b"abcd"))
    refused(websocket_server, 1002, frame(PING, key=b"abcd"))


# --- pings ----------------------------------------------------------------------------------


def pongs(server, *pieces):
    frames = Talk(server, sending(*(pieces + (close_frame(),)))).run().frames
    equal([seen["first"] for seen in frames[:-1]], [0x80 | PONG] * (len(frames) - 1))
    return [payload_of(seen) for seen in frames[:-1]]


def test_ping_is_answered_with_its_payload(websocket_server):
    for payload in (b"", b"Hello", b"\x00\xff\xfe\xfd", b"\xfe" * 125):
        equal(pongs(websocket_server, frame(PING, payload)), [payload])


def test_pings_in_a_row_are_answered_in_order(websocket_server):
    payloads = [b"ping %d" % i for i in range(10)]
    equal(pongs(websocket_server, *[frame(PING, each) for each in payloads]), payloads)


def test_a_flood_of_small_frames_lets_other_tasks_run(websocket_server):
    empty = frame(CONTINUATION, fin=0)
    floods = (
        (frame(PING) * 400, frame(TEXT, b"m")),
        (frame(TEXT, fin=0), empty * 400, frame(CONTINUATION)),
        (frame(TEXT, b"m") * 300,),
    )

    async def use(ws):
        turns = [0]

        async def count():
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(count())
        while await ws.recv() is not None:
            pass
        task.cancel()
        assert turns[0] >= 300, turns

    for flood in floods:
        Talk(websocket_server, sending(*(flood + (close_frame(),)))).run(use)


def test_unsolicited_pongs_are_ignored(websocket_server):
    pieces = frame(PONG), frame(PONG, b"x"), frame(PING, b"p"), frame(PONG, b"y" * 125)
    equal(pongs(websocket_server, *pieces), [b"p"])


def test_ping_is_sent_with_its_payload(websocket_server):
    async def use(ws):
        await ws.ping()
        await ws.ping(b"\x00\xff" * 62)
        with raises(ValueError, "payload", "125"):
            await ws.ping(bytes(126))
        await ws.close()
        with raises(WebSocketError, "closed"):
            await ws.ping()

    frames = Talk(websocket_server).run(use).frames
    equal(
        [(seen["first"], seen["masked"], payload_of(seen)) for seen in frames[:-1]],
        [(0x80 | PING, True, b""), (0x80 | PING, True, b"\x00\xff" * 62)],
    )


async def changed(ws):
    before = ws.heard_at
    await until(lambda: ws.heard_at != before)


def test_heard_at_tells_when_bytes_last_came(websocket_server):
    async def use(ws):
        receiving = asyncio.create_task(ws.recv())
        for _ in range(3):
            before = ws.heard_at
            await until(lambda: ticks_ms() != ws.heard_at)
            equal(ws.heard_at, before)
            sent = ticks_ms()
            await ws.ping()
            await changed(ws)
            assert ticks_diff(ws.heard_at, sent) >= 0
        equal(await receiving, "abc")
        await ws.close()

    # A pong, half a frame, its other half.
    whole = frame(TEXT, b"abc")
    steps = {"frames": 1}, sending(frame(PONG)), {"frames": 2}, sending(whole[:3]), {"frames": 3}
    Talk(websocket_server, *(steps + (sending(whole[3:], close_frame()),))).run(use)


def test_control_frame_over_125_bytes_is_refused(websocket_server):
    for opcode in (CLOSE, PING, PONG):
        refused(websocket_server, 1002, frame(opcode, bytes(126)))


def test_fragmented_control_frame_is_refused(websocket_server):
    for opcode in (CLOSE, PING, PONG):
        refused(websocket_server, 1002, frame(opcode, b"\x03\xe8", fin=0))


# --- reserved bits and opcodes --------------------------------------------------------------


def test_reserved_bits_are_refused(websocket_server):
    for rsv in range(1, 8):
        equal(refused(websocket_server, 1002, frame(TEXT, b"a"), frame(TEXT, rsv=rsv)), ["a"])
    for opcode in (BINARY, CLOSE, PING):
        refused(websocket_server, 1002, frame(opcode, rsv=4))


def test_reserved_opcodes_are_refused(websocket_server):
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"x"):
            good = frame(TEXT, b"good")
            equal(refused(websocket_server, 1002, good, frame(opcode, payload)), ["good"])


# --- fragmentation --------------------------------------------------------------------------


def test_fragments_make_one_message(websocket_server):
    pieces = (
        frame(TEXT, b"one ", fin=0), frame(0, b"", fin=0), frame(0, b"two ", fin=0),
        frame(0, b"three"), frame(BINARY, b"", fin=0), frame(0, b""), frame(TEXT, b"next"),
    )  # fmt: skip
    equal(received(websocket_server, *pieces), ["one two three", b"", "next"])


def test_control_frames_may_stand_between_fragments(websocket_server):
    pieces = (
        frame(TEXT, b"a", fin=0), frame(PING, b"p1"), frame(0, b"b", fin=0), frame(PONG),
        frame(PING, b"p2"), frame(0, b"c"),
    )  # fmt: skip
    talk = Talk(websocket_server, sending(*pieces), {"frames": 2}, sending(close_frame())).run()
    equal(talk.messages, ["abc"])
    equal([payload_of(seen) for seen in talk.frames[:2]], [b"p1", b"p2"])


def test_continuation_without_a_beginning_is_refused(websocket_server):
    refused(websocket_server, 1002, frame(0, b"x"))
    refused(websocket_server, 1002, frame(0, b"x", fin=0))
    equal(refused(websocket_server, 1002, frame(TEXT, b"a"), frame(0, b"x")), ["a"])


def test_new_message_within_a_message_is_refused(websocket_server):
    for opcode in (TEXT, BINARY):
        refused(websocket_server, 1002, frame(TEXT, b"a", fin=0), frame(opcode, b"b"))


# --- UTF-8 ----------------------------------------------------------------------------------


def test_well_formed_text_is_received(websocket_server):
    pieces = [frame(TEXT, each) for each in GOOD_UTF8]
    equal(received(websocket_server, *pieces), [each.decode() for each in GOOD_UTF8])


def test_ill_formed_text_is_refused(websocket_server):
    for each in BAD_UTF8:
        equal(refused(websocket_server, 1007, frame(TEXT, b"ok"), frame(TEXT, each)), ["ok"])


def test_characters_may_be_split_between_fragments(websocket_server):
    for text in (GREEK, b"\xf0\x9f\x98\x80\xe2\x82\xac"):
        pieces = [frame(TEXT, text[:1], fin=0)]
        pieces += [frame(0, text[i : i + 1], fin=0) for i in range(1, len(text))]
        equal(received(websocket_server, *(pieces + [frame(0)])), [text.decode()])


def test_ill_formed_text_in_fragments_is_refused(websocket_server):
    for each in BAD_UTF8:
        pieces = [frame(TEXT, b"", fin=0)]
        pieces += [frame(0, each[i : i + 1], fin=0) for i in range(len(each))]
        refused(websocket_server, 1007, *(pieces + [frame(0)]))


def test_ill_formed_text_is_refused_at_once(websocket_server):
    # The server waits for the close frame and sends nothing more: the message never ends.
    for bad in (b"\xf4\x90", b"\xed\xa0", b"\xe0\x80", b"\xc0", b"\xff", b"\xce\x28"):
        refused(websocket_server, 1007, frame(TEXT, GREEK, fin=0), frame(0, bad, fin=0))
        refused(websocket_server, 1007, frame(TEXT, GREEK + bad, length=(2, 2000)))


@only("cpython")  # whose decoder is strict, and a judge
def test_check_of_utf8_agrees_with_a_strict_decoder():
    from plexus.websocket.frames import utf8

    edges = (0x00, 0x28, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xF0, 0xFF)
    tails = [b""] + [bytes((a,)) for a in edges] + [bytes((a, b)) for a in edges for b in edges]
    tails += [bytes((a, b, c)) for a in (0x80, 0x8F, 0x90, 0xBF) for b in edges for c in edges]
    for first in range(256):
        for tail in tails:
            data = bytes((first,)) + tail
            try:
                data.decode()
                good = True
            except UnicodeDecodeError:
                good = False
            assert (utf8(data, 0) == 0) == good, data
            state = 0
            for i in range(len(data)):
                state = state if state < 0 else utf8(data[i : i + 1], state)
            assert (state == 0) == good, data


def test_binary_may_be_any_bytes(websocket_server):
    equal(received(websocket_server, *[frame(BINARY, each) for each in BAD_UTF8]), list(BAD_UTF8))


# --- closing --------------------------------------------------------------------------------


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


# --- limits ---------------------------------------------------------------------------------


def test_message_of_max_size_is_received(websocket_server):
    equal(received(websocket_server, frame(BINARY, bytes(500)), max_size=500), [bytes(500)])


def test_frame_over_max_size_is_refused_when_it_is_announced(websocket_server):
    for length in ((0, 101), (2, 1000), (8, 1 << 20), (8, (1 << 63) - 1)):
        refused(websocket_server, 1009, frame(BINARY, length=length), max_size=100)


def test_message_over_max_size_is_refused_in_fragments_too(websocket_server):
    pieces = [frame(TEXT, b"*" * 50, fin=0), frame(0, b"*" * 50, fin=0), frame(0, b"*", fin=0)]
    refused(websocket_server, 1009, *pieces, max_size=100)


def test_endless_empty_fragments_take_no_memory(websocket_server):
    step = {"repeat": binascii.hexlify(frame(0, fin=0) * 1000).decode(), "times": 8}
    talk = Talk(
        websocket_server, sending(frame(TEXT, fin=0)), step, sending(frame(0, b"x"), close_frame())
    ).run()
    equal(talk.messages, ["x"])


def test_announced_bytes_are_not_allocated(websocket_server):
    # Within max_size, but far more than MicroPython's heap here.
    refused(websocket_server, 1007, frame(TEXT, b"ok\xff", length=(8, 1 << 29)), max_size=1 << 29)


def test_many_messages_are_received_in_order(websocket_server):
    pieces = [frame(TEXT, b"%d" % i) for i in range(500)]
    equal(received(websocket_server, *pieces), [str(i) for i in range(500)])


# --- several tasks, and cancelled ones ------------------------------------------------------


def test_frames_of_several_tasks_do_not_mix(websocket_server):
    async def use(ws):
        async def sender(letter):
            for size in (10, 3000, 70000):
                await ws.send(letter * size)

        await asyncio.gather(*[sender(letter) for letter in ("a", "b", "c", "d")])
        await ws.close()

    pings = [sending(frame(PING, b"%d" % i)) for i in range(5)]
    frames = Talk(websocket_server, *pings).run(use).frames
    texts = [payload_of(seen) for seen in frames if seen["first"] == 0x80 | TEXT]
    equal(sorted(len(text) for text in texts), [10] * 4 + [3000] * 4 + [70000] * 4)
    for text in texts:
        equal(text, text[:1] * len(text))


def test_cancelled_recv_leaves_the_connection_usable(websocket_server):
    # Half a message is there when recv() is cancelled; the rest comes when the client has sent.
    async def use(ws):
        for _ in range(3):
            with raises(asyncio.TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.05)
        await ws.send("go on")
        equal(await ws.recv(), GREEK.decode())
        await ws.close()

    whole = frame(TEXT, GREEK)
    for at in (1, 2, 5):
        Talk(websocket_server, sending(whole[:at]), {"frames": 1}, sending(whole[at:])).run(use)


MUCH = bytes(4000000)  # more than the sockets between client and server hold


def test_cancelled_recv_does_not_take_a_stalled_send_along(websocket_server):
    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH))
        for _ in range(2):
            with raises(asyncio.TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.05)
        equal(sending.done(), False)
        http("POST", websocket_server.control_url + "/resume")
        await sending
        await ws.close()

    talk = Talk(websocket_server, {"stall": True}).run(use)
    equal([seen["size"] for seen in talk.frames], [len(MUCH), 2])


def test_cancelled_stalled_send_ends_the_connection_and_recv(websocket_server):
    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH))
        receiving = asyncio.create_task(ws.recv())
        await asyncio.sleep(0.05)
        sending.cancel()
        equal(await receiving, None)
        with raises(OSError):
            await ws.send("x")

    equal(Talk(websocket_server, {"stall": True}).run(use).close_code, 1006)


def test_close_ends_a_stalled_connection_at_the_timeout(websocket_server):
    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH))
        receiving = asyncio.create_task(ws.recv())
        await asyncio.sleep(0.05)
        await ws.close()
        equal(await receiving, None)
        with raises(OSError):
            await sending

    equal(Talk(websocket_server, {"stall": True}, timeout_ms=300).run(use).close_code, 1006)


def test_send_that_is_given_up_ends_the_connection(websocket_server):
    async def use(ws):
        receiving = asyncio.create_task(ws.recv())
        with raises(asyncio.TimeoutError):
            await asyncio.wait_for(ws.send(MUCH), 0.05)
        equal(ws.close_code, 1006)
        equal(await receiving, None)
        await ws.close()

    # The close at the end has nothing to wait for.
    Talk(websocket_server, {"stall": True}, timeout_ms=1000000).run(use)


def test_close_that_is_cancelled_ends_a_stalled_connection(websocket_server):
    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH))
        receiving = asyncio.create_task(ws.recv())
        with raises(asyncio.TimeoutError):
            await asyncio.wait_for(ws.close(), 0.05)
        equal((await receiving, ws.close_code), (None, 1006))
        with raises(OSError):
            await sending

    Talk(websocket_server, {"stall": True}, timeout_ms=1000000).run(use)


def test_several_closes_at_once_all_end(websocket_server):
    async def use(ws):
        tasks = [asyncio.create_task(ws.send(MUCH)), asyncio.create_task(ws.recv())]
        await asyncio.sleep(0.05)
        await asyncio.gather(ws.close(), ws.close(1001), ws.close(1002))
        with raises(OSError):
            await tasks[0]
        equal(await tasks[1], None)

    Talk(websocket_server, {"stall": True}, timeout_ms=200).run(use)


def test_close_ends_a_recv_whose_pong_cannot_be_sent(websocket_server):
    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH))
        receiving = asyncio.create_task(ws.recv())
        await until(lambda: ws._in)  # the ping is there
        await ws.close()
        equal(await receiving, None)
        with raises(OSError):
            await sending

    Talk(websocket_server, sending(frame(PING, b"p")), {"stall": True}, timeout_ms=200).run(use)


def test_cancelled_recv_whose_pong_cannot_be_sent_does_no_harm(websocket_server):
    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH))
        with raises(asyncio.TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.05)
        http("POST", websocket_server.control_url + "/resume")
        await sending
        equal(await ws.recv(), "a")
        await ws.close()

    pieces = sending(frame(PING, b"p"), frame(TEXT, b"a"))
    frames = Talk(websocket_server, pieces, {"stall": True}).run(use).frames
    equal([seen["first"] & 15 for seen in frames], [BINARY, PONG, CLOSE])


def test_send_cancelled_while_another_sends_does_no_harm(websocket_server):
    async def use(ws):
        first = asyncio.create_task(ws.send(MUCH))
        second = asyncio.create_task(ws.send("never"))
        await asyncio.sleep(0.05)
        second.cancel()
        http("POST", websocket_server.control_url + "/resume")
        await first
        await ws.send("after")
        await ws.close()

    frames = Talk(websocket_server, {"stall": True}).run(use).frames
    equal([seen["size"] for seen in frames], [len(MUCH), 5, 2])


def test_close_wakes_a_task_that_receives(websocket_server):
    async def use(ws):
        task = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        await ws.close()
        equal(await task, None)

    Talk(websocket_server).run(use)


# --- TLS, and another implementation --------------------------------------------------------


def test_wss_with_the_given_authority(websocket_tls):
    websocket_tls.url = websocket_tls.good
    context = verifying_context(binascii.unhexlify(websocket_tls.ca))
    whole = frame(TEXT, GREEK * 300), frame(PING, b"p"), frame(BINARY, bytes(5000))

    async def use(ws):
        equal(await ws.recv(), (GREEK * 300).decode())
        equal(await ws.recv(), bytes(5000))
        await ws.send(bytes(20000))
        await ws.close()

    talk = Talk(websocket_tls, sending(*whole), ssl=context).run(use)
    equal([seen["size"] for seen in talk.frames], [1, 20000, 2])
    equal(talk.server_name, "localhost")


def end_stalled_tls(server, end):
    server.url = server.good
    context = verifying_context(binascii.unhexlify(server.ca))

    async def use(ws):
        sending = asyncio.create_task(ws.send(MUCH * 2))  # CPython's TLS holds 512 kB more
        receiving = asyncio.create_task(ws.recv())
        await asyncio.sleep(0.1)
        await end(ws, sending)
        equal((await receiving, ws.close_code), (None, 1006))

    Talk(server, {"stall": True}, timeout_ms=2000, ssl=context).run(use)


def test_cancelled_stalled_send_ends_a_tls_connection(websocket_tls):
    async def cancel(ws, sending):
        sending.cancel()
        with raises(asyncio.CancelledError):
            await sending

    end_stalled_tls(websocket_tls, cancel)


def test_close_ends_a_stalled_tls_connection(websocket_tls):
    async def close(ws, sending):
        await ws.close()
        with raises(OSError):
            await sending

    end_stalled_tls(websocket_tls, close)


def tls_refusal(server, url, **options):
    http("POST", server.control_url + "/script", [])
    with raises(OSError) as caught:
        asyncio.run(connect(url, **options))
    return caught.value


def test_wss_verifies_the_server(websocket_tls):
    from plexus.tls.failure import explain

    context = verifying_context(binascii.unhexlify(websocket_tls.ca))
    for kind, part in (("other_ca", "no trusted authority"), ("wrong_host", "another host name")):
        assert part in explain(
            tls_refusal(websocket_tls, getattr(websocket_tls, kind), ssl=context)
        )


def test_wss_without_a_context_trusts_the_shipped_roots(websocket_tls):
    from plexus.tls.failure import explain

    assert "no trusted authority" in explain(tls_refusal(websocket_tls, websocket_tls.good))


def test_echo_by_another_implementation(websocket_echo):
    async def main():
        ws = await connect(websocket_echo.url, max_size=1 << 20)
        for message in ("", "abc", GREEK.decode() * 100, b"", bytes(range(256)), bytes(100000)):
            await ws.send(message)
            equal(await ws.recv(), message)
        await ws.close(1001)
        return ws.close_code

    equal(asyncio.run(main()), 1001)


def test_reconnects_leave_nothing_behind(websocket_echo):
    import gc

    if not hasattr(gc, "mem_alloc"):
        return

    async def once():
        ws = await connect(websocket_echo.url)
        await ws.send("abc")
        equal(await ws.recv(), "abc")
        await ws.close()

    async def main():
        used = []
        for i in range(60):
            await once()
            if i % 20 == 19:
                gc.collect()
                used.append(gc.mem_alloc())
        return used

    used = asyncio.run(main())
    assert used[2] - used[1] < 200, used
