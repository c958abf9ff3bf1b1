"""Shows a person by the board's LED what the device is doing."""

import asyncio

from plexus.port import const, ticks_add, ticks_diff, ticks_ms

_LONGEST_MS = const(250)

# Colour (red, green, blue), not to dazzle; then for how many ms it is on, off, on, ...
_PATTERNS = {
    "off": ((0, 0, 0), (60000,)),
    "waiting": ((0, 0, 30), (1000, 1000)),
    "joining": ((25, 15, 0), (200, 200)),
    "sending": ((0, 20, 0), (50, 2950)),
    "identify": ((25, 25, 25), (100, 100)),
    "trouble": ((30, 0, 0), (150, 150, 150, 150, 150, 1250)),
}


class Lights:
    """Lights(profile["led"]): a dict as in boards/schema.json, or None for no LED.

    lamp: whether there is one.
    """

    def __init__(self, led, ticks=ticks_ms):
        self._ticks = ticks
        self._show = _nothing
        self.lamp = bool(led)
        if led:
            try:
                self._show = _lamp(led)
            except (KeyError, ValueError, OSError, ImportError) as error:
                print("plexus: board.json: led: %s: %s" % (type(error).__name__, error))
                self.lamp = False
        self.set("off")

    def set(self, name):
        """Show "waiting" (for a configuration), "joining", "sending", "trouble", "identify", or
        "off"."""
        self._colour, self._times = _PATTERNS[name]
        self.name = name
        self._step = -1
        self._due = self._ticks()
        self.tick()

    def tick(self):
        """Do what is due; returns the ms until there is more to do."""
        now = self._ticks()
        if ticks_diff(self._due, now) <= 0:
            self._step = (self._step + 1) % len(self._times)
            self._due = ticks_add(now, self._times[self._step])
            self._show((0, 0, 0) if self._step % 2 else self._colour)
        return ticks_diff(self._due, now)

    async def run(self):
        """tick() for ever."""
        while True:
            # set() may be called in between.
            await asyncio.sleep(min(self.tick(), _LONGEST_MS) / 1000)


def _nothing(colour):
    pass


def _lamp(led):
    # The function that shows a colour; a plain LED shows any but black.
    from machine import Pin

    power = led.get("power_pin")
    if power:
        Pin(power["pin"], Pin.OUT, value=1 if power["active"] == "high" else 0)
    if led["kind"] == "gpio":
        lit = 1 if led["active"] == "high" else 0
        pin = Pin(led["pin"], Pin.OUT, value=1 - lit)
        return lambda colour: pin.value(lit if any(colour) else 1 - lit)
    if led["kind"] == "neopixel":
        from neopixel import NeoPixel

        pixel = NeoPixel(Pin(led["pin"], Pin.OUT), 1)

        def show(colour):
            pixel[0] = colour
            pixel.write()

        return show
    return _dotstar(Pin(led["pin"], Pin.OUT, value=0), Pin(led["clock_pin"], Pin.OUT, value=0))


def _dotstar(data, clock):
    # Datasheet APA102: 32 bits of 0; 111, 5 bits of brightness, blue, green, red; 32 bits of 1.
    def show(colour):
        red, green, blue = colour
        for byte in (0, 0, 0, 0, 0xFF, blue, green, red, 255, 255, 255, 255):
            for bit in range(7, -1, -1):
                data.value(byte >> bit & 1)
                clock.value(1)
                clock.value(0)

    return show
