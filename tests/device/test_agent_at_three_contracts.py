"""A device's day with the agent at each of the three contracts, and the server's account of it.

A test lists the day's steps; `account` says what has to be true at its end.
"""

import asyncio

from agent_world import beside
from clients import Randoms, client
from dashboard import Dashboard, until
from plexus.agent.agent import Agent
from plexus.sensors.sampling.sampler import Sampler
from support import Admin, equal

TIMEOUT_S = 240
SHORT_NAMES = True
_TEXT = 13  # a kind of record, see codec.py
_LOADS = 12  # of the page; a device has eight streams at the most
_ON_ITS_WAY = 10  # readings that may be lost or stored twice when a connection ends
_SHOWN = ["shown", "kept"]


class Counter:
    """A sensor that gives 0, 1, 2, ..."""

    def __init__(self, metric):
        self.METRICS = (metric,)
        self.count = 0

    def read(self):
        self.count += 1
        return ((self.METRICS[0], self.count - 1),)


class Day:
    """A device: the sensors `kept` and `shown`, which is read on demand, and the command `go`.

    documented: what the server is. sent: readings of the metric `n`; limited:
    those of the metric `p`, whose source is over its limit. breaks: how many readings `shown` had
    given at each end of a connection. recorded: so of the session's start and end.
    """

    def __init__(self, place):
        self.place = place
        self.documented = "/party/" in place.ws
        self.admin = Admin(place.admin_url)
        self.dashboard = Dashboard(place)
        self.px = client(place, flush_interval_ms=200, timeout_ms=3000, random=bytes)
        self.sampler = Sampler(self.px)  # pyright: ignore[reportArgumentType]
        self.kept = Counter("kept")
        self.shown = Counter("shown")
        self.sampler.add(self.kept, interval_ms=50)
        self.sampler.add(self.shown, interval_ms=50, on_demand=True)
        self.agent = Agent(self.px, self.sampler, place.ws, random=Randoms(1))
        self.agent.command("go", params={"n": {"type": "integer"}})(self._go)
        self.ran = []
        self.sent = self.limited = self.connects = 0
        self.breaks = []
        self.recorded = ()

    def _go(self, out, n):
        self.ran.append(n)
        out("n is %d" % n)
        return {"n": n}

    async def run(self):
        while True:
            self.px.tick()
            await asyncio.sleep(0.02)

    def status(self):
        return "%s / %s" % (self.px.status, self.agent.status)

    async def until(self, done, words):
        await until(done, words, self.status)

    async def connected(self):
        self.connects += 1
        await self.until(
            lambda: self.agent.connected and self.agent.connects == self.connects,
            "connection %d" % self.connects,
        )

    async def delivered(self):
        px = self.px
        await self.until(
            lambda: not (px.pending or px.session_requests and px.session_requests.waiting),
            "all delivered",
        )

    def send(self, count):
        for value in range(self.sent, self.sent + count):
            self.px.send("n", value, source_id=(None, "fan", None, None)[value % 4])
        self.sent += count

    def broken(self):
        self.breaks.append(self.shown.count)

    async def load_page(self):
        """The page asks for a stream, without an id, and forgets it when it is loaded again."""
        fields = {"metrics": _SHOWN, "interval_ms": 0}
        if self.documented:
            self.dashboard.say(type="start_stream", source_id="dev-1", **fields)
        else:
            self.dashboard.ask("start_stream", **fields)
        await self.until(lambda: self.agent.live.streams, "a stream")

    async def watch(self):
        """Until the dashboard has got something new."""
        before = self.dashboard.device()["points"]
        await self.until(lambda: self.dashboard.device()["points"] > before, "something to see")

    async def stop_streams(self):
        self.dashboard.ask("stop_stream", id="*")
        await self.until(lambda: not self.agent.live.streams, "no stream")
        await self.until(lambda: not self.agent.live.pending, "all shown")


def live_through(place, steps):
    day = Day(place)

    async def main():
        await day.connected()
        for step in steps:
            await step(day)
        await day.delivered()

    asyncio.run(beside((day.agent, day.sampler, day), main()))
    day.px.flush()  # what the sensors have given since
    return day


# --- the steps of a day -----------------------------------------------------------------------


async def three_sources_send(day):
    day.send(50)
    day.px.send("p", 0, source_id="pump")
    await day.delivered()


async def a_source_is_over_its_limit(day):
    day.admin.limit(restricted=["pump"])
    day.send(50)
    for value in range(1, 6):
        day.px.send("p", value, source_id="pump")
    day.limited = 5
    day.send(50)
    await day.delivered()


async def a_reading_is_refused_by_every_server(day):
    day.send(10)
    day.px.buffer.put("huge", None, _TEXT, b"1" + bytes(b"0" * 400), day.px.ticks_ms(), None)
    day.send(10)
    await day.delivered()
    equal(day.px.rejected, 1)


async def the_page_is_loaded_again_and_again(day):
    for _ in range(_LOADS):
        await day.load_page()
        await day.watch()
    equal(len(day.agent.live.streams), 1)


async def the_page_stops_what_it_does_not_know(day):
    before = day.dashboard.messages()[-1]["id"]
    day.dashboard.ask("stop_stream", id="stream_1795329907655")
    if not day.documented:
        # The answer has the ids that there are: by them it can be stopped.
        await day.until(
            lambda: [
                m for m in day.dashboard.said("command_result", before) if m["event"] == "result"
            ],
            "the ids",
        )
        result = day.dashboard.said("command_result", before)[-1]["result"]
        equal((result["stopped"], len(result["streams"])), (0, 1))
    await day.stop_streams()


async def a_session_is_recorded(day):
    before = day.shown.count
    day.dashboard.ask("start_session", session_id="dashboard", session_name="Dashboard")
    await day.until(lambda: day.px.session_id == "dashboard", "the session")
    began = day.shown.count
    day.send(20)
    await day.until(lambda: day.shown.count >= began + 10, "readings of the session")
    ended = day.shown.count
    day.dashboard.ask("stop_session", session_id="dashboard")
    await day.until(lambda: day.px.session_id is None, "the session's end")
    day.recorded = before, began, ended, day.shown.count
    await day.stop_streams()
    await day.delivered()


async def the_program_has_a_session(day):
    with day.px.session("program", "Program"):
        day.send(20)
    await day.delivered()


async def a_run_passes(day):
    criteria = [{"metric": "n", "operator": ">=", "value": day.sent}]
    with day.px.run("burn-in", pass_criteria=criteria):
        day.send(20)
    await day.delivered()


async def a_hundred_commands_come_at_once(day):
    before = day.dashboard.messages()[-1]["id"]
    for number in range(100):
        # No more of one's own than run at a time; the device refuses a fifth.
        if number % 25:
            day.dashboard.ask("ping")
        else:
            day.dashboard.ask("go", n=number)
    await day.until(lambda: answers(day, before) >= 100, "a hundred answers")
    equal((answers(day, before), day.dashboard.device()["open_commands"]), (100, []))
    equal(sorted(day.ran), [0, 25, 50, 75])


def answers(day, since_id):
    """How many commands have been answered to their end."""
    said = day.dashboard.said
    ended = {m["id"] for m in said("output", since_id) if m["event"] in ("exit", "error")}
    ended |= {m["id"] for m in said("command_result", since_id) if m["event"] != "ack"}
    states = "succeeded", "failed"
    ended |= {m["run_id"] for m in said("command_status", since_id) if m["state"] in states}
    return len(ended) + len(said("pong", since_id))


async def the_server_restarts(day):
    await day.load_page()
    await day.watch()
    with day.px.session("outage"):
        day.admin.outage()
        day.broken()
        day.send(20)
        await day.until(lambda: not day.agent.connected, "the outage")
        day.send(20)
        refused = day.px.status
        await day.until(lambda: day.px.status != refused, "a try that fails")
        day.admin.restore()
        await day.connected()
    day.send(20)
    await day.delivered()


async def an_answer_is_lost(day):
    path = day.place.ingest[len(day.place.url) :]
    day.admin.script({"path": path, "store": True, "reset": True})
    day.send(20)
    await day.delivered()


async def the_server_says_goodbye(day):
    await day.load_page()
    await day.watch()
    day.broken()
    day.dashboard.disconnect(1001)
    await day.connected()
    await day.load_page()
    await day.watch()
    await day.stop_streams()


async def the_plan_ends(day):
    admin, agent, px = day.admin, day.agent, day.px
    admin.limit(commands=False)
    day.dashboard.disconnect(1001)
    await day.connected()
    await day.until(lambda: "permits no commands; all else goes on" in agent.status, "a refusal")
    admin.limit(runs=False)
    with px.run("unpaid"):
        day.send(20)
    await day.delivered()
    assert "run: the plan has no runs (402)" in px.status, px.status
    admin.limit(streaming=False)
    day.dashboard.disconnect(1001)
    words = "refused: the plan has no live connection; readings go on over HTTP"
    await day.until(lambda: words in agent.status, "the other refusal")
    day.send(20)
    await day.delivered()


AT_THE_PAGE = (
    the_page_is_loaded_again_and_again,
    the_page_stops_what_it_does_not_know,
    a_session_is_recorded,
    the_program_has_a_session,
)
IN_TROUBLE = (
    a_reading_is_refused_by_every_server,
    a_hundred_commands_come_at_once,
    the_server_restarts,
    an_answer_is_lost,
    the_server_says_goodbye,
)

# --- the account ------------------------------------------------------------------------------


def stored(day, metric):
    """The values of a metric that are stored, with how often each is."""
    times = {}
    for point in day.admin.points(metric=metric):
        times[point["value"]] = times.get(point["value"], 0) + 1
    return times


def account(day, sessions=(), runs=(), refusals=0):
    """Nothing is lost, nothing violates the contract, nothing is left over.

    Stored twice is only what came in the one request whose answer was lost. refusals: of the plan.
    """
    px = day.px
    counts = {"n": day.sent, "kept": day.kept.count, "p": 1}
    twice = 0
    for metric in counts:
        times = stored(day, metric)
        equal((metric, sorted(times)), (metric, list(range(counts[metric]))))
        twice += sum(times.values()) - len(times)
    lost = [r for r in day.admin.requests() if "reset" in r["verdict"]]
    equal(len(lost), 1)
    assert twice <= lost[0]["points"], (twice, lost)
    equal((px.pending, px.rejected, px.discarded, px.dropped), (0, 1, day.limited, 0))
    assert px.status.startswith("ok;"), px.status
    device = day.dashboard.device()
    equal((device["violations"], device["open_commands"]), ([], []))
    equal([r["violations"] for r in day.admin.requests() if r["violations"]], [])
    equal(day.agent.errors, refusals)
    told = {s["session_id"]: s["status"] for s in day.admin.sessions()}
    equal(told, dict.fromkeys(sessions, "completed"))
    told = {r["name"]: r["status"] for r in day.admin.runs()}
    equal(told, dict.fromkeys(runs, "completed"))
    in_session = [p for p in day.admin.points(metric="n") if "session_id" in (p["tags"] or ())]
    equal(len({p["value"] for p in in_session}), 20 + 20 + 40)


def test_a_day_at_the_documented_server(server):
    day = live_through(server, (three_sources_send,) + AT_THE_PAGE + IN_TROUBLE)
    account(day, sessions=("dashboard", "program", "outage"))
    # What the socket shows is stored by nobody, but for what a session keeps.
    before, began, ended, after = day.recorded
    values = sorted(stored(day, "shown"))
    equal(values, list(range(values[0], values[-1] + 1)))
    assert before <= values[0] <= began and ended - 1 <= values[-1] < after, values


def test_a_day_at_the_open_source_gateway(gateway):
    limited = (three_sources_send, a_source_is_over_its_limit)
    day = live_through(gateway, limited + AT_THE_PAGE + IN_TROUBLE)
    account(day)
    # It acknowledges nothing: what was on its way when a connection ended may be lost.
    times = stored(day, "shown")
    equal(sum(times.values()), len(times))
    lost = set(range(day.shown.count)) - set(times)
    for count in day.breaks:
        lost -= set(range(count - _ON_ITS_WAY, count + _ON_ITS_WAY))
    equal((lost, len(times) + day.agent.live.dropped <= day.shown.count), (set(), True))


def test_a_day_at_the_platform_of_today(platform):
    limited = (three_sources_send, a_source_is_over_its_limit)
    steps = limited + AT_THE_PAGE + (a_run_passes,) + IN_TROUBLE + (the_plan_ends,)
    day = live_through(platform, steps)
    account(day, runs=("Dashboard", "Program", "outage", "burn-in"), refusals=2)
    (burn_in,) = [run for run in day.admin.runs() if run["name"] == "burn-in"]
    equal(burn_in["test_result"]["passed"], True)
    # What was not acknowledged when a connection ended is sent again: it is there at least once.
    times = stored(day, "shown")
    equal(sorted(times), list(range(day.shown.count)))
    twice = {value for value in times if times[value] > 1}
    for count in day.breaks:
        twice -= set(range(count - _ON_ITS_WAY, count + _ON_ITS_WAY))
    equal((twice, day.agent.live.dropped), (set(), 0))
