"""How the portal is opened on a device that is set up already: a button, and the next start."""

import asyncio
import os

from plexus.port import const, ticks_add, ticks_diff, ticks_ms

_POLL_MS = const(20)
_WINDOW_MS = const(5000)  # at power-on, for a person
_ASKED = "portal.now"  # a file


async def held(profile, within_ms=5000, hold_ms=1000):
    """True as soon as the first of the board's buttons has been held; False if none was in time.

    Call it at the start. (Held before that, the BOOT button starts the chip's boot loader.)
    """
    if not profile.get("buttons"):
        return False
    import machine

    button = profile["buttons"][0]
    low = button["active"] == "low"
    pull = machine.Pin.PULL_UP if low else machine.Pin.PULL_DOWN
    for arguments in ((pull,), ()):  # an ESP32's pins from 34 on have none
        try:
            pin = machine.Pin(button["pin"], machine.Pin.IN, *arguments)
            break
        except (ValueError, OSError):
            pass
    else:
        return False  # no pin of this chip
    began = pressed = ticks_ms()
    while True:
        now = ticks_ms()
        if bool(pin.value()) == low:  # not pressed
            pressed = now
            if ticks_diff(now, began) > within_ms:
                return False
        elif ticks_diff(now, pressed) >= hold_ms:
            return True
        await asyncio.sleep(_POLL_MS / 1000)


async def portal_wanted(profile):
    """Stay awake for a while, and tell whether the button was held: a node that sleeps answers
    neither a person nor USB."""
    until = ticks_add(ticks_ms(), _WINDOW_MS)
    print("plexus: awake for %d s: hold the button, or press Ctrl-C" % (_WINDOW_MS // 1000))
    if await held(profile, _WINDOW_MS):
        return True
    await asyncio.sleep(max(ticks_diff(until, ticks_ms()), 0) / 1000)
    return False


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
