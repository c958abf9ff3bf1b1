"""The device: network, client, sensors and all that looks after them, put together and run."""

import asyncio
import gc

import machine

from plexus.port import const, reserve, ticks_diff, ticks_ms, unload

from .redact import redact
from .report import Report
from .uploader import Uploader, limit_ms
from .watchdog import Watchdog

_LONGEST_MS = const(100)  # of the sampler's sleep, so that a sensor added meanwhile is seen
_PATROL_MS = const(1000)
_SAMPLING_MS = const(60000)
_PATROL_LIMIT_MS = const(60000)
_SAFE_MS = const(1800000)  # so long in safe mode, then another try


class _Dark:
    """In the place of Lights where there is no LED."""

    name = "off"
    lamp = False

    def set(self, name):
        self.name = name


class Device:
    """px, sampler, network, uploader, lights, watchdog: its parts, for who adds to them.

    found: what a scan has found. problems: what of the board, or of its sensors, cannot be used.
    """

    def __init__(self, config, profile, crashes, px, sampler, found=(), problems=()):
        from .factory import make_network

        secrets = crashes.secrets
        self.px = px
        self.sampler = sampler
        self.found = found
        self.problems = problems
        self.network = make_network(config, profile, self.reset)
        reserve.keep(reserve.START)
        self.network.power_up()  # the radio takes its RAM before Python can
        self.crashes = crashes
        self.watchdog = Watchdog(config["watchdog_s"])
        self.lights = _Dark()
        if config["led"] and profile.get("led"):
            from .lights import Lights

            self.lights = Lights(profile["led"])
        self._light = None  # what the LED shows in place of how things stand
        self._report = Report(self.px, crashes, self.say)
        self.device_commands = None
        if "agent" in config and reserve.free() is not None:
            print("plexus: agent: left out: it needs 48 kB more RAM; use a board with PSRAM")
        elif "agent" in config and not crashes.safe:
            from .device_commands import DeviceCommands

            self.device_commands = DeviceCommands(self, config["agent"]["url"], secrets)
        self._buttons = {"buttons": profile.get("buttons", ())}
        self._status_ms = config["status_s"] * 1000
        self._confirmed = False
        self._said = {}
        self._secrets = secrets
        self._started = self._shown = ticks_ms()
        watch = self.watchdog.part
        self._sampled = watch("sampling", _SAMPLING_MS)
        self._patrolled = watch("patrol", _PATROL_LIMIT_MS)
        self.uploader = Uploader(
            self.px,
            self.is_up,
            watch("delivery", limit_ms(config)),
            self.network.alive,
            self.network.silent,
        )
        unload("firmware", "factory", "config")

    async def run(self):
        """For ever; what a part raises ends it."""
        # Joining takes 8 kB of the system's heap. What made this device is garbage by now: it is
        # freed first, so that Python does not grow into those 8 kB.
        gc.collect()
        reserve.keep(0)
        self._greet()
        parts = [self._resumed(self.network.run), self._resumed(self._patrol), self._watch_button()]
        if not self.uploader.start():
            parts.append(self._resumed(self._deliver))
        if not self.crashes.safe:
            parts.append(self._resumed(self._sample))
            if self.lights.lamp:
                parts.append(self.lights.run())  # pyright: ignore[reportAttributeAccessIssue] -- no _Dark
        if self.device_commands:
            parts.append(self.device_commands.agent.run())
        await asyncio.gather(*parts)

    def close(self):
        """Stop what would go on by itself, but for the watchdog; a store gets what waits."""
        self.uploader.stop()
        self.lights.set("off")
        self._persist()

    def _persist(self):
        if self.px.store:
            try:
                self.px.persist()
            except MemoryError:
                pass  # this may come of a full heap

    def discard(self):
        """Let go of all parts: it is of no use any more, and allocates nothing for that.

        It may outlive who lets go of it. The thread that delivers has it in hand, for seconds
        amid a flush, and a collector takes any number on a stack for an address. What has filled
        the heap may outlive it too. So the readings' bytes go: the crash's record needs the room.
        """
        if self.px:
            self.px.buffer.discard()
        self.px = self.sampler = self.network = None
        self.lights = self.device_commands = self.uploader = None
        self.found = self.problems = ()

    async def _resumed(self, part):
        # What finds no memory for a moment is no crash: it begins again when there is some.
        while True:
            try:
                return await part()
            except MemoryError:
                gc.collect()
            await asyncio.sleep(_PATROL_MS / 1000)

    async def _deliver(self):
        await self.uploader.run(self._meanwhile)

    def _meanwhile(self):
        # What cannot wait while the program's loop delivers; BoundedSocket.idle raises nothing.
        try:
            wait_ms = self._read_sensors()
            self._patrolled()
            self.watchdog.tick()
            return wait_ms
        except MemoryError:
            return _LONGEST_MS

    async def _sample(self):
        while True:
            await asyncio.sleep(self._read_sensors() / 1000)

    def _read_sensors(self):
        # Returns the ms until there is more to do.
        wait_ms = self.sampler.tick()
        self._sampled()
        return min(max(wait_ms, 1), _LONGEST_MS)

    async def _watch_button(self):
        from .button import held

        if await held(self._buttons):
            from .button import ask_for_portal

            ask_for_portal()
            self.reset()
        held = None
        unload("firmware", "button")

    async def _patrol(self):
        # Looks after all that does not look after itself, once a second.
        while True:
            if self.uploader.error:
                raise self.uploader.error
            self.crashes.tick()
            self._report.tick()
            self._show()
            if self.device_commands:
                self.device_commands.tick()
            self._patrolled()
            if self.crashes.safe:
                self._sampled()  # nobody does
                if ticks_diff(ticks_ms(), self._started) >= _SAFE_MS:
                    self.reset()
            self.watchdog.tick()
            await asyncio.sleep(_PATROL_MS / 1000)

    def _greet(self):
        px, crashes = self.px, self.crashes
        px.event("device.reset_cause", crashes.cause)
        for problem in self.problems:
            print("plexus: " + problem)
            px.event("device.problem", problem)
        if crashes.safe:
            self.say("mode", "safe mode after three crashes: no sensor is read")

    def _show(self):
        state = self.network.state
        self.say("network", self.network.status if state == "connected" else state)
        if state in ("idle", "joining"):
            light = "joining"
        else:
            light = "sending" if state == "connected" and self.delivers else "trouble"
        light = self._light or light
        if self.lights.name != light:
            self.lights.set(light)
        if self.px.confirmed and not self._confirmed:
            self._confirmed = True
            print("plexus: first readings confirmed")
        now = ticks_ms()
        if self._status_ms and ticks_diff(now, self._shown) >= self._status_ms:
            self._shown = now
            print("plexus: server: " + self.server())
        for name, status in self.sampler.status.items():
            if status not in ("starting", "idle"):
                self.say(name, status)

    @property
    def delivers(self):
        """Whether nothing stands between the readings and the server."""
        return self.px.may_send and not self.px.delivery.problem

    def say(self, what, message, brief=None):
        """Tell a person at the console, if it is something new: a signal's strength is not.

        brief: what has to be new for that, in place of the words.
        """
        brief = brief or message.split(", -")[0]
        if self._said.get(what) != brief:
            self._said[what] = brief
            print("plexus: %s: %s" % (what, message))

    def show(self, light):
        """Let the LED show this pattern of Lights, whatever there is; None: how things stand."""
        self._light = light
        if light:
            self.lights.set(light)

    def status(self):
        """How it does, for a person: (what, words) pairs."""
        from .device_status import status

        yield from status(self)

    def server(self):
        # What a server says may repeat what it was sent.
        return redact(self._secrets, self.px.status)

    def is_up(self):
        """Whether there is a network."""
        return self.network.state == "connected"

    def reset(self):
        """Reset the board, as a last resort: without a store the readings that wait are lost."""
        self._persist()
        self.crashes.stopped()
        print("plexus: resetting the board")
        machine.reset()
