"""The captive portal: an access point with a form, for a board that nobody has set up yet."""

import asyncio
import os
import sys

from plexus.port import const, reserve, ticks_diff, ticks_ms

from ..aside import aside
from ..config import ConfigError
from . import discovery, page
from .dns import Dns
from .web import Web

_POLL_MS = const(100)
_RESCAN_MS = const(10000)  # a scan holds everything up
_ARRIVE_MS = const(500)  # for a page that is on its way before something blocks
_SHOWN_MS = const(1500)  # for the last page to arrive whole
# What TLS needs of a stack (see uploader.py), and what it needs of the system's RAM beside that.
_STACK_BYTES = 10240 if sys.maxsize < 1 << 32 else 131072
_AMPLE_BYTES = const(65536)
_UNSEEN_MS = const(15000)  # so long it waits for somebody to look at it


class Portal:
    """`await run()` opens it, and closes it again when the board is set up or time is over.

    draft: a Draft. sensors: [(name, where)] as discovery.sensors() gives them. network: in place of
    the module. name: of the access point, plexus- and the end of the board's unique id.
    password: of the access point, 8 to 63 bytes; None leaves it open. timeout_s: how long it is
    open, whatever happens. trial: join() and check_key() in place of trial.py's.
    """

    def __init__(
        self,
        draft,
        sensors=(),
        network=None,
        name=None,
        password=None,
        timeout_s=600,
        port=80,
        dns_port=53,
        trial=None,
    ):
        if password is not None:
            from ..config import checks

            checks.text("password", password, 8, 63)
        if network is None:
            import network
        if trial is None:
            from . import connection_test as trial
        self._trial = trial
        self._network = network
        self._station = network.WLAN(network.STA_IF)
        self._point = network.WLAN(network.AP_IF)
        self._password = password
        self._port = port
        self._dns_port = dns_port
        self._timeout_ms = timeout_s * 1000
        self._opened = self._scanned = ticks_ms()
        self._web = None
        self._task = None
        self._shown = False  # the last page
        self.draft = draft
        self.ready = False  # phones can come
        # What the page shows.
        self.name = name or access_point_name()
        self.title = draft.profile.get("title") or draft.profile.get("name", "")
        self.wired = "ethernet" in draft.profile
        self.sensors = sensors
        self.token = "".join(["%02x" % byte for byte in os.urandom(16)])
        self.networks = []  # (ssid, signal of 1 to 4, whether it is open)
        self.stage = ""  # of a trial: "", "joining", "checking", "saved"
        self.ssid = ""  # that it joins
        self.error = None  # (field or "", words)
        self.failed = False  # a trial has: it may be saved untried
        self.values = {
            "network": "",
            "other": "",
            "wired": "",
            "source_id": draft.base.get("source_id", self.name),
            "board": draft.profile.get("name", ""),
        }

    @property
    def keeps_key(self):
        """Whether there is a key, so that none needs to be typed."""
        return "api_key" in self.draft.values or "api_key" in self.draft.base

    def boards(self):
        return self.draft.boards()

    def left_ms(self):
        """How long it stays open."""
        return max(self._timeout_ms - ticks_diff(ticks_ms(), self._opened), 0)

    async def run(self):
        """True when the configuration has been written, False when the time is over.

        OSError: the radio or a port cannot be had.
        """
        self.networks = discovery.networks(self._station, self.name)
        names = None
        try:
            address = self._open()
            names = asyncio.create_task(Dns(address, self._dns_port).run())
            self._web = Web(self, address, self._port)
            await self._web.open()
            self.ready = True
            await self._wait()
        finally:
            for task in (self._task, names):
                if task:
                    task.cancel()
            if self._web:
                await self._web.close()
            self._point.active(False)
        return self.stage == "saved"

    def scan(self):
        """Look for networks again, unless that has just been done, or a trial is under way."""
        if not self.stage and ticks_diff(ticks_ms(), self._scanned) > _RESCAN_MS:
            self._scanned = ticks_ms()
            self.networks = discovery.networks(self._station, self.name)

    def page(self):
        """The pieces of what a phone is to see now."""
        self._shown = self._shown or self.stage == "saved"
        return page.progress(self) if self.stage else page.form(self)

    def _open(self):
        # The access point; returns its address.
        point = self._point
        if self._password:
            security = self._network.AUTH_WPA2_PSK
            settings = {"ssid": self.name, "security": security, "key": self._password}
        else:
            settings = {"ssid": self.name, "security": self._network.AUTH_OPEN}
        try:
            point.config(**settings)
            point.active(True)
        except OSError:  # one that has to be active first
            point.active(True)
            point.config(**settings)
        self._opened = self._scanned = ticks_ms()
        return point.ifconfig()[0]

    async def _wait(self):
        saved_at = None
        while True:
            now = ticks_ms()
            self._web.sweep()
            if self._task and self._task.done():
                self._task = await self._task
            if self.stage == "saved":
                saved_at = now if saved_at is None else saved_at
                if ticks_diff(now, saved_at) > (_SHOWN_MS if self._shown else _UNSEEN_MS):
                    return
            elif not self.stage and not self.left_ms():
                return
            await asyncio.sleep(_POLL_MS / 1000)

    def take(self, values):
        """Check what was typed (a form's fields) and begin to try it; `error`: what is wrong."""
        if self.stage:
            return
        ssid = values["network"] or values["other"]
        wired = self.wired and values["wired"] != ""
        known = ssid in [network[0] for network in self.networks]
        self.values = {
            "network": ssid if known else "",
            "other": "" if known else ssid,
            "wired": "1" if wired else "",
            "source_id": values["source_id"].strip(),
            "board": values["board"] or self.values["board"],
        }
        self.error = None
        draft = self.draft
        try:
            if wired:
                draft.values.pop("wifi_ssid", None)
                draft.values.pop("wifi_password", None)
            else:
                self._take_network(ssid, values["wifi_password"])
            if values["api_key"].strip():
                draft.set("api_key", values["api_key"].strip())
            draft.set("source_id", self.values["source_id"])
            if values["board"]:
                draft.set("board", values["board"])
            whole = draft.complete()
        except ConfigError as error:
            field, _, message = str(error).partition(": ")
            self.error = (field, message)
            return
        if wired or (self.failed and values["unchecked"]):
            self.ssid = ""
            self._save()
            return
        self.ssid = ssid
        self.stage = "joining"
        self._task = asyncio.create_task(self._try(whole))

    def _take_network(self, ssid, password):
        draft = self.draft
        if not ssid:
            raise ConfigError("wifi_ssid: choose a network, or type the name of another")
        if password or (ssid, True) in [(entry[0], entry[2]) for entry in self.networks]:
            draft.set("wifi_password", password)
        elif ssid != draft.values.get("wifi_ssid"):
            draft.values.pop("wifi_password", None)  # it was for another network
        draft.set("wifi_ssid", ssid)

    async def _try(self, whole):
        field, message = "", None
        try:
            message = await self._trial.join(whole, self._network)
            if message is not None:
                field = "wifi_ssid"
            else:
                self.stage = "checking"
                await asyncio.sleep(_ARRIVE_MS / 1000)
                message = await self._check_key(whole)
                if message is None and "endpoint" in whole:
                    self.draft.set("endpoint", whole["endpoint"])
        except MemoryError:
            message = "the device has too little memory to try it"
        if message is None:
            self._save()
        else:
            self._fail(field, message)

    async def _check_key(self, whole):
        # The page goes on meanwhile, unless its thread would take RAM that TLS needs.
        def check():
            return self._trial.check_key(whole)

        free = reserve.free()
        if free and free[0] < _AMPLE_BYTES:
            return check()
        return await aside(check, asyncio.sleep, _STACK_BYTES)

    def _fail(self, field, message):
        try:
            self._station.disconnect()  # or it goes on trying, on other channels than ours
        except OSError:
            pass  # it was not connected
        self.error = (field, message)
        self.failed = True
        self.stage = ""

    def _save(self):
        try:
            self.draft.save()
        except (OSError, ConfigError) as error:
            self.error = ("", "it could not be written: %s" % error)
            self.stage = ""
        else:
            self.stage = "saved"


def access_point_name():
    """plexus- and the end of the board's unique id."""
    import machine

    return "plexus-" + "".join(["%02x" % byte for byte in machine.unique_id()[-3:]])
