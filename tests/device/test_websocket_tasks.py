"""websocket: several tasks at one connection, and tasks that are cancelled while it stalls."""

import asyncio
import binascii

from plexus.tls import verifying_context
from support import equal, http, raises
from websocket_talks import (
    BINARY,
    CLOSE,
    GREEK,
    PING,
    PONG,
    TEXT,
    Talk,
    frame,
    payload_of,
    sending,
    until,
)

HEAP = "16M"


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
