"""websocket: framing, pings, reserved bits and opcodes, fragmentation, limits.

The cases are those of the public conformance suite for WebSocket implementations, by its sections;
those of UTF-8 and of closing are in test_websocket_utf8.py and test_websocket_close.py.
"""

import asyncio

from plexus.port import ticks_diff, ticks_ms
from plexus.websocket.error import WebSocketError
from support import equal, raises
from websocket_talks import (
    BINARY,
    CLOSE,
    CONTINUATION,
    GREEK,
    PING,
    PONG,
    TEXT,
    Talk,
    close_frame,
    frame,
    hexed,
    payload_of,
    received,
    refused,
    sending,
    until,
)

HEAP = "16M"

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
    step = {"repeat": hexed(frame(CONTINUATION, fin=0) * 1000), "times": 8}
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
