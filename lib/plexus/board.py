"""A board by its profile: opens the buses and pins that boards/<name>.json names, and its sensors.

It is given that file's content, a dict. `machine` is imported here, so this needs a board.
"""

import json

import machine

from .port import const, load, sleep_ms, unload
from .sensors import driver_class
from .sensors.sampling import entry as _entry
from .sensors.sampling import factory as _factory

_POWER_UP_MS = const(20)  # what a supply and the chips behind it need at the most
_I2C_HZ = const(100000)  # what every driver's chip bears
_SPI_HZ = const(1000000)  # the same
_UART_BAUD = const(9600)  # what most serial sensors speak
_UART_BUFFER = const(1024)  # a second of it


class Board:
    """Board(profile), or Board.load("board.json").

    A program makes it first of all: what keeps the board's power on is switched on here.
    problems: what keeps `fill()` from scanning a bus, a line each; empty if nothing does.
    """

    def __init__(self, profile):
        self.profile = profile
        self.problems = []
        self._buses = {}  # by kind and name
        _switch_on(profile.get("hold"))

    @classmethod
    def load(cls, path):
        """The board whose profile is this file."""
        with open(path) as file:
            return cls(json.load(file))

    def bus(self, kind, name=None):
        """The bus of a kind ("i2c", "spi", "uart", "onewire"), opened when first asked for.

        Without a name it is the board's first. One-wire is a Pin.
        """
        for entry in self.profile.get(kind, ()):
            if name is None or entry["name"] == name:
                break
        else:
            names = ", ".join([entry["name"] for entry in self.profile.get(kind, ())])
            raise ValueError("bus: %r; the board's %s buses: %s" % (name, kind, names or "none"))
        key = kind, entry["name"]
        if key not in self._buses:
            _power(entry.get("power_pin"))
            self._buses[key] = _OPEN[kind](entry)
        return self._buses[key]

    def sensor(self, entry):
        """The driver that a sensor's entry describes. ValueError names what is wrong with it."""
        try:
            return self.factory(entry)()
        except Exception as error:  # noqa: BLE001 -- of whoever wrote the driver
            raise _values().told(entry, error)

    def factory(self, entry):
        """What makes that driver, and makes it again with other options; see DriverFactory."""
        _entry.check_keys(entry)
        _values().check_values(entry, machine.Pin)
        driver = driver_class(entry["driver"])
        options = dict(entry.get("options") or ())
        wired = entry.get("pins") or {}
        for name, pin in wired.items():
            options[name] = machine.Pin(pin)
        arguments = ()
        if driver.BUS == "pin":
            if entry.get("pin") is None:
                raise ValueError("pin: missing; %s is read at one" % entry["driver"])
            arguments = (machine.Pin(entry["pin"]),)
        elif driver.BUS not in (None, "pins"):
            arguments = (self.bus(driver.BUS, entry.get("bus")),)
        if entry.get("address") is not None:
            options["address"] = entry["address"]
        return _factory.DriverFactory(driver, arguments, options or None, tuple(wired))

    def fill(self, sampler, entries=None, raises=True, again=True):
        """Let the sampler read these sensors; if None, the board's own and all that a scan finds.

        entries: those of a profile's "sensors". Returns the Found of the scan, unknown ones as
        well; what it found is named after its driver, "bme280.temperature", and, at another than
        its usual address, also after that, "bme280_77.temperature". A bus that cannot be scanned
        is in `problems`, and stops no other.
        raises: False: so it is with an entry that is wrong; else that is a ValueError. A key whose
        value is None counts as absent.
        again: False: nobody will have a sensor made again with other options.
        """
        self.problems = []
        own = self.profile.get("sensors", ()) if entries is None else entries
        for number, entry in enumerate(own):
            try:
                how = {key: entry[key] for key in _entry.HOW if entry.get(key) is not None}
                factory = self.factory(entry)
                sampler.add(factory(), factory=factory if again else None, **how)
            except Exception as error:  # noqa: BLE001 -- of whoever wrote the entry or the driver
                problem = "sensors[%d].%s" % (number, _values().told(entry, error))
                if raises:
                    raise ValueError(problem)
                self.problems.append(problem)
        unload(_entry.__name__, "values")
        if entries is not None:
            return []
        return self._automatic(sampler, again)

    def _automatic(self, sampler, again):
        from .sensors.sampling import find

        everything = []
        self._read_itself(sampler, again)
        read = [(c.sensor.bus, c.sensor.address) for c in sampler.channels if _on_i2c(c.sensor)]
        for number, entry in enumerate(self.profile.get("i2c", ())):
            try:
                bus = self.bus("i2c", entry["name"])
                there = find.scan(bus, entry.get("occupied", ()))
            except (OSError, ValueError) as error:
                self.problems.append("%s: %s" % (entry["name"], error))
                continue
            everything.extend(there)
            for found in there:
                if found.driver is None or (bus, found.address) in read:
                    continue
                driver = driver_class(found.driver)
                name = found.driver
                if found.address != driver.ADDRESSES[0]:
                    name += "_%02x" % found.address
                if number:
                    name += "_" + entry["name"]
                factory = _factory.DriverFactory(driver, (bus, found.address))
                sampler.add(
                    factory(), name=name, prefix=name + ".", factory=factory if again else None
                )
        return everything

    def _read_itself(self, sampler, again):
        # The board's own values, if its profile has not said how.
        from .sensors.system import System

        if any(isinstance(channel.sensor, System) for channel in sampler.channels):
            return
        battery = self.profile.get("battery") or {}
        # A board on a cable has no use for the radio, which asking would start.
        options = {"wifi": "ethernet" not in self.profile}
        if "pin" in battery and "divider" in battery:
            _power(battery.get("enable_pin"))
            options["battery"] = machine.Pin(battery["pin"])
            options["divider"] = battery["divider"]
        factory = _factory.DriverFactory(System, (), options, ("battery",))
        sampler.add(factory(), name="board", prefix="board.", factory=factory if again else None)


def _values():
    return load(_entry.__name__, "values")


def _on_i2c(sensor):
    return getattr(sensor, "BUS", None) == "i2c"


def _switch_on(entry):
    if entry:
        on = entry.get("active", "high") == "high"
        machine.Pin(entry["pin"], machine.Pin.OUT, value=1 if on else 0)


def _power(entry):
    if entry:
        _switch_on(entry)
        sleep_ms(_POWER_UP_MS)


def _i2c(entry):
    scl, sda = machine.Pin(entry["scl"]), machine.Pin(entry["sda"])
    how = {"freq": entry.get("freq_hz", _I2C_HZ)}
    if "timeout_us" in entry:
        how["timeout"] = entry["timeout_us"]
    return machine.I2C(entry["id"], scl=scl, sda=sda, **how)


def _spi(entry):
    # The chips beside the sensors have to leave the bus alone.
    for pin in entry.get("idle_high", ()):
        machine.Pin(pin, machine.Pin.OUT, value=1)
    sck, mosi, miso = [machine.Pin(entry[name]) for name in ("sck", "mosi", "miso")]
    return machine.SPI(entry["id"], baudrate=_SPI_HZ, sck=sck, mosi=mosi, miso=miso)


def _uart(entry):
    tx, rx = machine.Pin(entry["tx"]), machine.Pin(entry["rx"])
    baudrate = entry.get("baudrate", _UART_BAUD)
    return machine.UART(entry["id"], baudrate=baudrate, tx=tx, rx=rx, rxbuf=_UART_BUFFER)


def _onewire(entry):
    return machine.Pin(entry["pin"])


_OPEN = {"i2c": _i2c, "spi": _spi, "uart": _uart, "onewire": _onewire}
