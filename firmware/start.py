"""Chooses what the board is at this start: a device, a battery node, or one to be set up."""

import asyncio
import gc
import json
import os

import plexus.app

from . import config as configuration

PROFILE = "board.json"
_ASKED = "portal.now"


def main(crashes):
    """The device's life from its start on. Returns only if a person ends it."""
    profile = load_profile()
    config = problem = None
    try:
        config = configuration.load()
    except OSError:
        print("plexus: no configuration")
    except ValueError as error:
        problem = str(error)
        print("plexus: the configuration is refused:", problem)
    if config is None or asked_for_portal():
        from .provisioning import main as provision

        # A board that was set up once does not open its portal by itself.
        provision(config, profile, crashes, portal=problem is None)
        return
    crashes.hide(configuration.secrets(config))
    if "sleep" in config:
        from .sleeper import main as sleeper

        sleeper(config, profile, crashes)
        return
    from .device import Device

    try:
        device = Device(config, profile, crashes)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the board can be repaired
        if not crashes.safe:
            raise
        print("plexus: not even the safe mode starts: %s: %s" % (type(error).__name__, error))
        from .provisioning import main as provision

        provision(config, profile, crashes, portal=False)
        return
    plexus.app.device = device
    # They take kilobytes, and have been turned into what is needed of them.
    profile = config = None
    gc.collect()
    try:
        asyncio.run(device.run())
    finally:
        device.close()


def load_profile(path=PROFILE):
    """The board's profile; of a board that has none a bare one, whose own values can be read."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        print("plexus: no board profile (%s): only the board itself is read" % (error,))
        return {}


def ask_for_portal():
    """Let the next start open the portal, whose parts have no room beside those of the device."""
    with open(_ASKED, "w"):
        pass


def asked_for_portal():
    """Whether that is so; only once."""
    try:
        os.remove(_ASKED)
    except OSError:
        return False
    return True
