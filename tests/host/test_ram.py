"""Whether a configuration fits a board's RAM: what the model counts, and its words."""

import dataclasses
from typing import Any

import pytest

from tools.boards import profiles, ram
from tools.boards.ram import CASES, PLAIN, Ram, RamError, Verdict, check

HTTPS = CASES["https"]
BARE = {"mcu": "esp32", "psram_mb": 0, "firmware": "ESP32_GENERIC", "sensors": []}
ROOMY = BARE | {"psram_mb": 2}


def largest(config: dict[str, Any], figures: Ram = PLAIN) -> int:
    return check(BARE, config, figures).largest_ring


def test_largest_ring_fits_and_each_byte_too_many_is_counted() -> None:
    fits = check(BARE, HTTPS | {"ring_bytes": largest(HTTPS)})
    assert fits.state == "fits"
    assert fits.words == ""
    much = check(BARE, HTTPS | {"ring_bytes": largest(HTTPS) + fits.spare + 5000})
    assert (much.state, much.spare) == ("too large", -5000)


def test_what_leaves_less_than_the_margin_is_tight() -> None:
    spare = check(BARE, HTTPS | {"ring_bytes": largest(HTTPS)}).spare
    ring = largest(HTTPS) + spare - PLAIN.margin + 1
    verdict = check(BARE, HTTPS | {"ring_bytes": ring})
    assert (verdict.state, verdict.spare) == ("tight", PLAIN.margin - 1)
    assert f"use at most {largest(HTTPS)}, or a board with PSRAM" in verdict.words


def test_words_have_what_is_left_for_tls_and_what_it_needs() -> None:
    figures = dataclasses.replace(PLAIN, tcp=3000, tls=25_000, handshake=8000, own_root=2000)
    config = HTTPS | {"ca_file": "ca.der"}
    room = check(BARE, config, figures)
    ring = largest(config, figures)
    ring += check(BARE, config | {"ring_bytes": ring}, figures).spare + 35_000
    verdict = check(BARE, config | {"ring_bytes": ring}, figures)
    assert verdict.words == (
        f"ring_bytes: {ring} leaves 3 kB for a TLS handshake, it needs 38 kB: use at most "
        f"{room.largest_ring}, or a board with PSRAM"
    )


def test_http_needs_no_tls() -> None:
    http = CASES["http"]
    assert largest(http) > largest(HTTPS)
    words = check(BARE, http | {"ring_bytes": 100_000}).words
    assert "for TCP, it needs" in words


@pytest.mark.parametrize(
    ("more", "figure"),
    [
        ({"verify": False}, PLAIN.roots),
        ({"ca_file": "ca.der"}, PLAIN.roots - PLAIN.own_root),
        ({"sensors": HTTPS["sensors"][:-1]}, PLAIN.drivers["system"] + PLAIN.sensor),
        ({"sensors": HTTPS["sensors"] * 2}, -len(HTTPS["sensors"]) * PLAIN.sensor),
        (
            {"sensors": [*HTTPS["sensors"], {"driver": "bh1750"}]},
            -PLAIN.other_driver - PLAIN.sensor,
        ),
        ({"agent": {"url": "ws://a/"}}, -PLAIN.agent - PLAIN.agent_tcp),
        ({"agent": {"url": "wss://a/"}}, -PLAIN.agent - PLAIN.agent_tcp - PLAIN.tls),
        ({"sleep": {"interval_s": 9}}, PLAIN.firmware - PLAIN.sleeper),
        (
            {"sleep": {"interval_s": 9}, "agent": {"url": "wss://a/"}},
            PLAIN.firmware - PLAIN.sleeper,
        ),
    ],
)
def test_each_part_is_counted(more: dict[str, Any], figure: int) -> None:
    # A system with plenty, so that neither the ring's piece nor a further area's tables matter.
    figures = dataclasses.replace(PLAIN, system=1_000_000, work=100_000, area_cost=0.0)
    before, after = check(BARE, HTTPS, figures), check(BARE, HTTPS | more, figures)
    assert after.spare - before.spare == figure


def test_system_that_lacks_memory_is_not_helped_by_pythons() -> None:
    figures = dataclasses.replace(PLAIN, system=PLAIN.system - 60_000, library=0, firmware=0)
    verdict = check(BARE, HTTPS | {"ring_bytes": 256}, figures)
    assert verdict.state == "too large"
    assert verdict.largest_ring == 0


def test_ring_is_one_piece() -> None:
    nothing = Ram(0, 0, 0, 0, 0, 0, 0, 0, 0, area_cost=0.0, library=0, firmware=0, work=0, margin=0)
    halves = dataclasses.replace(nothing, system=40 * 1024, first_area=30 * 1024)
    assert largest({"sensors": []}, halves) == 40 * 1024


def test_sensors_are_those_of_the_board_if_none_are_named() -> None:
    named = {"sensors": [{"driver": "bme280"}, {"driver": "system"}]}
    carried = BARE | {"sensors": [{"driver": "bme280"}]}
    assert check(carried, {}).spare == check(BARE, named).spare


def test_default_ring_is_named_as_such() -> None:
    figures = dataclasses.replace(PLAIN, system=0)
    words = check(BARE, HTTPS, figures).words
    assert f"ring_bytes: {ram.ring_bytes({})}, the default, leaves nothing" in words


def test_agent_is_left_out_where_no_ring_helps() -> None:
    config = HTTPS | {"agent": {"url": "wss://a/"}, "ring_bytes": 256}
    figures = dataclasses.replace(PLAIN, agent=200_000)
    assert "leave out agent, or use a board with PSRAM" in check(BARE, config, figures).words
    many = HTTPS | {"sensors": [{"driver": "bme280"}] * 500}
    assert "use fewer sensors, or a board with PSRAM" in check(BARE, many).words


def test_psram_has_room_for_half_of_it() -> None:
    verdict = check(ROOMY, CASES["https, agent over wss"] | {"ring_bytes": 1 << 20})
    assert verdict == Verdict("fits", 0, 1 << 20)
    much = check(ROOMY, HTTPS | {"ring_bytes": (1 << 20) + 1})
    assert (much.state, much.largest_ring) == ("tight", 1 << 20)


@pytest.mark.parametrize(("mcu", "largest"), [("esp32", 2 << 20), ("esp32s3", 4 << 20)])
def test_esp32_reaches_only_half_of_eight_megabytes(mcu: str, largest: int) -> None:
    assert check(ROOMY | {"mcu": mcu, "psram_mb": 8}, HTTPS).largest_ring == largest


@pytest.mark.parametrize(
    "profile",
    [BARE | {"mcu": "esp32c3"}, BARE | {"ethernet": {}}],
)
def test_what_was_not_measured_is_only_warned(profile: dict[str, Any]) -> None:
    config = HTTPS | {"ring_bytes": 200_000}
    assert check(BARE, config).state == "too large"
    verdict = check(profile, config)
    assert verdict.state == "tight"
    assert "not measured" in verdict.words


@pytest.mark.parametrize("profile", [{}, BARE | {"firmware": None}, {"ethernet": {}}])
def test_board_of_which_nothing_is_known_takes_anything(profile: dict[str, Any]) -> None:
    assert check(profile, HTTPS | {"ring_bytes": 200_000}).state == "fits"


def test_what_does_not_fit_is_refused_unless_wanted() -> None:
    config = HTTPS | {"ring_bytes": 200_000}
    with pytest.raises(RamError, match=r"ring_bytes: 200000 leaves .*--anyway"):
        ram.warning(BARE, config, anyway=False)
    assert "ring_bytes: 200000 leaves" in ram.warning(BARE, config, anyway=True)
    assert ram.warning(ROOMY, config, anyway=False) == ""


def test_rows_of_the_page_are_what_the_model_says() -> None:
    for (name, config), (title, bare, _) in zip(CASES.items(), ram.rows(), strict=True):
        assert title == name
        verdict = check(BARE, config)
        if verdict.largest_ring:
            assert f"`ring_bytes` up to {verdict.largest_ring}" in bare
        else:
            assert "does not fit" in bare


def test_every_board_carries_its_own_sensors() -> None:
    """With the smallest ring, https and nothing else: what a profile says has to be of use."""
    for name in profiles.names():
        profile = profiles.load(profiles.BOARDS / f"{name}.json")
        assert check(profile, {"ring_bytes": 256}).state != "too large", name
