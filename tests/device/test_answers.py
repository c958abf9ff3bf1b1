"""What each answer of the server leads to: nothing confirmed that it did not acknowledge."""

import _thread
import json

from clients import (
    KEY,
    SECRET,
    RawServer,
    answer,
    client,
    fill,
    ingests,
    listen,
    refused,
    right_clock,
    values,
)
from plexus import PlexusError
from support import Admin, FakeTicks, equal, wait_until


def no_wait(size):
    """In place of os.urandom: every retry is due at once."""
    return bytes(size)


def _keeps(server, fault, *words, status=0, most_copies=1):
    # The fault confirms nothing, is told in words; tick() raises nothing; then all arrives.
    admin = Admin(server.admin_url)
    px = client(server, flush_interval_ms=0, random=no_wait, timeout_ms=2000)
    fill(px, 3)
    admin.script(dict(fault, times=2))
    exc = refused(px)
    equal((exc.status, px.pending, px.confirmed, px.rejected), (status, 3, 0, 0))
    equal(px.tick(), 0)
    equal(px.pending, 3)
    for word in words:
        assert word in str(exc), exc
        assert word in px.status, px.status
    assert "next try in" in px.status and SECRET not in px.status + str(exc), px.status
    equal(px.flush(), 3)
    equal((px.pending, px.confirmed, px.dropped, px.rejected), (0, 3, 0, 0))
    assert px.status.startswith("ok;"), px.status
    copies = len(values(admin)) // 3
    assert 1 <= copies <= most_copies, copies
    equal(values(admin), [0, 1, 2] * copies)


# --- documented statuses ----------------------------------------------------------------------


def test_401_keeps_the_readings(server):
    _keeps(server, {"status": 401}, "the API key is refused (401)", "check api_key", status=401)


def test_402_keeps_the_readings(server):
    _keeps(server, {"status": 402}, "limit is reached (402)", status=402)


def test_403_keeps_the_readings(server):
    _keeps(server, {"status": 403}, "may not do this (403)", status=403)


def test_404_keeps_the_readings(server):
    _keeps(server, {"status": 404}, "no such address (404)", "check endpoint",
           "https://gateway.plexus.company/ingest", status=404)  # fmt: skip


def test_405_keeps_the_readings(server):
    _keeps(server, {"status": 405}, "status 405", status=405)


def test_410_keeps_the_readings(server):
    _keeps(server, {"status": 410}, "gone (410)", status=410)


def test_408_keeps_the_readings(server):
    _keeps(server, {"status": 408}, "408", status=408)


def test_429_keeps_the_readings(server):
    _keeps(server, {"retry_after": 0}, "too many requests (429)", status=429)


def test_429_without_retry_after_keeps_the_readings(server):
    _keeps(server, {"status": 429}, "too many requests (429)", status=429)


def test_500_keeps_the_readings(server):
    _keeps(server, {"status": 500}, "the server failed (500)", status=500)


def test_502_with_html_keeps_the_readings(server):
    _keeps(server, {"status": 502, "html": True}, "the server failed (502)", status=502)


def test_503_keeps_the_readings(server):
    _keeps(server, {"status": 503}, "the server failed (503)", status=503)


def test_words_of_the_server_are_told(server):
    fault = {"status": 403, "body": {"error": "the key is read-only"}}
    _keeps(server, fault, "the key is read-only", status=403)


def test_words_of_the_server_are_bounded(server):
    admin = Admin(server.admin_url)
    admin.script({"status": 403, "body": {"error": "x" * 900}})
    px = client(server)
    px.send("n", 1)
    assert "x" * 50 in str(refused(px)) and len(px.status) < 400, px.status


def test_key_that_the_server_refuses_is_told_and_the_readings_wait(server):
    from clients import right_clock
    from plexus import Plexus

    px = Plexus("no_" + SECRET, "dev-1", endpoint=server.ingest, clock=right_clock())
    px.send("n", 1)
    exc = refused(px)
    equal((exc.status, px.pending), (401, 1))
    assert "check api_key" in str(exc) and SECRET not in str(exc), exc


def test_401_to_a_large_body_that_is_not_read_is_a_401_or_a_reset(gateway):
    # The server closes with most of the request unread: its answer may be lost on the way.
    from clients import right_clock
    from plexus import Plexus

    px = Plexus(
        "no_key", "dev-1", endpoint=gateway.ingest, clock=right_clock(),
        ring_bytes=1000000, batch_points=10000,
    )  # fmt: skip
    for _ in range(1000):
        px.send("n", "x" * 250)
    pending = px.pending
    assert refused(px).status in (401, 0)
    equal(px.pending, pending)


# --- redirects ------------------------------------------------------------------------------------


def _is_not_followed(server, gateway, status):
    where = gateway.ingest
    _keeps(server, {"redirect": where, "status": status}, "redirect (%d)" % status, status=status)
    equal(Admin(gateway.admin_url).requests(), [])


def test_301_is_not_followed(server, gateway):
    _is_not_followed(server, gateway, 301)


def test_302_is_not_followed(server, gateway):
    _is_not_followed(server, gateway, 302)


def test_303_is_not_followed(server, gateway):
    _is_not_followed(server, gateway, 303)


def test_307_is_not_followed(server, gateway):
    _is_not_followed(server, gateway, 307)


def test_308_is_not_followed(server, gateway):
    _is_not_followed(server, gateway, 308)


# --- 2xx that acknowledges nothing --------------------------------------------------------------

PORTAL = "an answer that is not the server's"


def test_html_page_is_no_acknowledgement(server):
    _keeps(server, {"html": True}, PORTAL, "login page or a firewall", status=200)


def test_answer_that_is_no_json_object_is_told_by_what_it_is():
    for body, words in (
        (b"<!doctype html>", "a web page: a login page or a firewall"),
        (b"\x1f\x8b\x08\x00", "compressed, which nobody asked for: a proxy"),
        (b'{"success":true,"count":1,"x":"' + b"x" * 2000 + b'"}', "over 1 kB"),
        (b"", "empty: check endpoint"),
        (b"ok", "no JSON: check endpoint"),
    ):
        for status in (b"200 OK", b"403 Forbidden", b"500 Out"):
            px = client(RawServer(answer(body, status)))
            px.send("n", 1)
            assert words in str(refused(px)), (status, body, px.status)


def test_key_and_control_characters_of_a_servers_message_are_not_told():
    for message in (
        "no such key: %s" % KEY,
        "x" * 100 + KEY,  # longer than what is told
        "\r\nPLEXUS:SAVED\r\n\x1b[2J \x9b2J \x7f \x00",
    ):
        for status in (b"400 Bad", b"401 No", b"500 Out", b"200 OK"):
            body = {"error": message, "count": message}
            px = client(RawServer(*[answer(json.dumps(body).encode(), status)] * 8))
            px.send("n", 1)
            told = str(refused(px)) + px.status + str(px.diagnostics())
            assert "secret" not in told, told
            assert all(c >= " " and not "\x7f" <= c < "\xa0" for c in told), repr(told)


def test_json_that_is_no_object_is_no_acknowledgement(server):
    for body in ([], [3], 3, "3", '"ok"', "null", ""):
        Admin(server.admin_url).reset()
        _keeps(server, {"body": body}, PORTAL, status=200)


def test_empty_204_is_no_acknowledgement(server):
    _keeps(server, {"status": 204}, PORTAL, status=204)


def test_success_false_is_no_acknowledgement(server):
    _keeps(server, {"body": {"success": False, "count": 3}}, "did not keep", status=200)


def test_missing_success_is_no_acknowledgement(server):
    _keeps(server, {"body": {"count": 3}}, "did not keep", status=200)


def test_success_of_another_type_is_no_acknowledgement(server):
    for success in ("true", 1, [True], {"a": 1}):
        Admin(server.admin_url).reset()
        _keeps(server, {"body": {"success": success, "count": 3}}, "did not keep", status=200)


def test_short_count_is_no_acknowledgement(server):
    for count in (0, 2):
        Admin(server.admin_url).reset()
        _keeps(server, {"count": count}, "", status=200)


def test_short_count_of_the_gateway_is_no_acknowledgement(gateway):
    _keeps(gateway, {"count": 0}, "", status=200)


def test_missing_count_is_no_acknowledgement(server):
    _keeps(server, {"body": {"success": True}}, "", status=200)


def test_count_of_another_type_is_no_acknowledgement(server):
    for count in ("3", 3.5, None, [3], {"n": 3}, "many"):
        Admin(server.admin_url).reset()
        _keeps(server, {"body": {"success": True, "count": count}}, "", status=200)


def test_true_is_no_count(server):
    admin = Admin(server.admin_url)
    admin.script({"body": {"success": True, "count": True}})
    px = client(server)
    px.send("n", 1)
    equal((refused(px).status, px.pending), (200, 1))


def test_persisted_false_is_no_acknowledgement(server):
    body = {"success": True, "count": 3, "persisted": False}
    _keeps(server, {"body": body}, "did not keep", status=200)


def test_count_without_persisted_is_an_acknowledgement(gateway):
    px = client(gateway)
    fill(px, 3)
    equal(px.flush(), 3)


def test_deeply_nested_answer_is_no_acknowledgement(server):
    _keeps(server, {"body": "[" * 1000}, PORTAL, status=200)


def test_answer_that_is_no_utf_8_is_no_acknowledgement():
    raw = RawServer(answer(b'{"success":true,"count":1,"x":"\xff\xfe"'), answer(b"\xff\x00\xfe"))
    px = client(raw)
    px.send("n", 1)
    for _ in range(2):
        assert PORTAL in str(refused(px)), px.status
    equal(px.pending, 1)


# --- how the answer comes -----------------------------------------------------------------------


def _arrives(server, fault):
    px = client(server)
    fill(px, 3)
    admin = Admin(server.admin_url)
    admin.script(dict(fault, times=-1))
    equal(px.flush(), 3)
    px.send("n", 3)
    equal(px.flush(), 1)
    equal(values(admin), [0, 1, 2, 3])


def test_chunked_answer_is_understood(server):
    for size in (1, 7, 16, 4000):
        Admin(server.admin_url).reset()
        _arrives(server, {"chunked": size})


def test_answer_without_a_length_is_understood(server):
    _arrives(server, {"lengthless": True})


def test_http_1_0_answer_is_understood(server):
    _arrives(server, {"http10": True})


def test_late_answer_is_awaited(server):
    _arrives(server, {"delay_ms": 100})


def test_names_of_headers_are_matched_without_case():
    connection = b"CONNECTION: Keep-Alive\r\n"
    raw = RawServer([answer(headers=connection).replace(b"Content-Length", b"cONTENT-lENGTH")])
    px = client(raw)
    px.send("n", 1)
    equal(px.flush(), 1)


def test_cut_answer_confirms_nothing(server):
    for size in (0, 1, 5, 12, 17, 60, 150):
        Admin(server.admin_url).reset()
        _keeps(server, {"cut_after": size}, "could not get an answer from 127.0.0.1")


def test_cut_answer_of_kept_readings_sends_them_again(server):
    fault = {"cut_after": 60, "store": True}
    _keeps(server, fault, "could not get an answer from 127.0.0.1", most_copies=3)


def test_cut_chunked_answer_confirms_nothing(server):
    _keeps(server, {"cut_after": 170, "chunked": 8}, "could not get an answer from 127.0.0.1")


def test_chunked_answer_without_its_last_chunk_confirms_nothing():
    whole = b'{"success":true,"count":1}'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = RawServer(head + b"%x\r\n%s\r\n" % (len(whole), whole), head + b"zz\r\n" + whole)
    px = client(raw)
    px.send("n", 1)
    assert "cut off" in str(refused(px))
    assert "broken chunk" in str(refused(px))
    equal(px.pending, 1)


def test_length_that_lies_confirms_nothing(server):
    _keeps(server, {"headers": {"Content-Length": "5000"}}, "could not get an answer from")


def test_reset_confirms_nothing(server):
    _keeps(server, {"reset": True}, "127.0.0.1")


def test_reset_in_place_of_the_answer_confirms_nothing(server):
    fault = {"read_then_reset": True, "store": True}
    _keeps(server, fault, "could not get an answer from 127.0.0.1", "reset", most_copies=3)


def test_reset_within_the_request_confirms_nothing(server):
    _keeps(server, {"cut_request_after": 20}, "could not ")


def _ends_in_time(server, fault, *words):
    admin = Admin(server.admin_url)
    px = client(server, timeout_ms=150)
    fill(px, 3)
    admin.script(fault)
    exc = refused(px)
    for word in words:
        assert word in str(exc), exc
    equal((exc.status, px.pending), (0, 3))
    admin.clear_faults()


TIMED_OUT = "could not get an answer from 127.0.0.1: timed out"


def test_answer_that_does_not_begin_times_out(server):
    _ends_in_time(server, {"stall": "before_headers"}, TIMED_OUT)


def test_answer_that_stalls_times_out(server):
    _ends_in_time(server, {"stall": "in_body"}, TIMED_OUT)


def test_answer_that_trickles_header_by_header_times_out(server):
    # Each read succeeds in time: only a deadline of the whole request ends it.
    _ends_in_time(server, {"trickle_ms": 40}, TIMED_OUT)


def test_answer_that_trickles_byte_by_byte_times_out():
    raw = RawServer([b"H"] + [b"T"] * 200, pause_ms=20)
    px = client(raw, timeout_ms=150)
    px.send("n", 1)
    assert "could not get an answer from 127.0.0.1: timed out" in str(refused(px))


def test_body_that_trickles_times_out():
    raw = RawServer([answer()[:-20]] + [b" "] * 100, pause_ms=20)
    px = client(raw, timeout_ms=150)
    px.send("n", 1)
    assert "could not get an answer from 127.0.0.1: timed out" in str(refused(px))


def test_chunks_that_trickle_time_out():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = RawServer([head] + [b"1\r\n \r\n"] * 100, pause_ms=20)
    px = client(raw, timeout_ms=150)
    px.send("n", 1)
    assert "could not get an answer from 127.0.0.1: timed out" in str(refused(px))


def test_endless_header_line_ends_with_an_error(server):
    _keeps(server, {"endless_header": True}, "its headers do not end")


def test_endless_header_lines_end_with_an_error():
    raw = RawServer(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: aaaaaaaaaaaaaaaaaaaa\r\n" * 500)
    px = client(raw)
    px.send("n", 1)
    assert "its headers do not end" in str(refused(px))


def test_endless_interim_answers_end_with_an_error():
    raw = RawServer(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)
    px = client(raw)
    px.send("n", 1)
    assert "its headers do not end" in str(refused(px))


def test_what_is_no_http_ends_with_an_error():
    junk = (b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46\r\n", b"HTTP/1.1\r\n\r\n")
    junk += (b"HTTP/1.1 abc OK\r\n\r\n", b"\r\n\r\n", b"HTTP/1.1 20\xb2 OK\r\n\r\n")
    raw = RawServer(*junk)
    px = client(raw)
    px.send("n", 1)
    for _ in junk:
        exc = refused(px)
        assert "could not get an answer from 127.0.0.1: it speaks no HTTP" in str(exc), exc
    equal(px.pending, 1)


def test_status_of_four_digits_or_none_confirms_nothing():
    raw = RawServer(*[answer(status=status) for status in (b"2000 OK", b"000 OK", b"-200 OK")])
    px = client(raw)
    px.send("n", 1)
    for _ in range(3):
        refused(px)
        equal(px.pending, 1)


def test_connection_that_ends_without_an_answer_is_told():
    raw = RawServer(b"")
    px = client(raw)
    px.send("n", 1)
    assert "could not get an answer from 127.0.0.1: it hung up" in str(refused(px))


def test_huge_body_is_not_read(server):
    _keeps(server, {"body": "x" * 300000}, PORTAL, status=200)


def test_endless_body_is_not_read():
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    raw = RawServer([head] + [b"x" * 1000] * 2000)
    px = client(raw)
    px.send("n", 1)
    assert PORTAL in str(refused(px)), px.status


def test_interim_answers_are_passed_over():
    raw = RawServer(
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(),
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5000\r\nX: y\r\n\r\n" + answer(),
    )
    px = client(raw)
    for _ in range(2):
        px.send("n", 1)
        equal(px.flush(), 1)


def test_lines_may_end_with_a_bare_newline():
    raw = RawServer(answer().replace(b"\r\n", b"\n"))
    px = client(raw)
    px.send("n", 1)
    equal(px.flush(), 1)


def test_fields_of_a_head_are_read_as_rfc_9112_says():
    body = b'{"success":true,"count":1}'
    for fields in (
        b"Content-Length:26",
        b"Content-Length:  26",
        b"Content-Length: 26 \t",
        b"Content-Length:\t26",
        b"Content-Length : 26",
        b"content-length: 0000000026",
        b"Transfer-Encoding: identity\r\nContent-Length: 26",
        b"Content-Length: 26\r\nTransfer-Encoding: identity",
    ):
        # The connection stays open: who takes the length for none waits for its end.
        raw = RawServer([b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + body, b""], pause_ms=1000)
        px = client(raw, timeout_ms=900)
        px.send("n", 1)
        equal((fields, px.flush()), (fields, 1))


def test_last_transfer_coding_counts():
    raw = RawServer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\tgzip, Chunked \r\n\r\n"
        b'1a\r\n{"success":true,"count":1}\r\n0\r\n\r\n'
    )
    px = client(raw)
    px.send("n", 1)
    equal(px.flush(), 1)


def read_values(connection):
    """The values of the next request of a connection; None at its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(4096)
    return [point["value"] for point in json.loads(body)["points"]]


class Server:
    """An ingest server of a test's own, which keeps its connections.

    reply(connection, values) answers a request with these values. kept: the values that it took.
    """

    def __init__(self):
        self._listener, port = listen()
        self.ingest = "http://127.0.0.1:%d/api/ingest" % port
        self.kept = []
        _thread.start_new_thread(self._serve, ())

    def _serve(self):
        while True:
            connection = self._listener.accept()[0]
            try:
                values = read_values(connection)
                while values is not None:
                    self.reply(connection, values)
                    values = read_values(connection)
            except OSError:
                pass
            connection.close()


class Repeating(Server):
    """A server that gives its first answer twice, and does not keep what comes next, once."""

    def __init__(self, at_once):
        self._at_once = at_once
        self.requests = 0
        self.go = self.told = False
        super().__init__()

    def reply(self, connection, values):
        self.requests += 1
        if self.requests == 2:
            connection.sendall(answer(b"{}", b"503 Out"))
            return
        self.kept += values
        data = answer(b'{"success":true,"count":%d}' % len(values))
        first = self.requests == 1
        connection.sendall(data * 2 if first and self._at_once else data)
        if first and not self._at_once:
            wait_until(lambda: self.go)
            connection.sendall(data)
        self.told = True


def test_answer_that_nobody_asked_for_confirms_nothing():
    for at_once in (True, False):
        server = Repeating(at_once)
        px = client(server, keep_alive=True)
        px.send("n", 0)
        equal(px.flush(), 1)
        server.go = True
        wait_until(lambda server=server: server.told)
        px.send("n", 1)
        equal((refused(px).status, px.confirmed, server.kept), (503, 1, [0]))
        equal((px.flush(), server.kept), (1, [0, 1]))


def test_key_goes_into_no_line_but_its_header():
    raw = RawServer(answer())
    px = client(raw)
    px.send("n", 1)
    px.flush()
    equal(raw.requests[0].count(SECRET.encode()), 1)


# --- readings that the server refuses -------------------------------------------------------------


class Picky(Server):
    """A server that answers as `judge(values)` says: (status, error message)."""

    def __init__(self, judge):
        self._judge = judge
        self.requests = []
        super().__init__()

    def reply(self, connection, values):
        self.requests.append(values)
        status, message = self._judge(values)
        if status == 200:
            self.kept += values
            out = {"success": True, "count": len(values)}
        else:
            out = {"error": message}
        connection.sendall(answer(json.dumps(out).encode(), b"%d X" % status))


BAD = (3, 4, 17, 59)


def naming(values):
    for i, value in enumerate(values):
        if value in BAD:
            return 400, "points[%d].value is not liked" % i
    return 200, ""


def mute(values):
    return (400, "bad request") if any(value in BAD for value in values) else (200, "")


def refusing_empty(values):
    # ... and takes no request without points, as some servers may.
    return mute(values) if values else (400, "points must not be empty")


def misleading(values):
    # Counts from 1.
    status, message = naming(values)
    return status, message.replace("[", "[1") if status == 400 else ""


def rude(values):
    # 400 with a message that is no text at all.
    return (400, {"points[0]": [1]}) if any(value in BAD for value in values) else (200, "")


def small(values):
    return (413, "too large") if len(values) > 7 else (200, "")


def delivered(px, ticks):
    """flush() until nothing waits, with time between where one fails: how many were confirmed."""
    before = px.confirmed
    for _ in range(100):
        try:
            px.flush()
        except PlexusError as exc:
            assert exc.status in (400, 413), exc
            ticks.advance(1500)
        if not px.pending:
            break
    return px.confirmed - before


def patient(place, **options):
    """(a client, its ticks, which stand still till the test moves them)"""
    ticks = FakeTicks()
    return client(place, clock=right_clock(ticks), **options), ticks


def _isolates(judge, batch_points=1000, count=60):
    server = Picky(judge)
    px, ticks = patient(server, batch_points=batch_points)
    fill(px, count, "pressure")
    good = [value for value in range(count) if value not in BAD]
    equal(delivered(px, ticks), len(good))
    equal(sorted(server.kept), good)
    equal((px.pending, px.confirmed, px.dropped), (0, len(good), 0))
    equal(px.rejected, count - len(good))
    assert "last rejected: pressure" in px.status and px.status.startswith("ok;"), px.status
    assert "%d rejected" % px.rejected in px.status, px.status
    return server


def test_refused_readings_that_are_named_are_isolated():
    server = _isolates(naming)
    assert len(server.requests) <= 4 * len(BAD) + 1, len(server.requests)
    equal(server.kept, sorted(server.kept))


def test_refused_readings_that_are_not_named_are_isolated():
    server = _isolates(mute)
    assert len(server.requests) < 60, len(server.requests)


def test_refused_readings_are_isolated_where_no_empty_request_is_taken():
    _isolates(refusing_empty)


def test_refused_readings_that_are_named_wrongly_are_isolated():
    _isolates(misleading)


def test_refused_readings_of_a_server_with_odd_words_are_isolated():
    _isolates(rude)


def test_refused_readings_are_isolated_in_every_batch():
    for batch_points in (1, 2, 7):
        _isolates(naming, batch_points)
        _isolates(mute, batch_points)


def test_words_of_the_server_about_a_refused_reading_are_in_status():
    px = client(Picky(naming))
    px.send("pressure", 3)
    equal((px.flush(), px.rejected), (0, 1))
    assert "last rejected: pressure: points[0].value is not liked" in px.status, px.status


def test_only_readings_of_one_source_are_bad_and_tick_goes_on():
    server = Picky(mute)
    px, ticks = patient(server, flush_interval_ms=0, batch_points=10)
    fill(px, 60)
    for _ in range(200):
        px.tick()
        ticks.advance(1500)
    equal((px.pending, px.rejected, px.confirmed), (0, 4, 56))


def test_refusal_of_one_point_by_the_mock_is_isolated(server):
    # A value that has passed our checks, and not the server's: an integer beyond double precision.
    text = 13  # a kind of record, see codec.py
    px = client(server)
    fill(px, 10)
    px.buffer.put("huge", None, text, b"1" + bytes(b"0" * 400), px.ticks_ms(), None)
    fill(px, 10, first=10)
    equal((px.flush(), px.rejected, px.pending), (20, 1, 0))
    assert "last rejected: huge: points[0].value is out of range" in px.status, px.status
    equal(values(Admin(server.admin_url)), list(range(20)))


def test_server_that_answers_400_to_everything_loses_nothing(server):
    admin = Admin(server.admin_url)
    px = client(server)
    fill(px, 20)
    admin.script({"status": 400, "times": -1})
    for _ in range(5):
        exc = refused(px)
        equal((exc.status, px.pending, px.rejected), (400, 20, 0))
    assert "the request is refused (400)" in px.status, px.status
    admin.clear_faults()
    equal(px.flush(), 20)
    equal(values(admin), list(range(20)))


def test_single_reading_of_a_server_that_answers_400_to_everything_is_kept(server):
    admin = Admin(server.admin_url)
    px = client(server)
    px.send("n", 0)
    admin.script({"status": 400, "times": -1})
    equal((refused(px).status, px.pending, px.rejected), (400, 1, 0))
    admin.clear_faults()
    equal(px.flush(), 1)


def test_network_that_fails_while_a_refusal_is_examined_loses_nothing(server):
    admin = Admin(server.admin_url)
    px = client(server)
    fill(px, 2)
    admin.script({"status": 400, "times": 2}, {"reset": True, "times": -1})
    refused(px)
    equal((px.pending, px.rejected), (2, 0))
    admin.clear_faults()
    equal(px.flush(), 2)
    equal(values(admin), [0, 1])


def test_413_is_halved_until_it_passes():
    server = Picky(small)
    px = client(server)
    fill(px, 60)
    equal((px.flush(), px.rejected), (60, 0))
    equal(server.kept, list(range(60)))
    equal([len(values) for values in server.requests[:5]], [60, 30, 15, 7, 8])


def test_batch_grows_again_after_413():
    limit = [7]
    server = Picky(lambda values: (413, "") if len(values) > limit[0] else (200, ""))
    px = client(server, batch_points=60)
    fill(px, 60)
    px.flush()
    limit[0] = 1000
    for _ in range(30):
        fill(px, 60)
        px.flush()
    equal(len(server.requests[-1]), 60)


def test_single_reading_that_is_too_large_is_dropped_and_named(server):
    admin = Admin(server.admin_url)
    px, ticks = patient(server)
    px.send("waveform", [1] * 500)
    for _ in range(2):
        admin.script({"status": 413})
        equal(px.rejected, 0)
        try:
            px.flush()
        except PlexusError:
            ticks.advance(1500)
    equal((px.rejected, px.pending), (1, 0))
    assert "last rejected: waveform" in px.status, px.status


def test_server_that_answers_413_to_everything_loses_nothing(server):
    # A proxy on the way that takes no body at all: no reading is at fault.
    admin = Admin(server.admin_url)
    px = client(server)
    fill(px, 8)
    admin.script({"status": 413, "times": -1})
    equal((refused(px).status, px.pending, px.rejected), (413, 8, 0))
    admin.clear_faults()
    equal(px.flush(), 8)


def test_poison_reading_does_not_block_those_of_its_own_kind(server):
    # Several refused ones in a row, one of them the last of all.
    px, ticks = patient(Picky(mute))
    for value in (3, 3, 3, 1, 4, 4):
        px.send("n", value)
    equal((delivered(px, ticks), px.rejected, px.pending), (1, 5, 0))


def test_requests_to_examine_a_refusal_carry_only_readings_that_wait(server):
    admin = Admin(server.admin_url)
    px = client(server)
    fill(px, 3)
    admin.script({"status": 400, "times": 3})
    refused(px)
    for request in ingests(admin):
        for point in json.loads(request["body"])["points"]:
            assert point["metric"] == "n", request
    equal((px.flush(), px.pending, px.rejected), (3, 0, 0))


# --- one refusal is no proof --------------------------------------------------------------------


def _survives(faults, count, batch_points=1000):
    """So many readings, whose requests are answered with these faults, and what is kept of them."""
    refusals = list(faults)
    server = Picky(lambda values: (refusals.pop(0), "no reason") if refusals else (200, ""))
    px, ticks = patient(server, batch_points=batch_points)
    fill(px, count)
    delivered(px, ticks)
    equal((px.rejected, px.dropped, px.confirmed), (0, 0, count))
    return server


def test_good_reading_survives_a_single_refusal_without_reason():
    for status in (400, 413):
        for count in (1, 2, 20):
            server = _survives([status] * 1, count)
            equal(sorted(server.kept), list(range(count)))


def test_good_reading_survives_refusals_of_it_alone_while_others_pass():
    # The batch, its halves down to one reading; then an empty request and another reading pass.
    for status in (400, 413):
        for refusals in range(1, 6):
            server = _survives([status] * refusals, 8)
            equal(sorted(server.kept), list(range(8)))


def test_reading_is_given_up_when_it_is_refused_at_two_times():
    server = Picky(mute)
    px, ticks = patient(server)
    px.send("n", 3)
    px.send("n", 0)
    refused(px)
    ticks.advance(999)
    refused(px)
    equal(px.rejected, 0)
    ticks.advance(1)
    px.flush()
    equal((px.rejected, px.pending, server.kept), (1, 0, [0]))


def test_reading_that_the_server_names_is_given_up_when_it_is_refused_twice():
    requests = []
    server = Picky(lambda values: requests.append(values) or naming(values))
    px = client(server)
    px.send("n", 3)
    equal((px.flush(), px.rejected), (0, 1))
    equal(requests, [[3], [3]])


def test_server_that_refuses_everything_after_one_reading_passed_loses_nothing():
    # The one that showed the other's fault has gone; since then the server takes nothing.
    broken = []

    def judge(values):
        if broken and broken[0]:
            return 400, "out of order"
        broken.append(values == [1])
        return (200, "") if values == [1] else (400, "bad request")

    px, ticks = patient(Picky(judge))
    fill(px, 3)
    for _ in range(6):
        refused(px)
        broken[:] = [True]
        ticks.advance(60000)
    equal((px.rejected, px.pending), (0, 3))


def test_reading_that_passed_to_show_anothers_fault_is_not_sent_again():
    # ... whichever of those behind it that is: no empty request is taken.
    for bad in ((0,), (0, 1), (0, 1, 2, 3)):

        def judge(values, bad=bad):
            if not values or any(value in bad for value in values):
                return 400, "bad request"
            return 200, ""

        server = Picky(judge)
        px, ticks = patient(server)
        fill(px, 20)
        delivered(px, ticks)
        equal((px.rejected, px.confirmed), (len(bad), 20 - len(bad)))
        equal(sorted(server.kept), list(range(len(bad), 20)))
