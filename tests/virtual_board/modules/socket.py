"""The module `socket` of a virtual board: real sockets, whose addresses lead through the air."""

import time

import _host
import network
import usocket
from usocket import *

_NO_ANSWER = -202  # what lwIP's look-up fails with
_NOWHERE = "255.255.255.255"  # to connect to it fails at once


def getaddrinfo(host, port, *hints):
    up = network.update()
    if host in ("", "0.0.0.0", "192.168.4.1"):
        if 0 < port < 1024:
            port += _host.start["port_offset"]
        return usocket.getaddrinfo(_host.start["address"], port, *hints)
    literal = all([part.isdigit() for part in host.split(".")])
    if not literal and not up:
        raise OSError(_NO_ANSWER)
    world = _host.world()
    if not literal and world["link_dead"]:
        time.sleep_ms(world["dns_timeout_ms"])
        raise OSError(_NO_ANSWER)
    answer = _host.ask("resolve", host=host, port=port) if up else {}
    if answer.get("error") == "unknown":
        raise OSError(_NO_ANSWER)
    if "port" not in answer:
        return usocket.getaddrinfo(_NOWHERE, port, *hints)
    return usocket.getaddrinfo("127.0.0.1", answer["port"], *hints)
