"""Chooses what the board is at this start: a device, a battery node, or one to be set up."""

import gc

import machine

import plexus
from plexus.port import const, load_once, reserve, unload

from . import repl

_FOR_A_MOMENT = (
    "readings.batch",
    "explain",
    "extras",
    "delivery.problem",
    "clock.timekeeping",
    "clock.sntp",
    "delivery.http_date",
    "delivery.narrowing",
)
_COLLECT_BYTES = const(6144)


def main(crashes):
    """The Device to run, ready; or None, when a person has ended what else the board was."""
    from .profile import load as load_profile

    profile = load_profile()
    config, problem = _configured(crashes)
    if config is None or load_once(__name__, "button").asked_for_portal():
        from .setup.provisioning import main as provision

        # A board that was set up once does not open its portal by itself.
        provision(config, profile, crashes, portal=problem is None)
        return None
    # 11 kB that serve no more.
    unload("firmware", "config", "atomic_json", "profile")
    kept = "sleep" in config
    if kept:
        from .rtc_memory import load

        kept = load(config["sleep"], crashes.safe)
    if not kept or kept.due:
        # First what takes RAM of the system's by being loaded: the network, which stands still if
        # it gets none, and machine code, for which only a part will do. Then the radio. What is
        # loaded from then on may not take what TLS needs.
        import socket  # noqa: F401

        import network  # noqa: F401

        plexus.BufferFull
        reserve.without_tls(config.get("endpoint", "https:")[:6] != "https:")
        if config["wifi"]:
            _start_radio(network.WLAN(network.STA_IF))
        else:
            reserve.keep(reserve.BEFORE_INTERFACE)
        if reserve.free() is not None:
            gc.threshold(_COLLECT_BYTES)  # little garbage at a time leaves larger pieces
    if kept:
        from .sleeper import main as sleeper

        sleeper(config, profile, crashes, kept)
        return None
    try:
        repl.device = _device(config, profile, crashes)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the board can be repaired
        if not crashes.safe:
            raise
        print("plexus: not even the safe mode starts: %s: %s" % (type(error).__name__, error))
        from .setup.provisioning import main as provision

        provision(config, profile, crashes, portal=False)
    return repl.device


def _start_radio(nic):
    # It takes 38 kB, much of it in pieces that are too small for Python's heap: those it would
    # leave to it later are no use then, and less is left of the large ones.
    try:
        nic.active(True)
    except (OSError, RuntimeError):
        pass  # Interface tries again
    reserve.keep(reserve.START)


def _configured(crashes):
    # (the configuration or None, what is wrong with it or None). In a function of its own: what a
    # function has had in hand stays in RAM till it ends.
    from . import config as configuration

    known = configuration.is_known()
    try:
        config = configuration.load(trusted=known)
    except OSError:
        print("plexus: no configuration")
        return None, None
    except ValueError as error:
        print("plexus: the configuration is refused:", error)
        return None, str(error)
    if not known and configuration.remember() and reserve.free() is not None:
        # What has checked it is gone, but for 50 names: they would stay, and the table of all
        # names would double for them.
        print("plexus: the configuration is in order: starting with it")
        crashes.stopped()
        machine.reset()
    crashes.hide(configuration.secrets(config))
    return configuration.redacted(config, None), None  # a dict: a Config would keep its module


def _device(config, profile, crashes):
    from .factory import make_client, make_sampler, safe_mode, unload_board

    if crashes.safe:
        config, profile = safe_mode(config, profile)
    px = make_client(config)  # before all else: its ring needs the heap's largest piece
    if reserve.free() is not None:
        # The names in what is loaded for a moment stay, and the table of names doubles: now, while
        # there is a piece of 5 kB for it.
        for name in _FOR_A_MOMENT:
            load_once("plexus", name)
    sensors = make_sampler(config, profile, px, crashes.safe)
    # What opens sensors is needed once, and is gone before the rest comes.
    unload_board()
    from .device import Device

    return Device(config, profile, crashes, px, *sensors)
