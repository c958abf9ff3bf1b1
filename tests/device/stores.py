"""What tests of the store share: a folder of their own, clients that forget, what has arrived."""

import json
import os

from clients import client, right_clock
from support import FakeTicks


class Place:
    """`with Place() as place:` a path for a store, gone with all that is there when it ends."""

    def __enter__(self):
        name = "".join(["%02x" % byte for byte in os.urandom(8)])
        self.path = "/tmp/plexus-" + name  # noqa: S108 -- on both interpreters, and with that name
        self.folder = self.path + ".store"
        return self

    def __exit__(self, *_):
        if exists(self.folder):
            for name in os.listdir(self.folder):
                os.remove(self.folder + "/" + name)
            os.rmdir(self.folder)

    def names(self):
        """The files that are there, as the store sorts them."""
        return sorted(os.listdir(self.folder), key=lambda name: int(name.split("-")[0], 16))

    def change(self, name, change):
        """Replace a file's bytes by change(bytes)."""
        with open(self.folder + "/" + name, "rb") as file:
            raw = bytearray(file.read())
        with open(self.folder + "/" + name, "wb") as file:
            file.write(change(raw))


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def stored_client(place, server, ticks=None, known=True, **options):
    """A client with a store there. It is a board's: whoever lets go of it has cut its power."""
    ticks = ticks or FakeTicks(1000)
    options.setdefault("ring_bytes", 4096)
    if "clock" not in options:
        options["clock"] = right_clock(ticks) if known else unknown_clock(ticks)
    return client(server, store=place.path, **options)


def unknown_clock(ticks):
    """A clock that knows no time, and asks nobody."""
    clock = right_clock(ticks)
    return type(clock)((), ticks=ticks, set_rtc=False)


def fill_until_written(px, value=0, metric="n"):
    """Send and tick, without a network, until a file is there: how many were sent."""
    start = value
    files = len(px.store.files)
    while len(px.store.files) == files:
        px.send(metric, value)
        px.tick(up=False)
        value += 1
    return value - start


class Wire:
    """In place of a client's network and server: `attach(px)`. `up`: whether there is one."""

    refused = None  # a metric that it does not take

    def __init__(self):
        self.up = True
        self.requests = []  # the points of each that it took

    def attach(self, px):
        px.http.request = self.request
        return px

    def request(self, method, path, body=None, length=None):
        if body is None or length is None or not self.up:
            raise OSError(1, 111)
        length()
        points = json.loads(b"".join([bytes(piece) for piece in body]))["points"]
        if [point for point in points if point["metric"] == self.refused]:
            return 400, b'{"error":"refused"}'
        self.requests.append(points)
        return 200, b'{"success":true,"count":%d}' % len(points)

    def values(self):
        """The values that arrived, in order."""
        return [point["value"] for points in self.requests for point in points]
