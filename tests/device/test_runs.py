"""Runs: their POST and PATCH in order, whatever happens; and sessions where there are only runs."""

import asyncio
import json
import time

from clients import Outage, RawServer, answer, client, fill, host_ms, refused, right_clock
from plexus.delivery.sessions import iso_time
from support import Admin, FakeTicks, equal, raises

SHORT_NAMES = True


def no_wait(size):
    """In place of os.urandom: every retry is due at once."""
    return bytes(size)


def known(place, **options):
    """A client whose source the server has seen."""
    px = client(place, random=no_wait, flush_interval_ms=0, **options)
    px.send("first", 0)
    px.flush()
    return px


def pass_a_ms(px):
    """Readings of the same ms as a run's end are in it."""
    now = px.clock.now_ms()
    while px.clock.now_ms() == now:
        pass


def ticks(px, count=6):
    for _ in range(count):
        px.tick()


def passed(admin):
    """What passed, in order: "POST", "PATCH", or the number of readings."""
    order = []
    for request in admin.requests():
        if 200 <= request["status"] < 300:
            is_ingest = request["path"].endswith("/ingest")
            order.append(request["points"] if is_ingest else request["method"])
    return order


def asked(admin):
    """(method, path, status) of what was no ingest."""
    found = [(r["method"], r["path"], r["status"]) for r in admin.requests()]
    return [one for one in found if not one[1].endswith("/ingest")]


def created(run_id=b"r1", more=b""):
    return answer(b'{"run":{"id":"' + run_id + b'"' + more + b"}}", b"201 Created")


def bodies(raw):
    return [json.loads(r.partition(b"\r\n\r\n")[2]) for r in raw.requests]


def test_run_is_begun_before_its_readings_and_ended_behind_them(platform):
    px = known(platform)
    with px.run("Motor", tags={"rig": "2"}, metadata={"n": [1, 2.5, None]}) as run:
        fill(px, 3)
    pass_a_ms(px)
    px.send("n", 3)
    px.flush()
    admin = Admin(platform.admin_url)
    equal(passed(admin), [1, "POST", 4, "PATCH"])
    (row,) = admin.runs()
    equal((row["id"], row["name"], row["source_id"]), (run.id, "Motor", "dev-1"))
    equal((row["tags"], row["metadata"]), ({"rig": "2"}, {"n": [1, 2.5, None]}))
    equal((row["status"], row["points"]), ("completed", 3))
    equal((run.test_result, px.status[:3], "run" in px.status), (None, "ok;", False))


def test_times_of_a_run_are_those_of_its_start_and_end(platform):
    px = known(platform)
    marks = [iso_time(*divmod(host_ms() - 5, 1000000))]
    run = px.run("r").start()
    time.sleep(0.03)
    marks.append(iso_time(*divmod(host_ms() - 10, 1000000)))
    run.end()
    marks.append(iso_time(*divmod(host_ms() + 5, 1000000)))
    time.sleep(0.03)
    px.flush()
    (row,) = Admin(platform.admin_url).runs()
    assert marks[0] <= row["started_at"] < marks[1] <= row["ended_at"] <= marks[2], (row, marks)


def test_run_of_a_new_source_begins_behind_its_first_reading(platform):
    px = client(platform)
    with px.run("r"):
        px.send("n", 1)
    px.flush()
    admin = Admin(platform.admin_url)
    equal([one[2] for one in asked(admin)], [404, 201, 200])
    equal(passed(admin), [1, "POST", "PATCH"])
    assert "run" not in px.status, px.status


def _verdict(platform, operator, value):
    px = known(platform)
    criteria = [{"metric": "n", "operator": operator, "value": value, "label": "n"}]
    with px.run("r", pass_criteria=criteria) as run:
        fill(px, 3)
    equal(run.test_result, None)
    px.flush()
    (row,) = Admin(platform.admin_url).runs()
    equal(row["pass_criteria"], criteria)
    equal(run.test_result, row["test_result"])
    return run.test_result["passed"]


def test_run_whose_readings_meet_the_criteria_has_passed(platform):
    equal(_verdict(platform, "<=", 2), True)


def test_run_whose_readings_miss_a_criterion_has_failed(platform):
    equal(_verdict(platform, "<", 2), False)


def test_exception_within_a_run_aborts_it_and_goes_on(platform):
    px = known(platform)
    with raises(RuntimeError, "motor"):
        with px.run("r"):
            raise RuntimeError("motor stuck")
    px.flush()
    equal(Admin(platform.admin_url).runs()[0]["status"], "aborted")


def test_run_that_goes_on_is_active_until_it_ends_once(platform):
    px = known(platform)
    run = px.run("r").start()
    px.flush()
    admin = Admin(platform.admin_url)
    equal(admin.runs()[0]["status"], "active")
    run.end("aborted")
    run.end()
    px.flush()
    equal(admin.runs()[0]["status"], "aborted")
    equal(passed(admin), [1, "POST", "PATCH"])
    with raises(ValueError, "'r' was started already", "make another"):
        run.start()


def test_async_with_is_a_run(platform):
    px = known(platform)

    async def main():
        async with px.run("good"):
            await asyncio.sleep(0)
        with raises(RuntimeError):
            async with px.run("bad"):
                raise RuntimeError

    asyncio.run(main())
    px.flush()
    rows = Admin(platform.admin_url).runs()
    equal(
        sorted((r["name"], r["status"]) for r in rows), [("bad", "aborted"), ("good", "completed")]
    )


def test_runs_may_overlap(platform):
    px = known(platform)
    outer = px.run("outer").start()
    inner = px.run("inner").start()
    outer.end()
    px.send("n", 1)
    inner.end()
    px.flush()
    rows = Admin(platform.admin_url).runs()
    equal(
        sorted((r["id"], r["status"]) for r in rows),
        sorted((r.id, "completed") for r in (outer, inner)),
    )


def test_name_that_the_platform_would_refuse_is_refused(platform):
    px = client(platform)
    for bad in ("", "x" * 201, None, 5):
        with raises(ValueError, "name: ", "give a string of 1 to 200"):
            px.run(bad)
    px.run("ü" * 200)


def test_tags_and_metadata_that_are_no_json_object_are_refused(platform):
    px = client(platform)
    for field in ("tags", "metadata"):
        with raises(ValueError, field + ": a dict, not list"):
            px.run("r", **{field: []})
        with raises(ValueError, field + ": ", "at most 4096; shorten it"):
            px.run("r", **{field: {"a": "x" * 4096}})
        with raises(ValueError, field + ": NaN"):
            px.run("r", **{field: {"a": float("nan")}})


def test_criteria_that_the_platform_would_refuse_are_refused(platform):
    px = client(platform)
    good = {"metric": "n", "operator": "<", "value": 1}
    for bad in ({}, "n<1", 5):
        with raises(ValueError, "pass_criteria: a list of dicts"):
            px.run("r", pass_criteria=bad)
    with raises(ValueError, "pass_criteria[1]: a dict, not str"):
        px.run("r", pass_criteria=[good, "n<1"])
    for field, value, words in (
        ("metric", "", "give a string"),
        ("metric", None, "give a string"),
        ("operator", "==", "one of > >= < <= = !=, not '=='"),
        ("value", "1", "a finite number"),
        ("value", True, "a finite number"),
        ("value", float("inf"), "a finite number"),
        ("label", 5, "give a string"),
    ):
        with raises(ValueError, "pass_criteria[0]." + field + ": ", words):
            px.run("r", pass_criteria=[dict(good, **{field: value})])
    with raises(ValueError, "pass_criteria[0]: no 'unit'"):
        px.run("r", pass_criteria=[dict(good, unit="V")])


def test_status_that_a_run_cannot_end_with_is_refused(platform):
    run = client(platform).run("r").start()
    with raises(ValueError, "status: 'completed' or 'aborted', not 'active'"):
        run.end("active")


# --- trouble ----------------------------------------------------------------------------------


def test_network_that_is_down_for_the_whole_run_loses_nothing(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    with Outage(admin):
        with px.run("r") as run:
            fill(px, 3)
            refused(px)
        pass_a_ms(px)
        px.send("n", 3)
        refused(px)
        assert "2 session/run requests wait" in px.status, px.status
        assert "; run: could not connect to " in px.status, px.status
    px.flush()
    equal(passed(admin), [1, "POST", 4, "PATCH"])
    (row,) = admin.runs()
    equal((row["id"], row["status"], row["points"]), (run.id, "completed", 3))
    assert "run" not in px.status, px.status


def test_start_whose_answer_is_lost_is_made_again_and_the_last_one_ends(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    admin.script({"method": "POST", "path": "/api/runs", "read_then_reset": True, "store": True})
    with px.run("r") as run:
        px.send("n", 1)
    ticks(px)
    rows = admin.runs()
    equal(len(rows), 2)
    equal([r["status"] for r in rows if r["id"] == run.id], ["completed"])


def test_end_whose_answer_is_lost_is_made_again(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    admin.script({"method": "PATCH", "path": "/api/runs", "read_then_reset": True, "store": True})
    with px.run("r", [{"metric": "n", "operator": "=", "value": 1}]) as run:
        px.send("n", 1)
    ticks(px)
    equal([r["status"] for r in admin.runs()], ["completed"])
    equal(run.test_result["passed"], True)


def test_trouble_with_the_server_is_sat_out(platform):
    admin = Admin(platform.admin_url)
    for method in ("POST", "PATCH"):
        for fault in ({"status": 500}, {"status": 403}, {"retry_after": 0}, {"html": True}):
            admin.reset()
            px = known(platform)
            admin.script(dict(fault, method=method, path="/api/runs", times=2))
            with px.run("r"):
                px.send("n", 1)
            ticks(px, 12)
            equal([r["status"] for r in admin.runs()], ["completed"])
            assert "run" not in px.status, px.status


def test_start_that_is_refused_lets_other_runs_pass(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    admin.script({"method": "POST", "path": "/api/runs", "status": 400})
    with px.run("refused"):
        pass
    with px.run("taken"):
        pass
    px.tick()
    equal([(r["name"], r["status"]) for r in admin.runs()], [("taken", "completed")])
    ticks(px)
    equal(sorted(r["name"] for r in admin.runs()), ["refused", "taken"])


def test_start_that_is_refused_at_two_times_is_given_up_and_its_end_with_it(platform):
    time_ms = FakeTicks()
    px = known(platform, clock=right_clock(time_ms))
    admin = Admin(platform.admin_url)
    admin.script({"method": "POST", "path": "/api/runs", "status": 400, "times": -1})
    with px.run("r"):
        px.send("n", 1)
    px.tick()
    time_ms.advance(1000)
    ticks(px, 2)
    assert "; 2 session/run requests dropped; run: the request is refused (400): r" in px.status
    equal([one[0] for one in asked(admin)], ["POST", "POST"])


def test_run_of_a_source_that_stays_unknown_is_given_up(platform):
    time_ms = FakeTicks()
    px = known(platform, clock=right_clock(time_ms))
    admin = Admin(platform.admin_url)
    admin.script({"method": "POST", "path": "/api/runs", "status": 404, "times": -1})
    with px.run("r"):
        ticks(px)
        equal(len(asked(admin)), 1)  # again only behind another reading
        px.send("n", 1)
        ticks(px)
        equal(len(asked(admin)), 2)
    assert "knows no such source yet, or has no runs (404)" in px.status, px.status
    assert "dropped" not in px.status.split("run")[-1], px.status
    time_ms.advance(1000)
    px.send("n", 2)
    ticks(px)
    assert "; 2 session/run requests dropped" in px.status, px.status
    equal(([one[0] for one in asked(admin)], px.pending), (["POST"] * 3, 0))


def test_run_that_waits_for_a_reading_is_in_nobodys_way(server):
    px = client(server, flush_interval_ms=0)
    run = px.run("r").start()
    with px.session("s"):
        pass
    px.flush()
    run.end()
    px.flush()
    admin = Admin(server.admin_url)
    equal([(s["session_id"], s["status"]) for s in admin.sessions()], [("s", "completed")])


def test_plan_without_runs_is_told_once_and_readings_go_on(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    admin.limit(plan="free")
    for name in ("a", "b"):
        with px.run(name):
            px.send("n", 1)
    equal(px.flush(), 2)
    words = px.status
    assert "; 4 session/run requests dropped; run: the plan has no runs (402)" in words, words
    equal(len(words.split("the plan has no runs")), 2)
    equal([one[2] for one in asked(admin)], [402, 402])
    equal((px.pending, "wait" in words), (0, False))


def test_requests_that_wait_are_bounded_and_the_end_of_a_lost_start_is_dropped_too(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    with Outage(admin):
        runs = [px.run("r%d" % i).start() for i in range(17)]
        for run in runs:
            run.end()
        assert "32 session/run requests wait; 2 session/run requests dropped" in px.status
    px.flush()
    equal([r["status"] for r in admin.runs()], ["completed"] * 15)
    assert "4 session/run requests dropped" in px.status, px.status


def test_end_waits_for_every_reading_of_its_run(platform):
    px = known(platform, batch_points=2)
    with px.run("r"):
        fill(px, 5)
    ticks(px, 8)
    equal(passed(Admin(platform.admin_url)), [1, "POST", 2, 2, 1, "PATCH"])


def test_run_before_the_first_sync_has_the_right_times(platform, ntp):
    px = client(platform, ntp_hosts=[ntp.good], ntp_port=ntp.port)
    marks = [iso_time(*divmod(host_ms() - 20, 1000000))]
    with px.run("r"):
        px.send("n", 1)
        time.sleep(0.05)
        marks.append(iso_time(*divmod(host_ms() - 20, 1000000)))
    marks.append(iso_time(*divmod(host_ms() + 20, 1000000)))
    time.sleep(0.05)
    px.flush()
    (row,) = Admin(platform.admin_url).runs()
    assert marks[0] <= row["started_at"] < marks[1] < row["ended_at"] <= marks[2], (row, marks)


def test_run_waits_for_the_time_and_readings_do_not(platform, ntp):
    admin = Admin(platform.admin_url)
    admin.script({"method": "HEAD", "headers": {"Date": None}, "times": -1})
    px = client(platform, ntp_hosts=[ntp.kod_deny], ntp_port=ntp.port, require_clock=False)
    with px.run("r"):
        px.send("n", 1)
    equal(px.flush(), 1)
    equal([one for one in asked(admin) if "runs" in one[1]], [])
    assert "2 session/run requests wait" in px.status, px.status
    px.clock.observe(host_ms(), px.ticks_ms(), 1, "server")
    px.flush()
    equal([r["status"] for r in admin.runs()], ["completed"])


def test_end_is_not_told_to_be_before_the_start(platform):
    time_ms = FakeTicks()
    clock = right_clock(time_ms)
    px = known(platform, clock=clock)
    run = px.run("r").start()
    px.tick()
    clock.split = lambda ticks: (setattr(clock, "hi", 1000001), setattr(clock, "lo", 0))
    run.end()
    px.flush()
    (row,) = Admin(platform.admin_url).runs()
    equal((row["status"], row["ended_at"]), ("completed", row["started_at"]))


# --- answers that are cut, or none ------------------------------------------------------------


def test_id_and_verdict_are_found_in_answers_that_are_cut():
    long = b',"metadata":{"a":"' + b"x" * 1500 + b'"}'
    for passes in (True, False):
        verdict = b'{"run":{"test_result": {"passed": %s,"criteria_results":[' % (
            b"true" if passes else b"false"
        )
        raw = RawServer(created(b"a b", long), answer(verdict + b"[]," * 500 + b"[]]}}}"))
        px = client(raw)
        with px.run("r") as run:
            pass
        px.flush()
        equal((run.id, run.test_result), ("a b", {"passed": passes}))
        assert raw.requests[1].startswith(b"PATCH /api/runs/a%20b HTTP/1."), raw.requests


def test_end_is_done_whether_or_not_its_answer_can_be_read():
    for body in (b"", b"oops", b'{"run":{"status":"completed"' + b" " * 1500 + b"}}", b'{"run":5}'):
        raw = RawServer(created(), answer(body))
        px = client(raw)
        with px.run("r") as run:
            pass
        px.flush()
        equal((len(raw.requests), run.test_result, "run" in px.status), (2, None, False))


def test_number_is_an_id():
    raw = RawServer(answer(b'{"run":{"id":17}}', b"201 Created"), answer(b"{}"))
    px = client(raw)
    with px.run("r"):
        pass
    px.flush()
    assert raw.requests[1].startswith(b"PATCH /api/runs/17 HTTP/1."), raw.requests


def test_run_that_was_made_without_an_id_is_not_made_for_ever():
    time_ms = FakeTicks()
    nameless = answer(b'{"run":{"name":"' + b"x" * 2000 + b'","id":"r1"}}', b"201 Created")
    raw = RawServer(nameless, answer(), nameless)
    px = client(raw, random=no_wait, clock=right_clock(time_ms), flush_interval_ms=0)
    with px.run("r"):
        px.send("n", 1)
    px.tick()
    time_ms.advance(1000)
    ticks(px)
    equal(len(raw.requests), 3)
    assert "2 session/run requests dropped" in px.status, px.status


# --- sessions where there are none ------------------------------------------------------------


def test_session_becomes_a_run_where_there_are_no_sessions(platform):
    px = known(platform)
    for name in ("Motor", None):
        with px.session("s", name=name):
            px.send("n", 1)
        px.flush()
    admin = Admin(platform.admin_url)
    rows = admin.runs()
    equal(sorted(r["name"] for r in rows), ["Motor", "s"])
    for row in rows:
        equal(
            (row["status"], row["metadata"], row["points"]), ("completed", {"session_id": "s"}, 1)
        )
    paths = ["/sessions"] + ["/api/runs", "/api/runs/"] * 2  # the second is a run at once
    equal([one[1][:10] for one in asked(admin)], [path[:10] for path in paths])
    equal([p["tags"] for p in admin.points(metric="n")], [{"session_id": "s"}] * 2)
    assert "session/run" not in px.status, px.status


def test_sessions_of_an_outage_become_a_run_each(platform):
    px = known(platform)
    admin = Admin(platform.admin_url)
    with Outage(admin):
        session = px.session("s")
        for _ in range(2):
            with session:
                px.send("n", 1)
        with px.session("t" * 250):
            px.send("n", 2)
        open_still = px.session("u").start()
    px.flush()
    equal(sorted(r["name"] for r in admin.runs()), ["s", "s", "t" * 200, "u"])
    equal(sorted(r["status"] for r in admin.runs()), ["active"] + ["completed"] * 3)
    open_still.end()
    px.flush()
    equal([r["status"] for r in admin.runs()], ["completed"] * 4)


def test_session_that_another_object_ends_is_a_run_that_ends(platform):
    px = known(platform)
    px.session("s").start()
    px.flush()
    px.session("s").end()
    px.flush()
    equal([r["status"] for r in Admin(platform.admin_url).runs()], ["completed"])


def test_single_404_keeps_no_session_from_a_server_that_has_them(server):
    px = known(server)
    admin = Admin(server.admin_url)
    admin.script({"path": "/api/sessions", "status": 404})
    for name in ("first", "second"):
        with px.session(name):
            px.send("n", 1)
        ticks(px)
    rows = admin.sessions()
    equal(
        sorted((s["session_id"], s["status"]) for s in rows),
        [("first", "completed"), ("second", "completed")],
    )
    assert "session/run" not in px.status, px.status


def test_session_of_a_server_that_has_neither_is_given_up(gateway):
    time_ms = FakeTicks()
    px = known(gateway, clock=right_clock(time_ms))
    with px.session("s"):
        px.send("n", 1)
    ticks(px)
    time_ms.advance(1000)
    px.send("n", 2)
    ticks(px, 9)
    admin = Admin(gateway.admin_url)
    assert px.session_requests.dropped >= 1 and not px.session_requests.waiting, px.status
    equal([p["tags"] for p in admin.points(metric="n")], [{"session_id": "s"}, None])
    assert len(asked(admin)) < 10, asked(admin)


# --- addresses --------------------------------------------------------------------------------


def test_runs_are_at_api_runs_of_the_server_behind_the_same_prefix():
    for ingest, path in (
        ("/ingest", "/api/runs"),
        ("/api/ingest", "/api/runs"),
        ("/plexus/ingest/", "/plexus/api/runs"),
        ("/a/api/ingest?x=1", "/a/api/runs"),
    ):
        raw = RawServer(created(), answer(b"{}"))
        px = client(raw.ingest.replace("/api/ingest", ingest))
        with px.run("r"):
            pass
        px.flush()
        start, end = [r.split(b"\r\n")[0].decode() for r in raw.requests]
        assert start.startswith("POST " + path + " HTTP"), start
        assert end.startswith("PATCH " + path + "/r1 HTTP"), end
        assert b"\r\nx-api-key: plx_" in raw.requests[0], raw.requests
        equal(bodies(raw)[0]["source_id"], "dev-1")


def test_runs_of_the_platform_itself_are_at_its_app():
    px = client("https://gateway.plexus.company/ingest")
    http = px.http
    talk = []

    def shut():
        talk.append("shut")

    def request(method, path, body=None, length=0):
        talk.append((method, http.connection.host, http._headers["Host"], path))
        if path == "/ingest":
            equal(length() > 0, True)
            return 200, b'{"success":true,"count":1}'
        return (201 if method == "POST" else 200), b'{"run":{"id":"r1"}}'

    http.request = request
    http.connection.shut = shut
    with px.run("r"):
        px.send("n", 1)
    px.flush()
    app, gateway = "app.plexus.company", "gateway.plexus.company"
    equal(
        talk[:7],
        [
            "shut",
            ("POST", app, app, "/api/runs"),
            "shut",
            ("POST", gateway, gateway, "/ingest"),
            "shut",
            ("PATCH", app, app, "/api/runs/r1"),
            "shut",
        ],
    )


def test_status_names_the_host_of_runs_that_cannot_be_reached():
    px = client("https://gateway.plexus.company/ingest")

    def request(method, path, body=None, length=0):
        raise OSError(1, "timed out")

    px.http.request = request
    px.run("r").start()
    px.tick()
    assert "run: could not connect to app.plexus.company: timed out" in px.status, px.status
    equal(px.http.connection.host, "gateway.plexus.company")
