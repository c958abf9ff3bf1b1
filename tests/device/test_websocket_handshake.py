"""websocket: the opening handshake, TLS, and another implementation at the other end."""

import asyncio
import binascii

from plexus.tls import verifying_context
from plexus.websocket import connect
from plexus.websocket.error import WebSocketError
from support import equal, http, raises
from websocket_talks import BINARY, GREEK, PING, TEXT, Talk, close_frame, frame, sending

HEAP = "16M"


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
