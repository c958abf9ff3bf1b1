"""Tells the server what befell the board itself: its latest crash, once, and a heap that is low."""

import gc

from plexus.port import const

_LOW_HEAP = const(8192)  # B; a request's least need is 2 kB, and pieces are never all in one


class Report:
    """Call tick() now and then. crashes: a Crashes; say(what, words) tells a person."""

    def __init__(self, px, crashes, say):
        self._px = px
        self._crashes = crashes
        self._say = say
        self._told_at = None  # so many readings settled, and the server knows of the crash
        self._dropped = 0
        self._low = False

    def tick(self):
        self._tell_of_crash()
        store = self._px.store
        if store:
            store.tell(self._px, self._say)
        self._watch_heap()

    def _tell_of_crash(self):
        # Once the server is there: what is oldest in a full ring goes first.
        px = self._px
        if self._told_at is None:
            report = self._crashes.report()
            if report and px.confirmed:
                self._dropped = px.dropped
                px.event("device.crash", report)
                self._told_at = px.pending + _settled(px)
        elif px.dropped != self._dropped:
            self._told_at = None  # it may have been among them
        elif _settled(px) >= self._told_at:
            self._told_at = None
            self._crashes.told()

    def _watch_heap(self):
        if not hasattr(gc, "mem_free"):
            return
        free = gc.mem_free()
        if free < _LOW_HEAP:
            # Only now, since a collection takes a while: much of it may be garbage.
            gc.collect()
            free = gc.mem_free()
        if free < _LOW_HEAP and not self._low:
            self._low = True
            self._px.send("device.heap_low", free)
            self._say("memory", "little memory left: %d B" % free)
        elif free > 2 * _LOW_HEAP:
            self._low = False


def _settled(px):
    return px.confirmed + px.rejected + px.discarded
