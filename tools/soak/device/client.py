"""One Plexus client of the soak: how it is made, what is sent by it, and the journal of that."""

import json
import os
import time

import series

from plexus import Clock, Plexus
from plexus.readings.decimal import Decimal

_AGO_MS = 40
_DRAW_MS = 400  # in place of waits of up to minutes


def now_ms():
    return time.time_ns() // 1000000


def draw(size):
    """In place of os.urandom: a back-off's wait is what this is, as no bound is below it."""
    return (int.from_bytes(os.urandom(2), "big") % _DRAW_MS).to_bytes(size, "big")


class Journal:
    """What one thread sends to one client."""

    def __init__(self, client, thread):
        self._client = client
        self._px = client.px
        self._file = client.open(thread)
        self._serials = {}

    def note(self, metric, began_ms, ended_ms, before):
        """A reading was taken in between; `before`: the session then. Returns nothing."""
        serial = self._serials.get(metric, 0)
        self._serials[metric] = serial + 1
        line = (metric, serial, began_ms, ended_ms, before or "-", self._px.session_id or "-")
        self._file.write("%s %d %d %d %s %s\n" % line)

    def next(self, metric):
        """The next reading's (value, keywords of send())."""
        serial = self._serials.get(metric, 0)
        value = series.value_of(metric, serial, Decimal)
        return value, series.options_of(metric, serial, self._client.source_id)

    def send(self, metric):
        value, options = self.next(metric)
        before = self._px.session_id
        began_ms = now_ms()
        if options:
            self._px.send(metric, value, **options)
        else:
            self._px.send(metric, value)
        self.note(metric, began_ms, now_ms(), before)

    def send_ago(self, metric):
        value, _ = self.next(metric)
        before = self._px.session_id
        ticks = time.ticks_add(self._px.ticks_ms(), -_AGO_MS)
        began_ms = now_ms() - _AGO_MS
        self._px.send_at(ticks, metric, value)
        self.note(metric, began_ms, now_ms() - _AGO_MS, before)

    def send_batch(self, metrics):
        pairs = [(metric, self.next(metric)[0]) for metric in metrics]
        before = self._px.session_id
        began_ms = now_ms()
        self._px.send_batch(pairs)
        ended_ms = now_ms()
        for metric in metrics:
            self.note(metric, began_ms, ended_ms, before)


class Client:
    """One Plexus client, who delivers for it, and its sessions."""

    def __init__(self, entry, plan):
        self._directory = plan["directory"]
        self.source_id = entry["source_id"]
        ca = None
        if "ca_file" in entry:
            with open(entry["ca_file"], "rb") as file:
                ca = file.read()
        # As often as the clock may ask.
        clock = Clock(plan["ntp_hosts"], plan["ntp_port"], timeout_ms=500, interval_ms=15000)
        self.px = Plexus(
            plan["api_key"],
            self.source_id,
            endpoint=entry["endpoint"],
            ca=ca,
            clock=clock,
            ring_bytes=entry["ring_bytes"],
            batch_points=entry["batch_points"],
            keep_alive=entry["keep_alive"],
            flush_interval_ms=150,
            timeout_ms=plan["timeout_ms"],
            random=draw,
        )
        self._waits = self.open("waits")
        self._sessions = self.open("sessions")
        self._rejections = self.open("rejections")
        self._session = None
        self._number = 0
        self._watch_requests()

    def open(self, name):
        return open("%s/%s.%s" % (self._directory, self.source_id, name), "w")

    def _watch_requests(self):
        # Those that got no answer, and how long it waited for one.
        http = self.px.http
        request = http.request

        def watched(*arguments):
            began_ms = now_ms()
            try:
                return request(*arguments)
            except OSError as error:
                self._waits.write("%d %d %s\n" % (began_ms, now_ms(), error.args))
                raise

        http.request = watched

    def deliver(self):
        """One tick, and what it has rejected."""
        px = self.px
        rejected = px.rejected
        px.tick()
        if px.rejected != rejected:
            self._rejections.write(json.dumps([px.rejected - rejected, px.delivery.rejection]))
            self._rejections.write("\n")

    def change_session(self):
        """End the session, or start the next one."""
        began_ms = now_ms()
        session, self._session = self._session, None
        if session:
            session.end()
        else:
            self._number += 1
            self._session = session = self.px.session(
                "%s-%d" % (self.source_id, self._number), name="Lauf %d ☃" % self._number
            )
            session.start()
        line = ("start" if self._session else "end", session.session_id, began_ms, now_ms())
        self._sessions.write("%s %s %d %d\n" % line)

    def end_session(self):
        if self._session:
            self.change_session()

    @property
    def is_done(self):
        requests = self.px.session_requests
        return not (self.px.pending or (requests and requests.waiting))

    def summary(self):
        px = self.px
        requests = px.session_requests
        return {
            "pending": px.pending,
            "confirmed": px.confirmed,
            "rejected": px.rejected,
            "dropped": px.dropped,
            "sessions_waiting": requests.waiting if requests else 0,
            "sessions_dropped": requests.dropped if requests else 0,
            "status": px.status,
        }
