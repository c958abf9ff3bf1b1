"""The board's own networks, and whether it reaches the server on the computer."""

import socket

from board_common import join, say, start


def networks(given):
    """Say name and password of each network of the board's configuration."""
    start(given)
    from firmware import config

    for network in config.load("/plexus.json")["wifi"]:
        say(network["ssid"], network.get("password"))


def connect(given):
    """Say "joined", and "reached" once the server takes a connection."""
    start(given)
    join(given)
    say("joined")
    address = socket.getaddrinfo(given["address"], given["port"])[0][-1]
    connection = socket.socket()
    connection.settimeout(10)
    connection.connect(address)
    connection.close()
    say("reached")
