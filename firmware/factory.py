"""Makes the parts that a configuration describes: the client, the sensors, the network's link."""

import os
import sys

import plexus
from plexus.port import const, reserve, unload

_SAFE_RING_BYTES = const(2048)
_SHARED_RING_BYTES = const(4096)  # on a board whose RAM TLS and WiFi share, beside the firmware
_OPTIONS = (
    "endpoint",
    "ring_bytes",
    "flush_interval_ms",
    "flush_fill_percent",
    "batch_points",
    "timeout_ms",
    "verify",
    "keep_alive",
    "ntp_hosts",
    "ntp_port",
)
_STORE = (("store_bytes", "bytes"), ("persist_interval_s", "persist_interval_s"))
_BUSES = ("i2c", "spi", "uart", "onewire", "sensors", "battery")
_NETWORK = ("wifi", "hostname", "country", "ethernet")


def make_client(config):
    """The Plexus that a configuration describes."""
    options = {name: config[name] for name in _OPTIONS if name in config}
    if "ca_file" in config:
        with open(config["ca_file"], "rb") as file:
            options["ca"] = file.read()
    if reserve.free() is not None:
        options.setdefault("ring_bytes", _SHARED_RING_BYTES)
    if "store" in config:
        store = config["store"]
        options["store"] = store.get("path", "/plexus")
        for name, key in _STORE:
            if key in store:
                options[name] = store[key]
    try:
        return plexus.Plexus(config["api_key"], config["source_id"], **options)
    except MemoryError:
        print("plexus: ring_bytes: no RAM for %d; less is taken" % options.pop("ring_bytes", 0))
    return plexus.Plexus(config["api_key"], config["source_id"], **options)


def make_board(profile):
    """The Board of a profile. Some boards' power is a pin that it holds."""
    from plexus.board import Board

    try:
        return Board(profile)
    except (ValueError, OSError) as error:
        print("plexus: board.json: hold: %s" % (error,))
        del profile["hold"]
        return Board(profile)


def make_sampler(config, profile, px, safe):
    """(the Sampler of the board's sensors, what a scan has found, what cannot be used of it all).

    safe: it gets no sensor. What of `config` and `profile` serves no other part is taken out of
    them: it is kilobytes.
    """
    from plexus.sensors import Sampler

    board = make_board(profile)
    sampler = Sampler(px)
    found = ()
    entries = config.pop("sensors", None)
    if not safe:
        # Only a dashboard makes a sensor anew.
        again = "agent" in config and reserve.free() is None
        found = board.fill(sampler, entries, False, again)
    for name in _BUSES:
        profile.pop(name, None)
    return sampler, found, board.problems


def safe_mode(config, profile):
    """For the safe mode: a configuration and a profile with as little as can fail."""
    config = dict(config, led=False, ring_bytes=_SAFE_RING_BYTES)
    try:
        os.stat(config.get("ca_file", "."))
    except OSError:
        print("plexus: %s is missing: the usual roots are tried" % config.pop("ca_file"))
    return config, {name: profile[name] for name in ("ethernet", "hold") if name in profile}


def make_network(config, profile, reset):
    """The link that looks after this board's WiFi, or after its Ethernet."""
    config = {key: config[key] for key in _NETWORK if key in config}  # the rest need not stay
    if "ethernet" in profile and not config["wifi"]:
        from . import ethernet

        return ethernet.Ethernet(profile["ethernet"], config, reset=reset)
    from . import wifi

    return wifi.WiFi(config, reset=reset)


def unload_board():
    """Let go of what opens a board's sensors: it is needed once."""
    unload("plexus", "board", "sensors.checks")
    unload("plexus.sensors.sampling", "find", "entry", "factory", "adding")


def unload_sensors():
    """Let go of the sensors' code, of a program that reads them no more."""
    unload("plexus", *[name[7:] for name in list(sys.modules) if name[:14] == "plexus.sensors"])
