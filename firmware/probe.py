"""Asks whether a host on this network is there, without holding the program."""

import asyncio
import errno
import select
import socket

from plexus.port import const, ticks_diff, ticks_ms

_PORT = const(53)  # DNS, which a router at home serves; elsewhere it refuses, as good an answer
_TIMEOUT_MS = const(3000)


async def answers(host, port=_PORT, ticks=ticks_ms, sleep=asyncio.sleep):
    """Whether this IPv4 address accepts or refuses a TCP connection; False: it is silent."""
    connection = socket.socket()
    try:
        connection.setblocking(False)
        try:
            connection.connect(socket.getaddrinfo(host, port)[0][-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        poller = select.poll()
        poller.register(connection, select.POLLOUT)
        began = ticks()
        while not poller.poll(0):
            if ticks_diff(ticks(), began) >= _TIMEOUT_MS:
                return False
            await sleep(0.1)
        connection.recv(1)  # for the error, if it has one
        return True
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.ECONNREFUSED, errno.ECONNRESET)
    finally:
        connection.close()
