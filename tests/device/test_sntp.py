"""One exchange with one NTP host: its arithmetic, and every answer that must not be believed."""

import socket
import time

import plexus.clock.sntp as sntp
from support import FakeTicks, equal, raises

REPLY = bytes([0x24, 2]) + bytes(22)  # version 4, server, stratum 2, no root error
NONCE = b"\x01\x02\x03\x04\x05\x06\x07\x08"
NOON_2026 = b"\xed\xf0\xd1\xc0\x80\x00\x00\x00"  # and a half second
SHORT_MS = 150


def host_us():
    """In place of the ticks, so that a sample holds the right time too."""
    return time.time_ns() // 1000


def measure(host, ntp, timeout_ms=1000, samples=1):
    return sntp.measure(host, ntp.port, timeout_ms, samples, host_us)


def assert_is_now(sample, delay_us=0):
    # Generous: what is told apart here are 100 ms and an hour. Half of the server's own delay is
    # `delay_us`; what a busy machine adds to that makes an error of as much at most.
    error_us = sample[0] - sample[1]
    added_us = max(sample[2] - delay_us, 0)
    assert abs(error_us) < 50000 + added_us, (error_us, added_us)


def assert_refused(host, ntp, *words):
    with raises(OSError, *words):
        measure(host, ntp)


def assert_ignored(host, ntp, *words):
    with raises(OSError, "no answer in 150 ms", *words):
        measure(host, ntp, SHORT_MS)


def requests_seen(host, ntp):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.settimeout(5)
        sock.connect(socket.getaddrinfo(host, ntp.port, 0, socket.SOCK_DGRAM)[0][-1])
        sock.send(b"count")
        return int(sock.recv(16))
    finally:
        sock.close()


def test_seconds_of_era_0_count_from_1900():
    equal(sntp.unix_us(2208988800 + 1700000000 << 32), 1700000000000000)


def test_seconds_without_the_top_bit_count_from_2036():
    # RFC 4330 section 3: 0 is 06:28:16 UTC on 7 February 2036.
    equal(sntp.unix_us(0), 2085978496000000)
    equal(sntp.unix_us(0xFFFFFFFF << 32), 2085978495000000)


def test_fraction_becomes_microseconds():
    equal(sntp.unix_us((2208988800 << 32) + 0x80000000), 500000)
    equal(sntp.unix_us((2208988800 << 32) + 0xFFFFFFFF), 999999)


def test_time_at_the_answer_is_the_servers_plus_half_the_round_trip():
    # 100 ms there and back, 20 of them spent in the server
    equal(sntp.solve(100000, 5000000, 5020000), (5060000, 80000))


def test_negative_delay_within_the_clocks_resolution_is_zero():
    equal(sntp.solve(100, 5000000, 5000600), (5000600, 0))


def test_answer_gives_receive_time_transmit_time_and_root_distance():
    packet = bytearray(REPLY + NONCE + NOON_2026 + NOON_2026)
    packet[5:8] = b"\x00\x80\x00"  # root delay 1/2 s in 16.16
    packet[9:12] = b"\x00\x40\x00"  # root dispersion 1/4 s
    noon_us = (0xEDF0D1C0 - 2208988800) * 1000000 + 500000
    nonce = int.from_bytes(NONCE, "big")
    equal(sntp.parse(packet, nonce), (noon_us, noon_us, 500000))


def test_good_host_tells_the_time(ntp):
    sample = measure(ntp.good, ntp)
    assert_is_now(sample)
    assert 0 < sample[2] < 100000, sample


def test_chrony_tells_the_time(chrony):
    assert_is_now(measure(chrony.host, chrony))


def test_host_name_is_looked_up(chrony):
    assert_is_now(measure("localhost", chrony))


def test_unknown_host_name_is_an_os_error(ntp):
    with raises(OSError):
        measure("no-such-host.invalid", ntp)


def test_version_3_server_is_understood(ntp):
    assert_is_now(measure(ntp.version_3, ntp))


def test_ticks_are_those_of_the_answers_arrival(ntp):
    ticks = FakeTicks(12345)
    equal(sntp.measure(ntp.good, ntp.port, 1000, 1, ticks)[1], 12345)


def test_round_trip_is_halved(ntp):
    sample = measure(ntp.slow_and_steady, ntp)
    assert_is_now(sample, 100000)
    assert sample[2] >= 100000, sample


def test_sample_with_the_shortest_round_trip_is_taken(ntp):
    sample = measure(ntp.slow_first, ntp, samples=2)
    assert_is_now(sample)
    assert sample[2] < 100000, sample


def test_second_sample_is_not_asked_for_after_a_short_round_trip(ntp):
    for _ in range(10):  # a busy machine may make it long a few times
        before = requests_seen(ntp.good, ntp)
        measure(ntp.good, ntp, samples=4)
        if requests_seen(ntp.good, ntp) == before + 1:
            return
    raise AssertionError("never a single request")


def test_error_bound_holds_what_the_server_says_of_its_own(ntp):
    assert measure(ntp.root_error_300ms, ntp)[2] >= 300000


def test_later_sample_that_is_refused_does_not_spoil_the_first(ntp):
    assert_is_now(measure(ntp.rate_after_first, ntp, samples=4))
    equal(requests_seen(ntp.rate_after_first, ntp), 2)


def test_late_duplicate_is_not_taken_for_the_next_answer(ntp):
    assert_is_now(measure(ntp.duplicates, ntp, timeout_ms=2000, samples=3), 100000)
    equal(requests_seen(ntp.duplicates, ntp), 3)


def test_right_answer_is_awaited_behind_strangers_forged_and_short_ones(ntp):
    assert_is_now(measure(ntp.strangers_first, ntp))


def test_answer_from_another_address_is_ignored(ntp):
    assert_ignored(ntp.from_other_address, ntp)


def test_answer_to_another_request_is_ignored(ntp):
    assert_ignored(ntp.wrong_originate, ntp, "answer to another request")


def test_short_packet_is_ignored(ntp):
    assert_ignored(ntp.short, ntp, "short packet")


def test_packet_that_is_no_servers_is_ignored(ntp):
    assert_ignored(ntp.client_mode, ntp, "no server's NTP packet")


def test_packet_of_an_older_protocol_is_ignored(ntp):
    assert_ignored(ntp.version_1, ntp, "no server's NTP packet")


def test_silent_host_is_asked_once_until_the_timeout(ntp):
    assert_ignored(ntp.silent, ntp)
    equal(requests_seen(ntp.silent, ntp), 1)


def test_forged_kiss_is_ignored(ntp):
    assert_ignored(ntp.kod_deny_forged, ntp, "answer to another request")


def test_kiss_ends_with_its_code(ntp):
    with raises(OSError) as caught:
        measure(ntp.kod_rate, ntp)
    equal(str(caught.value), "kiss-o'-death RATE")


def test_kiss_code_is_printable(ntp):
    assert_refused(ntp.kod_init, ntp, "kiss-o'-death IN??")


def test_leap_alarm_is_refused(ntp):
    assert_refused(ntp.unsynchronised, ntp, "not synchronised")


def test_stratum_16_is_refused(ntp):
    assert_refused(ntp.stratum16, ntp, "not synchronised")


def test_server_far_from_its_source_says_how_good_its_time_is(ntp):
    error_us = measure(ntp.far_from_root, ntp)[2]
    assert 1600000 <= error_us < 2000000, error_us


def test_server_that_has_lost_its_source_is_refused(ntp):
    assert_refused(ntp.lost_root, ntp, "too far")


def test_zero_transmit_timestamp_is_refused(ntp):
    assert_refused(ntp.zero_transmit, ntp, "no time")


def test_zero_receive_timestamp_is_refused(ntp):
    assert_refused(ntp.zero_receive, ntp, "no time")


def test_time_before_2020_is_refused(ntp):
    assert_refused(ntp.year_2000, ntp, "before 2020")


def test_server_that_took_longer_than_the_round_trip_is_refused(ntp):
    assert_refused(ntp.held_for_10s, ntp, "do not fit")


def test_server_that_answered_before_it_was_asked_is_refused(ntp):
    assert_refused(ntp.answered_before_asked, ntp, "do not fit")


def test_time_after_2036_is_understood(ntp):
    equal(measure(ntp.era1, ntp)[0] // 1000000, 2085978496 + 1000)


def test_wrap_of_the_microsecond_ticks_does_not_matter(ntp):
    ticks_us = sntp.ticks_us
    offset = (1 << 30) - 100000 - ticks_us()  # wraps within the 200 ms that the answer takes
    sntp.ticks_us = lambda: (ticks_us() + offset) & 0x3FFFFFFF
    try:
        assert_is_now(measure(ntp.slow_and_steady, ntp))
    finally:
        sntp.ticks_us = ticks_us


class Socket:
    """A real socket that counts itself, cannot be connected to 192.0.2.1, and wakes up early."""

    def __init__(self, module, *args):
        self._module = module
        self._real = socket.socket(*args)
        module.open += 1

    def connect(self, address):
        if address is self._module.unreachable:
            raise OSError(118, "unreachable")
        self._real.connect(address)

    def recv(self, size):
        if self._module.spurious:
            self._module.spurious -= 1
            raise OSError(11, "again")
        return self._real.recv(size)

    def close(self):
        self._module.open -= 1
        self._real.close()

    def setblocking(self, flag):
        self._real.setblocking(flag)

    def send(self, data):
        return self._real.send(data)


class SocketModule:
    """Stands in for the module `socket` inside sntp."""

    SOCK_DGRAM = socket.SOCK_DGRAM

    def __init__(self):
        self.open = 0
        self.spurious = 0
        self.unreachable = None
        self.opened = 0

    def socket(self, *args):
        self.opened += 1
        return Socket(self, *args)

    def getaddrinfo(self, host, port, *args):
        infos = socket.getaddrinfo(host, port, *args)
        if self.unreachable:
            infos = [infos[0][:-1] + (self.unreachable,)] + list(infos)
        return infos


class SelectModule:
    """Stands in for the module `select`: poll() of the real sockets behind Socket."""

    import select as _real

    POLLIN = _real.POLLIN

    def poll(self):
        poller = self._real.poll()

        class Poller:
            def register(self, sock, events):
                poller.register(sock._real, events)

            def poll(self, timeout_ms):
                return poller.poll(timeout_ms)

        return Poller()


def with_fake_sockets(function):
    real = sntp.socket, sntp.select
    fake = SocketModule()
    sntp.socket, sntp.select = fake, SelectModule()
    try:
        function(fake)
    finally:
        sntp.socket, sntp.select = real
    equal(fake.open, 0)
    assert fake.opened


def test_socket_is_closed_after_success(ntp):
    with_fake_sockets(lambda fake: measure(ntp.good, ntp))


def test_socket_is_closed_after_silence(ntp):
    with_fake_sockets(lambda fake: assert_ignored(ntp.silent, ntp))


def test_socket_is_closed_after_a_kiss(ntp):
    with_fake_sockets(lambda fake: assert_refused(ntp.kod_deny, ntp))


def test_next_address_is_tried_when_the_first_has_no_route(ntp):
    def check(fake):
        fake.unreachable = ("192.0.2.1", 123)
        assert_is_now(measure(ntp.good, ntp))
        equal(fake.opened, 2)

    with_fake_sockets(check)


def test_wake_up_without_a_packet_is_waited_out(ntp):
    def check(fake):
        fake.spurious = 2
        assert_is_now(measure(ntp.good, ntp))
        equal(fake.spurious, 0)

    with_fake_sockets(check)
