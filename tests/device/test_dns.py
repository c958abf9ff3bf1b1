"""The portal's name server: every name is its own address, and no query does any harm."""

import asyncio
import socket
import struct

from firmware.setup.dns import Dns, answer
from support import equal

ADDRESS = bytes((192, 168, 4, 1))


def query(name=b"\x07example\x03com\x00", kind=1, group=1, flags=0x0100, count=1, extra=b""):
    head = struct.pack(">HHHHHH", 0x1234, flags, count, 0, 0, 1 if extra else 0)
    return head + name + struct.pack(">HH", kind, group) + extra


def test_every_name_has_the_portals_address():
    for name in (b"\x07example\x03com\x00", b"\x01a\x00", b"\x00"):
        asked = query(name)
        got = answer(asked, ADDRESS)
        number, flags, questions, answers, others, more = struct.unpack(">HHHHHH", got[:12])
        equal((number, flags & 0x8000, flags & 15, questions, answers, others, more),
              (0x1234, 0x8000, 0, 1, 1, 0, 0))  # fmt: skip
        equal(got[12 : len(asked)], asked[12:])
        pointer, kind, group, ttl, size = struct.unpack(">HHHIH", got[len(asked) : -4])
        equal((pointer, kind, group, ttl, size), (0xC00C, 1, 1, 0, 4))
        equal(got[-4:], ADDRESS)


def test_recursion_desired_is_said_again():
    equal(answer(query(flags=0x0100), ADDRESS)[2] & 1, 1)
    equal(answer(query(flags=0), ADDRESS)[2] & 1, 0)


def test_a_question_for_ipv6_or_https_is_told_that_there_is_none():
    for kind in (28, 65, 15, 0x0101):
        got = answer(query(kind=kind), ADDRESS)
        equal(struct.unpack(">HH", got[4:8]), (1, 0))
        equal(got[3] & 15, 0)
        equal(len(got), len(query()))


def test_what_follows_the_question_is_left_out():
    edns = b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"
    equal(answer(query(extra=edns), ADDRESS), answer(query(), ADDRESS))


def test_what_is_no_query_gets_no_answer():
    refused = [
        b"",
        b"\x00" * 11,
        query()[:-1],  # cut off
        query()[:20],
        query(flags=0x8100),  # an answer: two servers would talk for ever
        query(flags=0x2800),  # an update
        query(count=0),
        query(count=2),
        query(name=b"\xc0\x0c"),  # a pointer to itself
        query(name=b"\xc0" + b"a" * 192 + b"\x00"),  # no label is so long
        query(name=b"\x3f" + b"a" * 10),  # longer than the packet
        query(name=(b"\x3f" + b"a" * 63) * 4 + b"\x00"),  # more than 255 bytes
        query(extra=b"x" * 600),
    ]
    for packet in refused:
        equal((packet, answer(packet, ADDRESS)), (packet, None))


def test_every_packet_of_noise_is_survived():
    state = 12345
    asked = bytearray(query())
    for _ in range(2000):
        state = (state * 1103515245 + 12345) & 0x3FFFFFFF
        asked[2 + state % (len(asked) - 2)] = (state >> 12) & 255
        got = answer(bytes(asked), ADDRESS)
        assert got is None or len(got) <= len(asked) + 16


def test_the_server_answers_over_udp_and_goes_on_after_noise(ports):
    async def ask():
        server = asyncio.create_task(Dns("127.0.0.1", ports.udp).run())
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.setblocking(False)
        where = socket.getaddrinfo("127.0.0.1", ports.udp)[0][-1]
        client.sendto(b"noise", where)
        client.sendto(b"x" * 2000, where)
        client.sendto(query(), where)
        got = None
        while got is None:
            await asyncio.sleep(0.01)
            try:
                got = client.recv(512)
            except OSError:
                pass
        client.close()
        server.cancel()
        await asyncio.sleep(0)
        return got

    equal(asyncio.run(ask()), answer(query(), bytes((127, 0, 0, 1))))


def test_a_server_that_ends_gives_its_port_back(ports):
    async def twice():
        for _ in range(2):
            task = asyncio.create_task(Dns("127.0.0.1", ports.udp).run())
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass

    asyncio.run(twice())
