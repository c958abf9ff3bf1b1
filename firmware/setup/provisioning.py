"""Sets up a board that has no configuration: by the portal's page, or at the serial port."""

import asyncio

import machine

from plexus.port import const

from .. import config as configuration
from ..lights import Lights
from .console import Console
from .draft import Draft

_SHOWN_MS = const(1500)  # for the last words to leave the board
_AGAIN_S = const(1800)


def main(config, profile, crashes, portal=True):
    """Wait until the board is set up, then restart it.

    config: what there is, or None. The portal closes after ten minutes: a board that has a
    configuration then goes on with it, another listens to its console for ever.
    portal: False: the console alone, for a board whose configuration is there and will not do.
    """
    asyncio.run(_Provisioning(config, profile, crashes, portal).run())


class _Provisioning:
    def __init__(self, config, profile, crashes, portal):
        self._crashes = crashes
        self._configured = config is not None
        self._words = "starting"
        self._draft = Draft(configuration.salvaged() if config is None else config, profile)
        self._lights = Lights(profile.get("led"))
        self._lights.set("waiting" if portal else "trouble")
        self._profile = profile
        self._opens_portal = portal

    async def run(self):
        console = Console(self._draft, lambda: self._words, self._restart)
        tasks = [asyncio.create_task(part.run()) for part in (console, self._lights)]
        if self._opens_portal and (await self._portal() or self._configured):
            await asyncio.sleep(_SHOWN_MS / 1000)
            self._restart()
        self._say("waiting for its configuration at the serial port")
        if self._configured:
            # It failed with what it has; later that may work again.
            await asyncio.sleep(_AGAIN_S)
            self._restart()
        await asyncio.gather(*tasks)

    async def _portal(self):
        # True when the board is set up.
        try:
            from plexus.board import Board

            from . import discovery
            from .portal import Portal

            portal = Portal(self._draft, discovery.sensors(Board(self._profile)))
            self._say("join the network %s to set it up" % portal.name)
            return await portal.run()
        except Exception as error:  # noqa: BLE001 -- whatever it is, there is still the serial port
            self._say("no portal: %s: %s" % (type(error).__name__, error))
            return False

    def _say(self, message):
        self._words = message
        print("plexus: " + message)

    def _restart(self):
        self._crashes.stopped()
        machine.reset()
