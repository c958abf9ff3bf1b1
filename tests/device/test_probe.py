"""Whether a host answers, asked over real sockets; the waits take no time."""

import socket

from clients import listen
from firmware.probe import answers
from links import Nap
from support import FakeTicks, equal


def asked(host, port):
    """(what it tells of this host, the ms that it took)"""
    ticks = FakeTicks()

    async def sleep(seconds):
        ticks.advance(round(seconds * 1000))
        await Nap(0)

    program = answers(host, port, ticks, sleep)
    try:
        while True:
            program.send(None)
    except StopIteration as end:
        return end.value, ticks()


def test_a_host_that_accepts_answers():
    listener, port = listen()
    try:
        equal(asked("127.0.0.1", port), (True, 0))
    finally:
        listener.close()


def test_a_host_that_refuses_answers():
    listener, port = listen()
    listener.close()
    equal(asked("127.0.0.1", port), (True, 0))


def test_a_host_that_is_silent_for_3_s_does_not():
    listener, port = listen()
    listener.listen(0)  # with a full queue it drops what comes
    waiting = [socket.socket() for _ in range(3)]
    try:
        for connection in waiting:
            connection.setblocking(False)
            try:
                connection.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
            except OSError:
                pass  # under way
        equal(asked("127.0.0.1", port), (False, 3000))
    finally:
        for each in waiting + [listener]:
            each.close()


def test_a_host_that_cannot_be_reached_does_not():
    equal(asked("255.255.255.255", 53), (False, 0))
