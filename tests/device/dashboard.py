"""What a person does at the mock server's dashboard, and what the device has said there."""

import asyncio
import json

from plexus.port import ticks_diff, ticks_ms
from support import http

_PATIENCE_MS = 60000


async def until(done, words, status=str):
    """Wait until done() is true; after a minute AssertionError with these words and status()."""
    began = ticks_ms()
    while not done():
        if ticks_diff(ticks_ms(), began) > _PATIENCE_MS:
            raise AssertionError("not yet: %s; %s" % (words, status()))
        await asyncio.sleep(0.05)


class Dashboard:
    """The device `dev-1` as the mock server of a fixture knows it."""

    def __init__(self, server):
        self._devices = server.admin_url + "/admin/devices"
        self._url = self._devices + "/dev-1/"

    def ask(self, kind, **params):
        """Send a command in the server's form; its id."""
        return http("POST", self._url + "commands", {"command": kind, "params": params})["id"]

    def say(self, **message):
        """Send a message as it is."""
        http("POST", self._url + "say", {"text": json.dumps(message)})

    def disconnect(self, code):
        http("POST", self._url + "disconnect", {"code": code})

    def device(self):
        """What the server knows of the device (dict)."""
        (device,) = http("GET", self._devices)["devices"]
        return device

    def messages(self, since_id=0):
        """What was said, in order: dicts with `id`, `from` and `message`."""
        url = "%smessages?limit=2000&since_id=%d" % (self._url, since_id)
        return http("GET", url)["messages"]

    def said(self, kind, since_id=0):
        """The device's messages of a type."""
        messages = [m["message"] for m in self.messages(since_id) if m["from"] == "device"]
        return [m for m in messages if isinstance(m, dict) and m["type"] == kind]

    async def wait_for(self, kind, count=1):
        """The device's messages of a type, once there are so many."""
        await until(lambda: len(self.said(kind)) >= count, "%d of %s" % (count, kind))
        return self.said(kind)
