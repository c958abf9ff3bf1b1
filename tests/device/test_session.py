"""Sessions: what readings carry; the POST and PATCH that pass in order, whatever happens."""

import asyncio
import json
import time

from clients import Outage, RawServer, answer, client, fill, host_ms, refused, right_clock
from plexus.port import ticks_ms
from support import IS_MICROPYTHON, Admin, FakeTicks, equal, raises


def no_wait(size):
    """In place of os.urandom: every retry is due at once."""
    return bytes(size)


def _iso_ms(text):
    # "2024-01-15T10:30:00.123Z" -> epoch ms, for the 21st century.
    assert len(text) == 24 and text[10] == "T" and text[-1] == "Z", text
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    days = (year - 1970) * 365 + (year - 1969) // 4
    lengths = [31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    days += sum(lengths[: month - 1]) + day - 1
    seconds = days * 86400 + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
    return seconds * 1000 + int(text[20:23])


def _order(admin):
    """What passed, in order: "POST", "PATCH", or the number of readings."""
    order = []
    for request in admin.requests():
        if request["status"] == 200:
            is_ingest = request["path"].endswith("/ingest")
            order.append(request["points"] if is_ingest else request["method"])
    return order


def test_session_is_created_before_its_readings_and_ended_behind_them(server):
    px = client(server)
    px.send("n", 0)
    before = host_ms()
    with px.session("test-001", name="Motor Test Run"):
        fill(px, 3, first=1)
    after = host_ms()
    px.send("n", 4)
    equal(px.flush(), 5)
    admin = Admin(server.admin_url)
    equal(_order(admin), ["POST", 5, "PATCH"])
    (session,) = admin.sessions()
    equal((session["session_id"], session["source_id"]), ("test-001", "dev-1"))
    equal((session["name"], session["status"]), ("Motor Test Run", "completed"))
    assert before - 5 <= _iso_ms(session["ended_at"]) <= after + 5, session
    points = admin.points()
    equal([p["session_id"] for p in points], [None] + ["test-001"] * 3 + [None])
    equal([p["tags"] for p in points], [None] + [{"session_id": "test-001"}] * 3 + [None])


def test_session_that_goes_on_is_created_and_not_ended(server):
    px = client(server)
    session = px.session("s")
    session.start()
    px.send("n", 1)
    px.flush()
    admin = Admin(server.admin_url)
    equal(_order(admin), ["POST", 1])
    equal(admin.sessions()[0]["status"], "active")
    px.send("n", 2)
    session.end()
    px.flush()
    equal(_order(admin), ["POST", 1, 1, "PATCH"])
    equal(admin.sessions()[0]["status"], "completed")
    session.end()  # once is enough
    px.flush()
    equal(len(admin.requests()), 4)


def test_tick_makes_the_sessions_requests(server):
    px = client(server, flush_interval_ms=0)
    with px.session("s"):
        px.send("n", 1)
    for _ in range(5):
        px.tick()
    equal(_order(Admin(server.admin_url)), ["POST", 1, "PATCH"])


def test_session_without_a_name_has_none(server):
    px = client(server)
    with px.session("s"):
        pass
    px.flush()
    admin = Admin(server.admin_url)
    body = json.loads(admin.requests(bodies=1)[0]["body"])
    equal(body, {"session_id": "s", "source_id": "dev-1", "status": "active"})
    equal(admin.sessions()[0]["name"], None)


def test_readings_with_tags_of_their_own_carry_the_session_too(server):
    px = client(server)
    sixteen = {"tag%02d" % i: str(i) for i in range(16)}
    with px.session("s"):
        px.send("n", 1, tags={"a": "b"})
        px.send("n", 2, tags=sixteen)
        px.send("n", 3, source_id="other")
        px.send("n", 4, tags={"session_id": "mine"})
        px.send_batch([("n", 5), ("n", 6)], tags={"a": "b"})
    px.flush()
    points = Admin(server.admin_url).points()
    equal([p["session_id"] for p in points], ["s"] * 6)
    tagged = {"a": "b", "session_id": "s"}
    expected = [tagged, sixteen, {"session_id": "s"}, {"session_id": "mine"}, tagged, tagged]
    equal([p["tags"] for p in points], expected)
    equal(points[2]["source_id"], "other")


def test_a_gateway_without_sessions_keeps_theirs_in_the_tags(gateway):
    px = client(gateway)
    with px.session("s"):
        px.send("n", 1)
    px.flush()
    (point,) = Admin(gateway.admin_url).points()
    equal((point["session_id"], point["tags"]), ("s", {"session_id": "s"}))
    requests = Admin(gateway.admin_url).requests()
    paths = [("/sessions", 404), ("/api/runs", 404), ("/ingest", 200)]
    equal([(r["path"], r["status"]) for r in requests][:3], paths)


def test_exception_within_a_session_ends_it_and_goes_on(server):
    px = client(server)
    with raises(RuntimeError, "motor"):
        with px.session("s"):
            px.send("n", 1)
            raise RuntimeError("motor stuck")
    px.send("n", 2)
    px.flush()
    admin = Admin(server.admin_url)
    equal(admin.sessions()[0]["status"], "completed")
    equal([p["session_id"] for p in admin.points()], ["s", None])


def test_session_within_a_session_is_refused(server):
    px = client(server)
    with px.session("outer"):
        with raises(ValueError, "session_id", "outer", "end it first"):
            px.session("inner").start()
        px.send("n", 1)
    px.flush()
    admin = Admin(server.admin_url)
    equal([s["session_id"] for s in admin.sessions()], ["outer"])
    equal(admin.points()[0]["session_id"], "outer")


def test_sessions_one_after_another_stay_apart(server):
    px = client(server)
    for name in ("a", "b", "c"):
        with px.session(name):
            px.send("n", 1)
    px.flush()
    admin = Admin(server.admin_url)
    equal([s["session_id"] for s in admin.sessions()], ["a", "b", "c"])
    equal([s["status"] for s in admin.sessions()], ["completed"] * 3)
    equal([p["session_id"] for p in admin.points()], ["a", "b", "c"])


def test_id_with_special_characters_is_encoded(server):
    px = client(server)
    for name in ("a b/c?d#e%f", "ünï 日本", 'q"\\', "..", "+&="):
        with px.session(name, name='Nämé "x"\n'):
            px.send("n", 1)
        px.flush()
    admin = Admin(server.admin_url)
    equal([s["session_id"] for s in admin.sessions()],
          ["a b/c?d#e%f", "ünï 日本", 'q"\\', "..", "+&="])  # fmt: skip
    for session in admin.sessions():
        equal((session["status"], session["points"], session["name"]),
              ("completed", 1, "Nämé \"x\"\n"))  # fmt: skip


def test_bad_ids_and_names_are_refused_by_name(server):
    px = client(server)
    for bad in ("", "x" * 257, None, 5):
        with raises(ValueError, "session_id"):
            px.session(bad)
    for bad in (5, "", "x" * 257):
        with raises(ValueError, "name"):
            px.session("s", name=bad)


def test_half_a_surrogate_pair_is_refused_before_it_is_in_the_way(server):
    px = client(server)
    half = b"\xed\xa0\xbd"  # MicroPython takes it for text, CPython makes it otherwise
    half = half.decode() if IS_MICROPYTHON else chr(0xD83D)
    with raises(ValueError, "session_id"):
        px.session("s" + half)
    with raises(ValueError, "name"):
        px.session("s", name="caf" + half)
    px.send("n", 1)
    equal(px.flush(), 1)


def test_async_with_is_a_session(server):
    px = client(server)

    async def main():
        async with px.session("s"):
            px.send("n", 1)
            await asyncio.sleep(0)
            px.send("n", 2)
        px.send("n", 3)

    asyncio.run(main())
    px.flush()
    admin = Admin(server.admin_url)
    equal(_order(admin), ["POST", 3, "PATCH"])
    equal([p["session_id"] for p in admin.points()], ["s", "s", None])


# --- trouble ----------------------------------------------------------------------------------


def test_network_that_is_down_for_the_whole_session_loses_nothing(server):
    admin = Admin(server.admin_url)
    px = client(server, random=no_wait, flush_interval_ms=0)
    before = host_ms()
    with Outage(admin):
        with px.session("s", name="Run"):
            fill(px, 3)
            refused(px)
            px.tick()
        after = host_ms()
        px.send("n", 3)
        refused(px)
        assert "session/run requests wait" in px.status, px.status
    equal(px.flush(), 4)
    equal(_order(admin), ["POST", 4, "PATCH"])
    (session,) = admin.sessions()
    equal((session["status"], session["points"]), ("completed", 3))
    assert before - 5 <= _iso_ms(session["ended_at"]) <= after + 5, session
    assert "session" not in px.status, px.status


def _passes_after(server, fault, method):
    admin = Admin(server.admin_url)
    admin.script(dict(fault, method=method, path="/api/sessions", times=2))
    px = client(server, random=no_wait, flush_interval_ms=0, timeout_ms=2000)
    with px.session("s"):
        px.send("n", 1)
    for _ in range(12):
        px.tick()
    (session,) = admin.sessions()
    equal((session["status"], session["points"], px.pending), ("completed", 1, 0))
    assert "session" not in px.status, px.status


def test_creation_is_retried(server):
    for fault in ({"status": 500}, {"status": 401}, {"reset": True}, {"retry_after": 0}):
        Admin(server.admin_url).reset()
        _passes_after(server, fault, "POST")


def test_end_is_retried(server):
    for fault in ({"status": 500}, {"status": 401}, {"reset": True}, {"retry_after": 0}):
        Admin(server.admin_url).reset()
        _passes_after(server, fault, "PATCH")


def test_page_of_a_portal_creates_and_ends_no_session(server):
    for method in ("POST", "PATCH"):
        Admin(server.admin_url).reset()
        _passes_after(server, {"html": True}, method)


def test_redirected_creation_is_not_followed_and_is_retried(server, gateway):
    _passes_after(server, {"redirect": gateway.url + "/sessions"}, "POST")
    equal(Admin(gateway.admin_url).requests(), [])


def test_readings_do_not_wait_for_a_session_that_cannot_be_created(server):
    admin = Admin(server.admin_url)
    admin.script({"path": "/api/sessions", "status": 503, "times": -1})
    px = client(server)
    with px.session("s"):
        fill(px, 3)
    equal(px.flush(), 3)
    equal([p["session_id"] for p in admin.points()], ["s"] * 3)
    assert "session: the server failed (503)" in px.status, px.status
    assert "2 session/run requests wait" in px.status, px.status


def test_existing_session_counts_as_created(server):
    admin = Admin(server.admin_url)
    admin.script({"path": "/api/sessions", "status": 409, "store": True})
    px = client(server)
    with px.session("s"):
        px.send("n", 1)
        px.flush()
        assert px.status.startswith("ok;") and "session" not in px.status, px.status
    px.flush()
    equal(admin.sessions()[0]["status"], "completed")


def test_start_or_end_that_is_refused_once_is_made_again(server):
    admin = Admin(server.admin_url)
    for status in (400, 413):
        for method in ("POST", "PATCH"):
            admin.reset()
            admin.script({"method": method, "path": "/api/sessions", "status": status})
            px = client(server, random=no_wait, flush_interval_ms=0)
            with px.session("s"):
                px.send("n", 1)
            for _ in range(4):
                px.tick()
            equal([(s["session_id"], s["status"]) for s in admin.sessions()], [("s", "completed")])
            assert px.status.startswith("ok;") and "session" not in px.status, px.status


def test_start_that_is_refused_at_two_times_is_given_up_and_counted(server):
    # Nor does the server know it when it is to end.
    admin = Admin(server.admin_url)
    admin.script({"method": "POST", "path": "/api/sessions", "status": 400, "times": -1})
    ticks = FakeTicks()
    px = client(server, clock=right_clock(ticks), random=no_wait, flush_interval_ms=0)
    with px.session("refused"):
        px.send("n", 1)
    px.tick()
    ticks.advance(999)
    px.tick()
    assert "dropped" not in px.status.split("session")[-1], px.status
    ticks.advance(1)
    px.tick()
    assert "1 session/run requests dropped" in px.status, px.status
    admin.clear_faults()
    with px.session("taken"):
        px.send("n", 2)
    for _ in range(8):
        px.tick()
    equal([(s["session_id"], s["status"]) for s in admin.sessions()], [("taken", "completed")])
    equal(px.pending, 0)


def test_start_is_not_given_up_while_the_server_takes_nothing(server):
    admin = Admin(server.admin_url)
    admin.script({"status": 400, "times": -1})
    ticks = FakeTicks()
    px = client(server, clock=right_clock(ticks), random=no_wait, flush_interval_ms=0)
    with px.session("s"):
        px.send("n", 1)
    for _ in range(10):
        px.tick()
        ticks.advance(60000)
    admin.clear_faults()
    for _ in range(4):
        px.tick()
        ticks.advance(60000)
    equal([(s["session_id"], s["status"]) for s in admin.sessions()], [("s", "completed")])
    equal((px.pending, px.rejected), (0, 0))


def test_requests_that_wait_are_bounded_and_the_oldest_goes_first(server):
    admin = Admin(server.admin_url)
    px = client(server, random=no_wait)
    with Outage(admin):
        for i in range(20):
            with px.session("s%d" % i):
                px.send("n", i)
        assert "32 session/run requests wait; 8 session/run requests dropped" in px.status, (
            px.status
        )
        refused(px)
    equal(px.flush(), 20)
    equal([s["session_id"] for s in admin.sessions()], ["s%d" % i for i in range(4, 20)])
    equal([p["session_id"] for p in admin.points()], ["s%d" % i for i in range(20)])


def test_end_waits_for_every_reading_of_its_session(server):
    px = client(server, batch_points=2, flush_interval_ms=0)
    with px.session("s"):
        fill(px, 5)
    for _ in range(6):
        px.tick()
    equal(_order(Admin(server.admin_url)), ["POST", 2, 2, 1, "PATCH"])


def test_session_before_the_first_sync_ends_at_the_right_time(server, ntp):
    px = client(server, ntp_hosts=[ntp.good], ntp_port=ntp.port)
    before = host_ms()
    with px.session("s"):
        px.send("n", 1)
        time.sleep(0.05)
    after = host_ms()
    time.sleep(0.05)
    equal(px.flush(), 1)
    (session,) = Admin(server.admin_url).sessions()
    assert before + 30 <= _iso_ms(session["ended_at"]) <= after + 20, (session, before, after)


def test_end_without_a_known_time_gives_none(server, ntp):
    admin = Admin(server.admin_url)
    admin.script({"method": "HEAD", "headers": {"Date": None}, "times": -1})
    px = client(server, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port, require_clock=False)
    with px.session("s"):
        px.send("n", 1)
    px.flush()
    (session,) = admin.sessions()
    equal(session["status"], "completed")
    assert session["ended_at"] is None or session["ended_at"] >= "2020", session


def test_many_sessions_exhaust_nothing(server):
    px = client(server, ring_bytes=2000)
    for i in range(2000):
        with px.session("session-%d" % i):
            px.send("n", i)
    assert px.pending > 10, px.status
    px.flush()
    points = Admin(server.admin_url).points()
    equal([p["session_id"] for p in points], ["session-%d" % p["value"] for p in points])


def test_key_and_length_go_with_the_sessions_requests():
    raw = RawServer(answer(b'{"success":true}'), answer(b'{"success":true}'))
    px = client(raw)
    with px.session("sö"):
        pass
    px.flush()
    post, patch = raw.requests
    body = '{"session_id":"sö","source_id":"dev-1","status":"active"}'.encode()
    assert post.startswith(b"POST /api/sessions HTTP/1.") and post.endswith(b"\r\n\r\n" + body), (
        post
    )
    assert b"\r\nContent-Length: %d\r\n" % len(body) in post and b"x-api-key: plx_" in post, post
    assert patch.startswith(b"PATCH /api/sessions/s%C3%B6 HTTP/1."), patch


def test_time_of_the_end_is_utc_with_milliseconds():
    from plexus.delivery.sessions import iso_time

    equal(iso_time(1705314, 600123), "2024-01-15T10:30:00.123Z")
    equal(iso_time(951782, 399999), "2000-02-28T23:59:59.999Z")
    equal(iso_time(4102444, 800000), "2100-01-01T00:00:00.000Z")
    assert _iso_ms(iso_time(1705314, 600123)) == 1705314600123
    assert ticks_ms() >= 0
