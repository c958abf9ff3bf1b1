"""Makes the parts that a configuration describes: the client, and the link to the network."""

import os

from plexus import Plexus
from plexus._port import const

from . import config as configuration

_SAFE_RING_BYTES = const(2048)
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


def make_client(config):
    """The Plexus that a configuration describes."""
    options = {name: config[name] for name in _OPTIONS if name in config}
    if "ca_file" in config:
        with open(config["ca_file"], "rb") as file:
            options["ca"] = file.read()
    return Plexus(config["api_key"], config["source_id"], **options)


def spared(config, profile):
    """For the safe mode: a configuration and a profile with as little as can fail."""
    config = dict(configuration.redacted(config, None), led=False, ring_bytes=_SAFE_RING_BYTES)
    try:
        os.stat(config.get("ca_file", "."))
    except OSError:
        print("plexus: %s is missing: the usual roots are tried" % config.pop("ca_file"))
    return config, {name: profile[name] for name in ("ethernet", "hold") if name in profile}


def make_network(config, profile, reset):
    """The link that looks after this board's WiFi, or after its Ethernet."""
    if "ethernet" in profile and not config["wifi"]:
        from .ethernet import Ethernet

        return Ethernet(profile["ethernet"], config, reset=reset)
    from .wifi import WiFi

    return WiFi(config, reset=reset)
