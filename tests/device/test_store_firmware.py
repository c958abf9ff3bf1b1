"""The firmware's store: by its configuration, told of when it fails, written before an end."""

from firmware.report import Report
from models import machine
from stores import Place, stored_client
from support import equal

with machine.Installed():
    from firmware.device import Device
    from firmware.factory import make_client

URL = "http://127.0.0.1:9/api/ingest"
CONFIG = {"api_key": "plx_0123456789", "source_id": "esp32-001", "endpoint": URL}


class Crashes:
    def report(self):
        return None


class Told:
    """What a device said, and what it sent."""

    def __init__(self, px):
        self.said = []
        self.px = px
        self.report = Report(px, Crashes(), lambda what, words: self.said.append((what, words)))

    def tick(self):
        self.report.tick()
        return self.px.pending


def test_without_the_key_there_is_no_store():
    equal(make_client(CONFIG).store, None)


def test_the_configuration_says_where_and_how_much():
    with Place() as place:
        store = {"path": place.path, "bytes": 40960, "persist_interval_s": 5}
        px = make_client(dict(CONFIG, store=store))
        equal((px.store.folder, px.store.most, px.store._interval_ms), (place.folder, 10, 5000))


def test_a_store_that_fails_is_told_once():
    class Nowhere:
        path = "/nowhere/at/all"

    told = Told(stored_client(Nowhere, URL))
    equal([told.tick(), told.tick()], [1, 1])
    equal([what for what, _ in told.said], ["store"])
    assert "no such folder" in told.said[0][1], told.said


def test_a_store_that_works_is_not_told_of():
    with Place() as place:
        told = Told(stored_client(place, URL))
        equal((told.tick(), told.said), (0, []))


def test_readings_are_written_when_the_program_ends_or_crashes():
    class Parts:
        uploader = lights = None

        def stop(self):
            pass

        def set(self, name):
            pass

        def _persist(self):
            Device._persist(self)  # pyright: ignore[reportArgumentType] -- no whole one

    with Place() as place:
        parts = Parts()
        parts.uploader = parts.lights = parts
        parts.px = stored_client(place, URL)
        parts.px.send("n", 1)
        Device.close(parts)  # pyright: ignore[reportArgumentType] -- no whole one
        equal(len(place.names()), 1)
