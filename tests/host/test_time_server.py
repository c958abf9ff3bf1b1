"""The built-in time server: it serves the time, and says what it is told to say."""

import time

import pytest

from plexus.clock import sntp
from plexus.port import ticks_ms
from tools.time_server import CHRONYD, HOST, Behaviour, TimeServer


def measure(server: TimeServer, host: str = HOST, timeout_ms: int = 5000) -> tuple[int, int, int]:
    """(epoch ms, ticks, error in us) as a device gets them."""
    epoch_us, ticks, error_us = sntp.measure(host, server.port, timeout_ms, 1, ticks_ms)
    return epoch_us // 1000, ticks, error_us


def test_it_counts_what_it_is_asked() -> None:
    with TimeServer(chrony=False) as server:
        for _ in range(3):
            measure(server)
        assert server.asked == 3


def test_two_serve_on_one_port_at_two_addresses() -> None:
    with (
        TimeServer(chrony=False) as first,
        TimeServer(host="127.0.0.2", port=first.port) as second,
    ):
        assert second.port == first.port
        measure(second, "127.0.0.2")
        assert (first.asked, second.asked) == (0, 1)


def test_its_time_can_step() -> None:
    with TimeServer(chrony=False) as server:
        server.behave(Behaviour(offset_ms=3_600_000))
        epoch_ms, _, _ = measure(server)
        assert abs(epoch_ms - 3_600_000 - time.time() * 1000) < 60_000
        server.behave(Behaviour())
        assert abs(measure(server)[0] - time.time() * 1000) < 60_000


def test_it_may_be_far_from_its_own_source() -> None:
    with TimeServer(chrony=False) as server:
        server.behave(Behaviour(dispersion_ms=2_000))
        assert measure(server)[2] > 1_900_000


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(synchronised=False), "not synchronised"),
        (Behaviour(kiss="RATE"), "kiss-o'-death RATE"),
        (Behaviour(dispersion_ms=17_000), "too far from its time source"),
        (Behaviour(silent=True), "no answer in 100 ms"),
    ],
)
def test_it_can_have_no_time_to_believe(behaviour: Behaviour, words: str) -> None:
    with TimeServer(chrony=False) as server:
        server.behave(behaviour)
        with pytest.raises(OSError, match=words):
            measure(server, timeout_ms=100 if behaviour.silent else 5000)
        assert server.asked == 1


@pytest.mark.skipif(CHRONYD is None, reason="chronyd is not installed: apt-get install chrony")
def test_chrony_does_not_do_as_it_is_told() -> None:
    with (
        TimeServer(chrony=True) as server,
        pytest.raises(TypeError, match="only the built-in server"),
    ):
        server.behave(Behaviour())
