"""Asks one NTP host for the time: SNTP (RFC 4330, RFC 5905), checked, bounded, in integers."""

import os
import select
import socket
import struct

from ..port import const, reserve

try:
    from time import ticks_us
except ImportError:
    from time import monotonic_ns  # pyright: ignore[reportAttributeAccessIssue] -- CPython's

    def ticks_us():
        return monotonic_ns() // 1000


_MASK = const(0x3FFFFFFF)  # ticks_us wraps at 2^30 us; exchanges are far shorter
_EAGAIN = const(11)
_NEAR_US = const(2000)  # with a round trip this short another sample gains nothing
_TICK_US = const(1000)  # what reading clocks in whole ms may be off by
_UNIX = const(2208988800)  # seconds from 1900, NTP's epoch, to 1970
_OLDEST_US = const(1577836800000000)  # 2020: a server before that has no time either
_ROOT_MAX_US = const(16000000)  # RFC 5905 section 7.3, MAXDISP: it does not know the time


def unix_us(stamp):
    """A 64-bit NTP timestamp as Unix microseconds, for 1968 to 2104 (RFC 4330 section 3)."""
    seconds = stamp >> 32
    if not seconds >> 31:
        seconds += 1 << 32  # era 1 began on 2036-02-07
    return (seconds - _UNIX) * 1000000 + ((stamp & 0xFFFFFFFF) * 1000000 >> 32)


def parse(packet, nonce):
    """Check an answer to the request whose transmit timestamp was the int `nonce`.

    Returns (receive_us, transmit_us, root_us): the server's T2 and T3 as Unix us, and the most
    by which its own time may be off. Raises ValueError for what is no answer to this request
    and is to be ignored, and OSError for an answer that says: not from this server. That of a
    kiss-o'-death (RFC 5905 section 7.4) ends with its code: "RATE", "DENY", "RSTR", ...
    """
    if len(packet) < 48:
        raise ValueError("short packet")
    flags, stratum, _, _, delay, dispersion, code, _, originate, receive, transmit = struct.unpack(
        ">4B2I4s4Q", packet
    )
    if flags & 7 != 4 or flags >> 3 & 7 not in (3, 4):
        raise ValueError("no server's NTP packet")
    if originate != nonce:
        raise ValueError("answer to another request")
    if stratum == 0:
        raise OSError("kiss-o'-death " + "".join([chr(c) if 32 < c < 127 else "?" for c in code]))
    if flags >> 6 == 3 or stratum > 15:
        raise OSError("server is not synchronised")
    root_us = (delay // 2 + dispersion) * 1000000 >> 16
    if root_us > _ROOT_MAX_US:
        raise OSError("server is too far from its time source")
    if not receive or not transmit:
        raise OSError("server sent no time")
    transmit = unix_us(transmit)
    if transmit < _OLDEST_US:
        raise OSError("server's time is before 2020")
    return unix_us(receive), transmit, root_us


def solve(round_trip_us, receive_us, transmit_us):
    """T4 - T1 by our clock, T2 and T3 by the server's -> (server's time at T4, delay), in us.

    Both ways are taken as equally long, which is off by half the delay at most.
    """
    delay_us = round_trip_us - (transmit_us - receive_us)
    if transmit_us < receive_us or delay_us < -_TICK_US:
        raise OSError("server's timestamps do not fit the round trip")
    delay_us = max(delay_us, 0)
    return transmit_us + delay_us // 2, delay_us


def _exchange(sock, poller, start, timeout_ms, ticks):
    # The random transmit timestamp is a nonce that a forger off the path cannot echo.
    request = bytearray(48)
    request[0] = 0x23  # version 4, mode 3 (client)
    request[40:] = os.urandom(8)
    nonce = int.from_bytes(request[40:], "big")
    ignored = ""
    sent = ticks_us()
    sock.send(request)
    while True:
        left_ms = timeout_ms - (ticks_us() - start & _MASK) // 1000
        if left_ms <= 0:
            raise OSError("no answer in %d ms%s" % (timeout_ms, ignored))
        if not poller.poll(left_ms):
            continue
        try:
            answer = sock.recv(48)
        except OSError as error:
            if error.errno != _EAGAIN:
                raise
            continue  # the datagram was dropped after all (checksum)
        at = ticks()
        round_trip_us = ticks_us() - sent & _MASK
        try:
            receive_us, transmit_us, root_us = parse(answer, nonce)
        except ValueError as error:
            ignored = ", ignored: %s" % error
            continue
        epoch_us, delay_us = solve(round_trip_us, receive_us, transmit_us)
        return epoch_us, at, delay_us // 2 + root_us + _TICK_US, delay_us


def measure(host, port, timeout_ms, samples, ticks):
    """The best, by round trip, of up to `samples` answers of `host`, all within `timeout_ms`.

    Returns (epoch_us, ticks, error_us): Unix us at that value of the callable `ticks` (ms), and
    the bound of its error. Raises OSError with the reason. The name look-up blocks for as long
    as the system's resolver does. A further address of the host is tried only if one fails
    at once (no route, unfit), not if it is silent.
    """
    best = failure = None
    reserve.spare()
    infos = socket.getaddrinfo(host, port, 0, socket.SOCK_DGRAM)
    start = ticks_us()
    for info in infos[:4]:
        try:
            sock = socket.socket(info[0], socket.SOCK_DGRAM)
            try:
                # Connected, so the system drops what comes from any other address or port.
                sock.connect(info[-1])
                sock.setblocking(False)
                poller = select.poll()
                poller.register(sock, select.POLLIN)
                for _ in range(samples):
                    sample = _exchange(sock, poller, start, timeout_ms, ticks)
                    if best is None or sample[3] < best[3]:
                        best = sample
                    if sample[3] < _NEAR_US:
                        break
            finally:
                sock.close()
        except OSError as error:
            failure = error
        if best:  # a lost or refused later sample does not spoil it, and ends the burst
            return best[:3]
        if (ticks_us() - start & _MASK) // 1000 >= timeout_ms:
            break
    raise failure or OSError("no address")
