"""A device's day at each of the three contracts: whatever happens, each reading has its end."""

from clients import client
from plexus.port import sleep_ms, ticks_diff, ticks_ms
from support import Admin, equal

SHORT_NAMES = True
_TEXT = 13  # a kind of record, see codec.py
_PATIENCE_MS = 30000


def until_sent(px, sessions=False):
    began = ticks_ms()
    while px.pending or sessions and px.session_requests.waiting:
        assert ticks_diff(ticks_ms(), began) < _PATIENCE_MS, px.status
        px.tick()
        sleep_ms(20)


def day(place, restricts, runs=False):
    """Three sources, one of them over its limit, a reading that nobody takes, sessions, an outage,
    a lost answer, and a server that starts anew. Returns the client and the server's admin."""
    admin = Admin(place.admin_url)
    px = client(place, flush_interval_ms=0, random=bytes, timeout_ms=3000)
    sent = 0

    def send(count, first):
        for value in range(first, first + count):
            px.send("n", value, source_id=(None, "fan", None, None)[value % 4])
        return count

    sent += send(50, 0)
    until_sent(px)
    if restricts:
        admin.limit(restricted=["pump"])
    with px.session("morning", "Morning"):
        sent += send(100, 50)
        for value in range(5):
            px.send("p", value, source_id="pump")
        sent += 5
    px.buffer.put("huge", None, _TEXT, b"1" + bytes(b"0" * 400), px.ticks_ms(), None)
    sent += 1
    until_sent(px)
    # Nobody is there for a while; then an answer is lost that the server had stored.
    admin.outage()
    with px.session("noon"):
        sent += send(60, 150)
        for _ in range(5):
            px.tick()
    if runs:
        with px.run("burn-in", pass_criteria=[{"metric": "n", "operator": ">=", "value": 210}]):
            sent += send(20, 210)
    admin.restore()
    ingest = "/api/ingest" if "/api/" in place.ingest else "/ingest"
    admin.script({"path": ingest, "store": True, "reset": True})
    until_sent(px)
    px.event("day", "over")
    sent += 1
    until_sent(px)
    equal(px.confirmed + px.rejected + px.discarded + px.dropped, sent)
    return px, admin


def stored(admin, metric="n"):
    """The values that are stored, and how often each, in order of their first arrival."""
    times = {}
    for point in admin.points(metric=metric):
        times[point["value"]] = times.get(point["value"], 0) + 1
    return times


def check(px, admin, count, discarded):
    """Nothing is lost, and what is there twice came in the request whose answer was lost."""
    times = stored(admin)
    equal(sorted(times), list(range(count)))
    twice = [value for value in times if times[value] > 1]
    equal([value for value in twice if not 150 <= value], [])
    equal((px.rejected, px.discarded, px.dropped), (1, discarded, 0))
    equal(len(stored(admin, "p")), 5 - discarded)
    equal(stored(admin, "day"), {"over": 1})
    assert px.status.startswith("ok;"), px.status


def test_a_day_at_the_documented_server(server):
    px, admin = day(server, restricts=False)
    until_sent(px, sessions=True)
    check(px, admin, 210, 0)
    equal([s["status"] for s in admin.sessions()], ["completed"] * 2)


def test_a_day_at_the_open_source_gateway(gateway):
    # It has neither sessions nor runs: their requests hold nothing up.
    px, admin = day(gateway, restricts=True)
    check(px, admin, 210, 5)


def test_a_day_at_the_platform_of_today(platform):
    px, admin = day(platform, restricts=True, runs=True)
    until_sent(px, sessions=True)
    check(px, admin, 230, 5)
    runs = {run["name"]: run for run in admin.runs()}
    equal(sorted(runs), ["Morning", "burn-in", "noon"])
    equal([runs[name]["status"] for name in sorted(runs)], ["completed"] * 3)
    equal(runs["burn-in"]["test_result"]["passed"], True)
