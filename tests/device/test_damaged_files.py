"""Whatever is in the board's files, it starts: what cannot be used is a problem that is told."""

import asyncio
import json

from flash import Flash, Mounted

import firmware.atomic_json as atomic
import firmware.config as config_module
import firmware.profile as profile_module
from clients import client
from firmware.button import held
from firmware.config import ConfigError, is_known, load, salvaged, save
from firmware.crashes import Crashes
from firmware.lights import Lights
from firmware.setup.draft import Draft
from models import machine
from support import equal

with machine.Installed():
    from firmware.factory import make_sampler

CONFIG = {
    "api_key": "plx_0123456789",
    "source_id": "esp32-001",
    "wifi": [{"ssid": "home", "password": "a long password"}, {"ssid": "open"}],
    "endpoint": "https://app.plexus.company/api/ingest",
    "sensors": [{"driver": "bme280", "interval_ms": 5000, "tags": {"room": "lab"}}],
    "ntp_hosts": ["a.example", "b.example"],
    "status_s": 30,
}
PROFILE = {
    "name": "test",
    "mcu": "esp32",
    "led": {"kind": "gpio", "pin": 2, "active": "high"},
    "buttons": [{"name": "boot", "pin": 0, "active": "low"}],
    "hold": {"pin": 5, "active": "high"},
    "i2c": [{"name": "i2c0", "id": 0, "scl": 22, "sda": 21, "freq_hz": 100000}],
}
CRASH = {"run": "early", "early": 2, "what": "OSError: 5", "trace": "a\nb", "told": False}
# What MicroPython's parser takes, or cannot, in place of JSON's own.
ODD = (
    b"",
    b"\0" * 40,
    b"\xff" * 40,
    b"{1: 2}",
    b"{null: 1, true: 2}",
    b"{[1]: 2}",
    b"[" * 3000,
    b'{"a":' * 1500,
    b"[]",
    b"3",
    b'"text"',
    b"null",
    b"1e999",
    b"-" * 20,
)


def flipped(text):
    """These bytes with each bit flipped, and cut at each place; and what is odd."""
    for at in range(len(text)):
        yield text[:at]
        for bit in range(8):
            yield text[:at] + bytes((text[at] ^ 1 << bit,)) + text[at + 1 :]
    for odd in ODD:
        yield odd


def damaged(value):
    """The JSON of `value`, flipped(), and with other values in place of its own."""
    for text in flipped(json.dumps(value).encode()):
        yield text
    for key in value:
        for other in (None, True, 5, -1, 1e300, "", "x", [], [5], {}, {"x": 5}, {1: 2}, 10**20):
            changed = dict(value)
            changed[key] = other
            yield json.dumps(changed).encode()


def test_a_damaged_configuration_is_refused_or_taken_and_nothing_else_is_raised():
    flash = Flash()
    with Mounted(atomic, flash):
        for text in damaged(CONFIG):
            flash.files["plexus.json"] = text
            equal(is_known(), False)
            try:
                load()
            except (ConfigError, OSError):
                pass
            # What can be kept of it can be set up anew.
            Draft(salvaged(), {}).clear()


def test_a_damaged_note_of_a_checked_configuration_is_as_none():
    flash = Flash()
    with Mounted(atomic, flash):
        save(CONFIG)
        assert config_module.remember() and is_known()
        for text in flipped(flash.files[config_module.CHECKED]):
            flash.files[config_module.CHECKED] = text
            equal(is_known(), False)


def test_a_damaged_record_of_crashes_is_read_as_far_as_it_goes():
    flash = Flash()
    with Mounted(atomic, flash):
        for text in damaged(CRASH):
            flash.files["crash.json"] = text
            crashes = Crashes()
            crashes.start(3)
            report = crashes.report()
            assert report is None or len(report) <= 256, text
            assert 0 <= crashes.restart_ms <= 60000, text
            crashes.stopped()


def test_a_damaged_profile_leaves_a_board_that_starts():
    flash = Flash()
    px = client("http://127.0.0.1:1/x")
    with machine.Installed(), Mounted(atomic, flash):
        for text in damaged(PROFILE):
            flash.files["board.json"] = text
            profile = profile_module.load()
            Lights(profile.get("led")).set("trouble")
            asyncio.run(held(profile, -1, -1))
            Draft({}, profile).boards()
            sampler, _, _ = make_sampler({}, profile, px, False)
            equal([channel.name for channel in sampler.channels][-1:], ["board"])


def test_what_is_whole_of_a_damaged_profile_is_used():
    good = PROFILE["i2c"][0]
    for part, value, left in (
        ("led", {"kind": 5, "pin": 2}, None),
        ("hold", [5], None),
        ("buttons", [{"name": "boot", "pin": True, "active": "low"}], []),
        ("i2c", [{"name": "i2c0"}, good, 5], [good]),
        ("i2c", {"name": "i2c0"}, None),
        ("i2c", [dict(good, power_pin={"pin": 7})], []),
        ("i2c", [dict(good, occupied=["0x68"])], []),
        ("battery", {"pin": 35, "divider": "2"}, None),
        ("name", 5, None),
    ):
        damaged_one = dict(PROFILE)
        damaged_one[part] = value
        with Mounted(atomic, Flash({"board.json": json.dumps(damaged_one).encode()})):
            found = profile_module.load()
        equal((part, found.get(part)), (part, left))
        for other in PROFILE:
            if other != part:
                equal(found[other], PROFILE[other])
