"""Sends readings of every kind from several threads, and writes down what it sent. MicroPython's.

    micropython -m sender PLAN

PLAN is a JSON file; tools/soak/device_run.py says what is in it. The journals are text files, one
for each thread and client. When all is delivered, or time is up, it prints a summary as JSON.
"""

import _thread
import gc
import json
import sys
import time

import series
from client import Client, Journal, now_ms

_NUMBER_MS = 25
_TEXT_MS = 50
_MAIN_MS = 100
_POISON_EVERY = 45  # rounds of the main loop
_SESSION_EVERY = 13
_MEMORY_EVERY = 5
_SYNC_MS = 2500
_STACK_BYTES = 262144
_LOADED = ("explain", "extras", "delivery.problem", "delivery.narrowing", "delivery.http_date")


class Program:
    """The threads, and the loop that ends them. `running`: how many there are."""

    def __init__(self, plan):
        self._plan = plan
        self._sampling = self._delivering = True
        self._lock = _thread.allocate_lock()
        self.running = 0
        self.errors = []
        self.clients = [Client(entry, plan) for entry in plan["clients"]]
        self._memory = open(plan["directory"] + "/memory", "w")

    def start(self, work, *arguments):
        """Run a function in a thread until it ends; what it raises is the run's failure."""

        def run():
            try:
                work(*arguments)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is told
                sys.print_exception(error)
                self.errors.append(repr(error))
            with self._lock:
                self.running -= 1

        with self._lock:
            self.running += 1
        _thread.stack_size(_STACK_BYTES)
        _thread.start_new_thread(run, ())

    def deliver(self, client):
        synced_ms = now_ms()
        while self._delivering:
            client.deliver()
            # More often than the clock asks by itself, so that it hears all that is said.
            if now_ms() - synced_ms >= _SYNC_MS:
                synced_ms = now_ms()
                try:
                    client.px.clock.sync()
                except OSError:
                    pass  # there is no time to believe now
            time.sleep_ms(4)

    def sample(self, client, thread, metrics, interval_ms):
        journal = Journal(client, thread)
        while True:
            for metric in metrics:
                if not self._sampling:
                    return
                journal.send(metric)
                time.sleep_ms(interval_ms)

    def run(self):
        plan = self._plan
        for client in self.clients:
            # What loads a module, or puts a method into a class, before threads are beside it.
            client.px.status  # noqa: B018
            client.px.send_at, client.px.send_batch, client.px.session  # noqa: B018
        warm_up()
        journals = [Journal(client, "main") for client in self.clients]
        deadline_ms = now_ms() + plan["for_ms"]
        for client in self.clients:
            self.start(self.deliver, client)
            self.start(self.sample, client, "numbers", series.NUMBERS, _NUMBER_MS)
            self.start(self.sample, client, "texts", series.TEXTS, _TEXT_MS)
        number = 0
        while now_ms() < deadline_ms and not self.errors:
            number += 1
            for journal, client in zip(journals, self.clients):
                self.round(number, journal, client)
            if number % _MEMORY_EVERY == 0:
                self.note_memory()
            time.sleep_ms(_MAIN_MS)
        self._sampling = False
        while self.running > len(self.clients) and not self.errors:
            time.sleep_ms(5)
        for client in self.clients:
            client.end_session()
        drained_ms = self._drain(now_ms())
        self._delivering = False
        while self.running and not self.errors:
            time.sleep_ms(5)
        return {
            "drained_ms": drained_ms,
            "errors": self.errors,
            "clients": {client.source_id: client.summary() for client in self.clients},
        }

    def round(self, number, journal, client):
        """What the main loop sends each time, and now and then."""
        journal.send(series.EXPLICIT[number % len(series.EXPLICIT)])
        if number % 3 == 0:
            journal.send_batch(series.BATCH)
        elif number % 3 == 1:
            journal.send_ago(series.AGO)
        if number % _SESSION_EVERY == 0:
            client.change_session()
        if number % _POISON_EVERY == 0:
            journal.send(series.POISON[number // _POISON_EVERY % len(series.POISON)])

    def note_memory(self):
        gc.collect()
        self._memory.write("%d %d\n" % (now_ms(), gc.mem_alloc()))

    def _all_done(self):
        for client in self.clients:
            if not client.is_done:
                return False
        return True

    def _drain(self, began_ms):
        while now_ms() - began_ms < self._plan["drain_ms"] and not self.errors:
            if self._all_done():
                break
            time.sleep_ms(20)
        return now_ms() - began_ms


def warm_up():
    """Load once what is loaded in trouble: the names in it stay, and are no leak."""
    from plexus.port import load_once

    for name in _LOADED:
        load_once("plexus", name)


def main(path):
    with open(path) as file:
        plan = json.load(file)
    print(json.dumps(Program(plan).run()))


if __name__ == "__main__":
    main(sys.argv[1])
