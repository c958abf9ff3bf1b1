"""The configuration: plexus.json, checked, with its secrets, which may be in NVS instead.

plexus.schema.json has its rules, for editors and for rules.py, and says what each key means.
"""

import binascii
import json
from hashlib import sha256

from plexus import __version__
from plexus.port import unload

from .. import atomic_json

PATH = "plexus.json"
CHECKED = "plexus.checked"
DEFAULTS = {"wifi": (), "keep_alive": True, "watchdog_s": 120, "led": True, "status_s": 60}

_MAX_BYTES = 8192
_MAX_NVS_BYTES = 2048
_NAMESPACE = "plexus"
_HIDDEN = "***"
_SECRETS = ("api_key", "password")


class ConfigError(ValueError):
    """What is wrong with a configuration, by field, and what to do; it quotes no value."""


class Config(dict):
    """A dict that does not show its secrets when it is printed; a copy() of it, a dict, does.

    On MicroPython neither dict() nor ** takes it, and json.dumps() writes what it shows.
    """

    def __repr__(self):
        return repr(redacted(self))

    __str__ = __repr__


def load(path=PATH, trusted=False):
    """The configuration of this file with its secrets and DEFAULTS, a Config.

    Its networks are Configs too. OSError: there is no such file. ConfigError: it will not do.
    trusted: it was found to be in order before, see is_known().
    """
    found = None
    try:
        found = atomic_json.load(path, _MAX_BYTES)
    except ValueError:
        pass  # raised below: its message may quote the file
    if found is None:
        raise ConfigError(
            "%s: no JSON, or longer than %d bytes; write it anew" % (path, _MAX_BYTES)
        )
    if not trusted:
        check(found)
    config = Config(found)
    config["wifi"] = [Config(network) for network in config.get("wifi", ())]
    if "nvs" in config:
        _reveal(config)
        if not trusted:
            check(config)
    for name in DEFAULTS:
        config.setdefault(name, DEFAULTS[name])
    # Needed once, but by a device that is being provisioned.
    unload(__name__, "rules", "checks")
    return config


def is_known(path=PATH, checked=CHECKED):
    """Whether remember() was told of just this configuration, by this version."""
    try:
        return atomic_json.load(checked, _MAX_BYTES) == _digest(path)
    except (OSError, ValueError):
        return False


def remember(path=PATH, checked=CHECKED):
    """Note that the configuration in this file is in order: True, or False if that cannot be."""
    try:
        atomic_json.store(checked, _digest(path))
    except (OSError, ValueError):
        return False
    return is_known(path, checked)


def save(config, path=PATH, hide=None):
    """Replace the file by a configuration with its secrets; a power cut leaves old or new.

    hide: True puts the secrets into NVS, False into the file, None where they are now.
    ConfigError, and nothing is changed, if it is not in order; OSError if it cannot be written.
    """
    # Without "nvs": the secrets are here.
    plain = {key: redacted(value, None) for key, value in config.items() if key != "nvs"}
    check(plain)
    for name in DEFAULTS:
        if plain.get(name) in (DEFAULTS[name], []):
            del plain[name]
    slot = _slot_of(path)
    if hide or (hide is None and slot):
        # The other slot: the file that is there now still needs its own.
        plain["nvs"] = "b" if slot == "a" else "a"
        _conceal(plain)
    atomic_json.store(path, plain)
    if slot:
        _erase(slot)


def salvaged(path=PATH):
    """What can be kept of a configuration that is refused: its keys that are in order, a dict."""
    try:
        found = atomic_json.load(path, _MAX_BYTES)
    except (OSError, ValueError):
        return {}
    kept = {}
    for key in found if isinstance(found, dict) else ():
        alone = {"api_key": "x", "source_id": "x"}
        alone[key] = found[key]
        try:
            check(alone)
        except ConfigError:
            continue
        kept[key] = found[key]
    return kept


def redacted(config, hidden=_HIDDEN):
    """A copy, plain dicts and lists, whose secrets are `hidden`; None leaves them as they are."""
    if isinstance(config, dict):
        copy = {}
        for key, value in config.items():
            secret = hidden is not None and key in _SECRETS
            copy[key] = hidden if secret else redacted(value, hidden)
        return copy
    if isinstance(config, (list, tuple)):
        return [redacted(value, hidden) for value in config]
    return config


def secrets(config):
    """The secrets of a configuration, a list of str, for whoever keeps them out of other texts."""
    found = [config.get("api_key")]
    found += [network.get("password") for network in config.get("wifi", ())]
    return [secret for secret in found if secret]


def check(config):
    """ConfigError, naming the field and the remedy, unless this dict is a configuration."""
    from .rules import CONFIGURATION

    CONFIGURATION[0]("", config, *CONFIGURATION[1:])


def _slot_of(path):
    # The NVS entry that the file there names, or None.
    try:
        slot = atomic_json.load(path, _MAX_BYTES).get("nvs")
    except (OSError, ValueError, AttributeError):
        return None
    return slot if slot in ("a", "b") else None


def _digest(path):
    # Of all that load() would check.
    found = atomic_json.load(path, _MAX_BYTES)
    digest = sha256(__version__.encode())
    digest.update(json.dumps(found).encode())
    if isinstance(found, dict) and found.get("nvs") in ("a", "b"):
        digest.update(_hidden_in(found["nvs"]))
    return binascii.hexlify(digest.digest()).decode()


def _hidden_in(slot):
    # The JSON of the secrets in this NVS entry, bytes.
    buffer = bytearray(_MAX_NVS_BYTES)
    return bytes(buffer[: _nvs().get_blob(slot, buffer)])


def _nvs():
    try:
        from esp32 import NVS
    except ImportError:
        raise ConfigError("nvs: only an ESP32 has it; keep the secrets in the file")
    return NVS(_NAMESPACE)


def _conceal(config):
    # Moves the secrets to the NVS entry that it names.
    found = {"api_key": config.pop("api_key"), "wifi": {}}
    for network in config.get("wifi", ()):
        if "password" in network:
            found["wifi"][network["ssid"]] = network.pop("password")
    nvs = _nvs()
    nvs.set_blob(config["nvs"], json.dumps(found).encode())
    nvs.commit()


def _reveal(config):
    # Those in the file win.
    found = None
    try:
        found = json.loads(_hidden_in(config["nvs"]).decode())
        config.setdefault("api_key", found["api_key"])
        for network in config["wifi"]:
            if network["ssid"] in found["wifi"]:
                network.setdefault("password", found["wifi"][network["ssid"]])
    except (OSError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, ConfigError):
            raise
        found = None  # raised below: the message may quote what is there
    if found is None:
        raise ConfigError("nvs: this board's NVS does not hold the secrets; provision it again")


def _erase(slot):
    try:
        nvs = _nvs()
        nvs.erase_key(slot)
        nvs.commit()
    except (OSError, ConfigError):
        pass  # it was not there
