"""Board profiles: those of today are in order, every rule of the check bites, the page is fresh."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from firmware import profile as device_profile
from tools import __main__ as command
from tools.artifacts import payload
from tools.boards import page, profiles
from tools.boards.check import check, check_all
from tools.boards.chips import CHIPS, ranges
from tools.boards.firmware import IMAGES

SCHEMA = profiles.load(profiles.SCHEMA)
DRIVERS = {
    name: driver
    for name, driver in profiles.described().items()
    if name in ("bme280", "max31855", "gps", "dht", "adc", "system", "hx711", "pulses", "digital")
    or name in ("mhz19", "ds18b20", "lm75")
}

Profile = dict[str, Any]
Break = Callable[[Profile], Any]

PROMISED = [
    "adafruit-feather-esp32-s2",
    "adafruit-feather-esp32-s3",
    "adafruit-feather-esp32-v2",
    "adafruit-huzzah32",
    "adafruit-qtpy-esp32-s3",
    "esp32-c3-devkitm-1",
    "esp32-c6-devkitc-1",
    "esp32-devkitc-v4",
    "esp32-s3-devkitc-1",
    "feathers3",
    "lilygo-t-display",
    "lolin-c3-mini",
    "lolin-d32",
    "lolin-s2-mini",
    "lolin-s3-mini",
    "lolin32-lite",
    "m5stack-atoms3",
    "m5stack-core2",
    "m5stamp-c3",
    "m5stickc-plus2",
    "nodemcu-32s",
    "olimex-esp32-poe",
    "simulated",
    "sparkfun-thing-plus-c",
    "tinypico",
    "ttgo-t-beam",
    "wt32-eth01",
    "xiao-esp32c3",
    "xiao-esp32c6",
    "xiao-esp32s3",
]

# An ESP32 that has one of everything; what the tests break.
GOOD: Profile = {
    "$schema": "./schema.json",
    "name": "good",
    "title": "Good",
    "vendor": "Me",
    "mcu": "esp32",
    "chip": "ESP32-WROOM-32E",
    "flash_mb": 4,
    "psram_mb": 0,
    "usb": "bridge",
    "usb_bridge": "CP2102N",
    "firmware": "ESP32_GENERIC",
    "sources": {"schematic": "https://example.com/good.pdf"},
    "led": {
        "kind": "gpio",
        "pin": 2,
        "active": "high",
        "power_pin": {"pin": 13, "active": "high"},
        "source": "schematic",
    },
    "buttons": [
        {"name": "boot", "pin": 0, "active": "low", "source": "schematic"},
        {"name": "user", "pin": 34, "active": "low", "source": "schematic"},
    ],
    "i2c": [
        {
            "name": "i2c0",
            "id": 0,
            "scl": 32,
            "sda": 33,
            "freq_hz": 400000,
            "power_pin": {"pin": 13, "active": "high"},
            "source": "schematic",
        }
    ],
    "spi": [
        {
            "name": "spi1",
            "id": 1,
            "sck": 14,
            "mosi": 15,
            "miso": 35,
            "idle_high": [5],
            "source": "schematic",
        },
    ],
    "uart": [{"name": "uart1", "id": 1, "tx": 4, "rx": 39, "source": "schematic"}],
    "onewire": [{"name": "onewire0", "pin": 16, "source": "schematic"}],
    "adc": [
        {"pin": 33, "label": "A0", "source": "schematic"},
        {"pin": 36, "label": "A1", "source": "schematic"},
    ],
    "battery": {"pin": 36, "divider": 2.0, "source": "schematic"},
    "ethernet": {
        "phy": "lan8720",
        "address": 0,
        "mdc": 23,
        "mdio": 18,
        "power_pin": {"pin": 12, "active": "high"},
        "ref_clk": 17,
        "ref_clk_mode": "out",
        "source": "schematic",
    },
    "reserved": [
        {"pins": [6, 7, 8, 9, 10, 11], "why": "flash", "source": "schematic"},
        {"pins": [0, 2, 5, 12, 15], "why": "strapping", "source": "schematic"},
        {"pins": [1, 3], "why": "console", "source": "schematic"},
        {
            "pins": [19, 21, 22, 25, 26, 27],
            "why": "onboard",
            "note": "Ethernet",
            "source": "schematic",
        },
    ],
    "sensors": [
        {"driver": "bme280", "bus": "i2c0", "address": 118, "deadband": {"temperature": 0.1}},
        {"driver": "max31855", "bus": "spi1", "pins": {"cs": 5}, "prefix": "kiln."},
        {"driver": "adc", "pin": 36},
    ],
}


def bare(**fields: Any) -> Profile:
    """A profile with no pins but what is given."""
    empty = {key: [] for key in ("buttons", "i2c", "spi", "uart", "onewire", "adc", "sensors")}
    without = {k: v for k, v in GOOD.items() if k not in ("ethernet", "usb_bridge")}
    return without | empty | {"led": None, "battery": None} | fields


def reserved(**pins: list[int]) -> list[Profile]:
    return [
        {"pins": numbers, "why": why, "source": "schematic", "note": "as found"}
        for why, numbers in pins.items()
    ]


S3_OCTAL = bare(
    mcu="esp32s3",
    chip="ESP32-S3-WROOM-1-N8R8",
    flash_mb=8,
    psram_mb=8,
    psram_bus="octal",
    usb="native",
    firmware="ESP32_GENERIC_S3",
    firmware_variant="SPIRAM_OCT",
    reserved=reserved(
        flash=[27, 28, 29, 30, 31, 32],
        psram=[26, 33, 34, 35, 36, 37],
        strapping=[0, 3, 45, 46],
        usb=[19, 20],
        console=[43, 44],
    ),
)
S2 = bare(
    mcu="esp32s2",
    chip="ESP32-S2FN4R2",
    psram_mb=2,
    psram_bus="quad",
    usb="native",
    firmware="LOLIN_S2_MINI",
    reserved=reserved(
        flash=[27, 28, 29, 30, 31, 32], psram=[26], strapping=[0, 45, 46], usb=[19, 20]
    ),
)
PICO_V3_02 = bare(
    chip="ESP32-PICO-V3-02",
    flash_mb=8,
    psram_mb=2,
    psram_bus="quad",
    firmware_variant="SPIRAM",
    reserved=reserved(
        flash=[6, 11, 16, 17, 18, 23],
        psram=[9, 10],
        strapping=[0, 2, 5, 12, 15],
        console=[1, 3],
    ),
)


def gpio_led(pin: int) -> Profile:
    return {"kind": "gpio", "pin": pin, "active": "high", "source": "schematic"}


def problems(profile: Profile, folder: Path, name: str = "good.json") -> list[str]:
    path = folder / name
    path.write_text(json.dumps(profile))
    return check(path, Draft202012Validator(SCHEMA), DRIVERS)


# --- the profiles of today ------------------------------------------------------------------


def test_every_profile_is_in_order() -> None:
    assert check_all() == []


def board(name: str) -> Profile:
    return profiles.load(profiles.BOARDS / f"{name}.json")


@pytest.mark.parametrize("name", profiles.names())
def test_firmware_reads_every_profile_whole(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile, content = payload.board(name)
    path = tmp_path / "board.json"
    path.write_bytes(content)
    read = device_profile.load(str(path))
    for key, value in json.loads(content).items():
        assert read.get(key) == value
    assert profile["name"] == name and capsys.readouterr().out == ""


@pytest.mark.parametrize("name", profiles.names())
def test_bus_for_users_is_no_faster_than_the_slowest_sensor_bears(name: str) -> None:
    for bus in board(name)["i2c"][:1]:
        assert bus["freq_hz"] <= 100_000  # the SCD30


@pytest.mark.parametrize("name", ["m5stack-core2", "sparkfun-thing-plus-c"])
def test_selects_of_what_is_soldered_to_a_bus_are_kept_high(name: str) -> None:
    (bus,) = board(name)["spi"]
    words = re.findall(r"select (\d+)", bus["note"])
    assert words and bus["idle_high"] == sorted(int(word) for word in words)


def test_stick_keeps_its_power_on() -> None:
    hold = board("m5stickc-plus2")["hold"]
    assert (hold["pin"], hold["active"]) == (4, "high")


@pytest.mark.parametrize("name", ["m5stack-core2", "m5stickc-plus2", "m5stack-atoms3"])
def test_motion_sensor_of_a_board_has_a_prefix(name: str) -> None:
    # Its temperature is the chip's, not the room's.
    (imu,) = [sensor for sensor in board(name)["sensors"] if sensor["driver"] == "mpu6050"]
    assert imu["prefix"] == "imu."


def test_sensor_that_a_program_has_to_power_first_is_left_to_it() -> None:
    assert [sensor["driver"] for sensor in board("ttgo-t-beam")["sensors"]] == []


def test_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["boards", "check"]) == 0
    assert "boards are in order" in capsys.readouterr().out


def test_command_fails_with_a_line_for_each_problem(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "good.json").write_text(json.dumps(GOOD | {"led": gpio_led(6)}))
    monkeypatch.setattr("tools.boards.check.check_all", lambda: check_all(tmp_path))
    assert command.main(["boards", "check"]) == 1
    assert "boards/good.json: $.led.pin: GPIO 6 carries" in capsys.readouterr().out


def test_every_board_that_is_promised_is_there() -> None:
    assert set(PROMISED) <= set(profiles.names())


def test_page_is_that_of_today() -> None:
    assert page.PAGE.read_text() == page.text(), "run: python -m tools boards docs"


def test_stale_table_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stale = tmp_path / "boards.md"
    stale.write_text(page.PAGE.read_text().replace("| 15, on when high |", "| 16, on when high |"))
    monkeypatch.setattr(page, "PAGE", stale)
    assert stale.read_text() != page.text()


def test_page_shows_every_board_and_field() -> None:
    text = page.PAGE.read_text()
    for name in [
        *profiles.names(),
        *SCHEMA["properties"],
        *SCHEMA["$defs"]["sensor"]["properties"],
    ]:
        assert f"[{name}](" in text or f"`{name}`" in text, name


def test_example_of_the_page_is_in_order(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", page.PAGE.read_text(), re.DOTALL)
    assert example is not None
    assert problems(json.loads(example[1]), tmp_path, "greenhouse.json") == []


def test_worked_example_is_short() -> None:
    text = page.PAGE.read_text()
    assert text[text.index("## Adding a board") : text.index("## The fields")].count("\n") < 60


# --- the schema -----------------------------------------------------------------------------


def objects(schema: Any) -> Iterator[tuple[str, Profile]]:
    """Each property, item and definition of the schema, with a name for it."""
    if isinstance(schema, dict):
        for key in ("properties", "$defs"):
            yield from schema.get(key, {}).items()
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                yield key, schema[key]
        yield from ((f"oneOf {i}", choice) for i, choice in enumerate(schema.get("oneOf", [])))


def walk(schema: Profile, name: str = "profile") -> Iterator[tuple[str, Profile]]:
    yield name, schema
    for key, inner in objects(schema):
        yield from walk(inner, f"{name}.{key}")


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_field_is_described() -> None:
    for name, schema in walk(SCHEMA):
        described = "description" in schema or "$ref" in schema
        assert described, name


def test_no_object_takes_an_unknown_key() -> None:
    free = "profile.sensor.options"  # a driver's own keywords
    for name, schema in walk(SCHEMA):
        if schema.get("type") == "object" and name != free:
            assert "additionalProperties" in schema, name


# --- the check ------------------------------------------------------------------------------


def test_good_profiles_are_in_order(tmp_path: Path) -> None:
    for profile in (GOOD, S3_OCTAL, S2, PICO_V3_02):
        assert problems(profile, tmp_path) == [], profile["chip"]


def put(path: str, value: Any) -> Break:
    """A change of one place: put("i2c.0.scl", 34)."""

    def change(profile: Profile) -> None:
        *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        place: Any = profile
        for key in parents:
            place = place[key]
        place[last] = value

    return change


def add(path: str, value: Profile) -> Break:
    return lambda profile: profile[path].append({**value, "source": "schematic"})


def sensor(**entry: Any) -> Break:
    """One more sensor, of a profile that has three: its number is 3."""
    return lambda profile: profile["sensors"].append({"prefix": "more.", **entry})


def switch(pin: int) -> Profile:
    return {"pin": pin, "active": "high", "source": "schematic"}


BROKEN: list[tuple[Break, str]] = [
    # the schema
    (put("colour", "red"), r"\$: .*'colour' was unexpected"),
    (put("i2c.0.speed", 1), r"\$\.i2c\[0\]: .*'speed' was unexpected"),
    (put("i2c.0.scl", "32"), r"\$\.i2c\[0\]\.scl: '32' is not of type 'integer'; A GPIO number"),
    (put("led.active", "on"), r"\$\.led\.active: 'on' is not one of \['high', 'low'\]"),
    (put("mcu", "esp8266"), r"\$\.mcu: 'esp8266' is not one of"),
    (put("flash_mb", 3), r"\$\.flash_mb: 3 is not one of"),
    (put("psram_bus", "quad"), r"psram_bus"),
    (put("psram_mb", 4), r"'psram_bus' is a required property"),
    (put("firmware", None), r"\$\.firmware: None is not of type 'string'"),
    (put("usb", "native"), r"\$\.mcu: 'esp32' is not one of \['esp32s2', 'esp32s3'\]"),
    (put("usb", "serial-jtag"), r"\$\.mcu: 'esp32' is not one of"),
    (put("sources.schematic", "a drawing"), r"\$\.sources\.schematic: 'a drawing' does not match"),
    (lambda p: p["i2c"][0].pop("source"), r"\$\.i2c\[0\]: 'source' is a required property"),
    (lambda p: p["reserved"][3].pop("note"), r"\$\.reserved\[3\]: 'note' is a required property"),
    (put("sensors.0.address", 128), r"\$\.sensors\[0\]\.address: 128 is greater than"),
    (put("sensors.0.calibration", {"t": {"gain": 2}}), r"'gain' was unexpected"),
    # the file
    (put("name", "better"), r"\$\.name: 'better' is in good\.json; name the file after it"),
    # the chip
    (put("chip", "ESP32-UNHEARD"), r"\$\.chip: 'ESP32-UNHEARD' is no known chip .*chips\.py"),
    (put("onewire.0.pin", 24), r"\$\.onewire\[0\]\.pin: GPIO 24 does not exist on esp32"),
    (put("reserved.3.pins", [19, 21, 22, 24, 25, 26, 27]), r"\$\.reserved\[3\]\.pins: GPIO 24"),
    (put("onewire.0.pin", 20), r"GPIO 20 is not led out of ESP32-WROOM-32E"),
    (put("led.pin", 6), r"\$\.led\.pin: GPIO 6 carries the flash of .*; only reserved may name it"),
    (put("led.power_pin.pin", 7), r"\$\.led\.power_pin\.pin: GPIO 7 carries the flash"),
    (put("buttons.1.pin", 8), r"\$\.buttons\[1\]\.pin: GPIO 8 carries the flash"),
    (put("i2c.0.sda", 9), r"\$\.i2c\[0\]\.sda: GPIO 9 carries the flash"),
    (put("i2c.0.power_pin.pin", 9), r"\$\.i2c\[0\]\.power_pin\.pin: GPIO 9 carries the flash"),
    (put("spi.0.miso", 10), r"\$\.spi\[0\]\.miso: GPIO 10 carries the flash"),
    (put("uart.0.rx", 9), r"\$\.uart\[0\]\.rx: GPIO 9 carries the flash"),
    (put("spi.0.idle_high", [5, 11]), r"\$\.spi\[0\]\.idle_high\[1\]: GPIO 11 carries the flash"),
    (put("hold", switch(11)), r"\$\.hold\.pin: GPIO 11 carries the flash"),
    (put("sensors.1.pins.cs", 11), r"\$\.sensors\[1\]\.pins\.cs: GPIO 11 carries the flash"),
    (put("ethernet.power_pin.pin", 11), r"\$\.ethernet\.power_pin\.pin: GPIO 11 carries the flash"),
    # input only
    (put("led.pin", 37), r"\$\.led\.pin: GPIO 37 is input only on esp32; an output is needed"),
    (put("led.power_pin.pin", 39), r"\$\.led\.power_pin\.pin: GPIO 39 is input only"),
    (put("i2c.0.scl", 38), r"\$\.i2c\[0\]\.scl: GPIO 38 is input only"),
    (put("i2c.0.sda", 38), r"\$\.i2c\[0\]\.sda: GPIO 38 is input only"),
    (put("spi.0.sck", 38), r"\$\.spi\[0\]\.sck: GPIO 38 is input only"),
    (put("spi.0.mosi", 38), r"\$\.spi\[0\]\.mosi: GPIO 38 is input only"),
    (put("uart.0.tx", 38), r"\$\.uart\[0\]\.tx: GPIO 38 is input only"),
    (put("onewire.0.pin", 38), r"\$\.onewire\[0\]\.pin: GPIO 38 is input only"),
    (put("battery.enable_pin", {"pin": 38, "active": "low"}), r"enable_pin\.pin: GPIO 38 is input"),
    (
        put("led", {"kind": "dotstar", "pin": 2, "clock_pin": 38, "source": "schematic"}),
        r"\$\.led\.clock_pin: GPIO 38 is input only",
    ),
    (put("ethernet.ref_clk", 38), r"\$\.ethernet\.ref_clk: GPIO 38 is input only"),
    (put("ethernet.mdc", 38), r"\$\.ethernet\.mdc: GPIO 38 is input only"),
    (put("spi.0.idle_high", [38]), r"\$\.spi\[0\]\.idle_high\[0\]: GPIO 38 is input only"),
    (put("hold", switch(38)), r"\$\.hold\.pin: GPIO 38 is input only"),
    (put("sensors.1.pins.cs", 38), r"\$\.sensors\[1\]\.pins\.cs: GPIO 38 is input only"),
    (
        lambda p: p["sensors"].append({"driver": "dht", "pin": 38}),
        r"\$\.sensors\[3\]\.pin: GPIO 38 is input only",
    ),
    # analogue
    (put("adc.0.pin", 4), r"\$\.adc\[0\]\.pin: GPIO 4 is on ADC2, which WiFi takes; give .* 32 to"),
    (put("battery.pin", 25), r"\$\.battery\.pin: GPIO 25 is on ADC2"),
    (put("adc.0.pin", 16), r"\$\.adc\[0\]\.pin: GPIO 16 is no analogue input"),
    (put("sensors.2.pin", 4), r"\$\.sensors\[2\]\.pin: GPIO 4 is on ADC2"),
    (
        sensor(driver="system", pins={"battery": 27}),
        r"\$\.sensors\[3\]\.pins\.battery: GPIO 27 is on ADC2",
    ),
    # one pin for two things
    (
        put("led.pin", 32),
        r"\$\.i2c\[0\]\.scl: GPIO 32 is \$\.led\.pin as well; give one of them up",
    ),
    (put("i2c.0.sda", 32), r"\$\.i2c\[0\]\.sda: GPIO 32 is \$\.i2c\[0\]\.scl as well"),
    (put("onewire.0.pin", 4), r"\$\.onewire\[0\]\.pin: GPIO 4 is \$\.uart\[0\]\.tx as well"),
    (put("led.power_pin.pin", 2), r"\$\.led\.power_pin\.pin: GPIO 2 is \$\.led\.pin as well"),
    (put("adc.0.pin", 34), r"\$\.adc\[0\]\.pin: GPIO 34 is \$\.buttons\[1\]\.pin as well"),
    (put("onewire.0.pin", 27), r"\$\.ethernet: GPIO 27 is \$\.onewire\[0\]\.pin as well"),
    (put("spi.0.idle_high", [16]), r"\$\.onewire\[0\]\.pin: GPIO 16 is \$\.spi\[0\]\.idle_high"),
    (put("hold", switch(16)), r"\$\.onewire\[0\]\.pin: GPIO 16 is \$\.hold\.pin as well"),
    (put("sensors.1.pins.cs", 16), r"\$\.sensors\[1\]\.pins\.cs: GPIO 16 is \$\.onewire"),
    # reserved
    (put("onewire.0.pin", 1), r"\$\.onewire\[0\]\.pin: GPIO 1 is reserved for console"),
    (put("reserved.1.pins", [0, 2, 5, 12]), r'GPIO 15 of .* is not there; .*"why": "strapping"'),
    (put("reserved.0.pins", [6, 7, 8]), r'GPIO 9 to 11 of .* are not there; .*"why": "flash"'),
    (put("reserved.2.pins", [1]), r'GPIO 3 of .* is not there; add with "why": "console"'),
    (put("reserved.3.pins", [19, 21]), r'GPIO 22, 25 to 27 carry Ethernet; .*"why": "onboard"'),
    (put("reserved.0.pins", [4, 6, 7, 8, 9, 10, 11]), r"GPIO 4 has nothing to do with the flash"),
    (put("reserved.2.pins", [3, 1]), r"\$\.reserved\[2\]\.pins: .* not ascending; sort them"),
    # buses
    (
        add("onewire", {"name": "i2c0", "pin": 5}),
        r"\$\.onewire\[1\]\.name: 'i2c0' is \$\.i2c\[0\] as well; rename one",
    ),
    (
        add("uart", {"name": "uart2", "id": 1, "tx": 5, "rx": 37}),
        r"\$\.uart\[1\]\.id: 1 is \$\.uart\[0\]'s as well; change one",
    ),
    (put("buttons.1.name", "boot"), r"\$\.buttons\[1\]\.name: 'boot' is there twice; rename one"),
    (
        put("battery", {"gauge": "axp192", "bus": "i2c1", "source": "schematic"}),
        r"\$\.battery\.bus: no i2c bus is named 'i2c1'; the board has i2c0",
    ),
    # sensors
    (put("sensors.0.driver", "bme281"), r"lib/plexus/sensors has no 'bme281'; is it bme280\?"),
    (put("sensors.0.driver", "qqq"), r"\$\.sensors\[0\]\.driver: .* no 'qqq'; docs/sensors\.md"),
    (put("sensors.0.bus", "i2c9"), r"\$\.sensors\[0\]\.bus: no i2c bus is named 'i2c9'; .* i2c0"),
    (put("sensors.0.bus", "spi1"), r"\$\.sensors\[0\]\.bus: no i2c bus is named 'spi1'"),
    (
        lambda p: p["sensors"].append({"driver": "gps"}) or p["uart"].clear(),
        r"\$\.sensors\[3\]: gps is on uart, and the board has no uart; add one",
    ),
    (put("sensors.2.bus", "i2c0"), r"\$\.sensors\[2\]\.bus: adc is on no bus; leave it out"),
    (lambda p: p["sensors"][2].pop("pin"), r"\$\.sensors\[2\]: adc has no pin; add 'pin'"),
    (put("sensors.0.pin", 13), r"\$\.sensors\[0\]\.pin: bme280 takes none; leave it out"),
    (put("sensors.0.address", 64), r"\[0\]\.address: bme280 is never at 64; give one of 118, 119"),
    (
        put("sensors.2.address", 64),
        r"\$\.sensors\[2\]\.address: adc is on no i2c bus; leave it out",
    ),
    (
        lambda p: p["sensors"][1].pop("pins"),
        r"\$\.sensors\[1\]: max31855 has no cs; add it to pins",
    ),
    (
        sensor(driver="hx711", pins={"data": 38}),
        r"\$\.sensors\[3\]: hx711 has no clock; add it to pins",
    ),
    (sensor(driver="hx711"), r"\$\.sensors\[3\]: hx711 has no data; add it to pins"),
    (
        put("sensors.1.pins.select", 38),
        r"\$\.sensors\[1\]\.pins\.select: max31855 has no such keyword: cs",
    ),
    (
        put("sensors.0.options", {"speed": 1}),
        r"\$\.sensors\[0\]\.options\.speed: bme280 has no such keyword: oversampling",
    ),
    (
        put("sensors.0.options", {"address": 118}),
        r"\$\.sensors\[0\]\.options\.address: bme280 has no such keyword",
    ),
    (
        put("sensors.1.options", {"cs": 5}),
        r"\$\.sensors\[1\]\.options\.cs: it is there twice; keep one",
    ),
    (
        sensor(driver="pulses", pin=38),
        r'\$\.sensors\[3\]\.pin: GPIO 38 has no pull-up or -down on esp32; add .*"pull": null',
    ),
    (
        sensor(driver="digital", pin=38, options={"pull": "up"}),
        r"\$\.sensors\[3\]\.pin: GPIO 38 has no pull-up",
    ),
    (
        lambda p: p["sensors"].extend([{"driver": "gps"}, {"driver": "mhz19", "bus": "uart1"}]),
        r"\$\.sensors\[4\]\.bus: uart1 is \$\.sensors\[3\]'s as well; a UART serves one",
    ),
    (
        sensor(driver="bme280", prefix="other."),
        r"\$\.sensors\[3\]\.address: 118 on i2c0 is \$\.sensors\[0\]'s as well",
    ),
    (
        sensor(driver="bme280", address=119, prefix=""),
        r"\$\.sensors\[3\]\.prefix: humidity is \$\.sensors\[0\]'s as well; give",
    ),
    # sources
    (put("led.source", "guess"), r"\$\.led\.source: 'guess' is not in sources, .* schematic"),
    (put("reserved.0.source", "guess"), r"\$\.reserved\[0\]\.source: 'guess' is not in sources"),
    # firmware
    (
        put("firmware", "ESP33_GENERIC"),
        r"\$\.firmware: 'ESP33_GENERIC' is no image .*firmware\.py",
    ),
    (put("firmware", "LOLIN_C3_MINI"), r"\$\.firmware: LOLIN_C3_MINI is for esp32c3, not esp32"),
    (put("firmware_variant", "HUGE"), r"\$\.firmware_variant: ESP32_GENERIC has no 'HUGE'; .* OTA"),
    (put("flash_mb", 2), r"\$\.flash_mb: ESP32_GENERIC needs 4 MiB of flash"),
    (put("firmware_variant", "SPIRAM"), r"\$\.firmware_variant: 'SPIRAM' is for PSRAM"),
]


@pytest.mark.parametrize(("breaks", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_broken_profile_is_refused(breaks: Break, message: str, tmp_path: Path) -> None:
    profile = copy.deepcopy(GOOD)
    breaks(profile)
    found = problems(profile, tmp_path)
    assert any(re.search(message, problem) for problem in found), found


OTHER_CHIPS: list[tuple[Profile, Break, str]] = [
    (S3_OCTAL, put("led", gpio_led(35)), "GPIO 35 carries the PSRAM of ESP32-S3-WROOM-1-N8R8"),
    (S3_OCTAL, put("led", gpio_led(19)), "GPIO 19 is reserved for usb"),
    (S3_OCTAL, put("led", gpio_led(22)), "GPIO 22 does not exist on esp32s3"),
    (
        S3_OCTAL,
        put("reserved.1.pins", [26]),
        'GPIO 33 to 37 of .* are not there; add with "why": "psram"',
    ),
    (S3_OCTAL, put("reserved.3.pins", [20]), 'GPIO 19 of .* is not there; add with "why": "usb"'),
    (
        S3_OCTAL,
        lambda p: p.pop("firmware_variant"),
        "ESP32_GENERIC_S3 leaves the PSRAM unused; give 'SPIRAM_OCT'",
    ),
    (S2, put("led", gpio_led(26)), "GPIO 26 carries the PSRAM of ESP32-S2FN4R2"),
    (S2, put("led", gpio_led(46)), "GPIO 46 is input only on esp32s2"),
    (
        S2,
        put("firmware", "ESP32_GENERIC_S2"),  # unlike the board's own it has a REPL there
        'GPIO 43, 44 of .* are not there; add with "why": "console"',
    ),
    (S2, put("usb_bridge", "CP2102N"), 'GPIO 43, 44 of .* are not there; .*"why": "console"'),
    (
        S2,
        add("uart", {"name": "uart2", "id": 2, "tx": 4, "rx": 5}),
        r"\$\.uart\[0\]\.id: esp32s2 has no UART 2; lower it",
    ),
    (PICO_V3_02, put("led", gpio_led(9)), "GPIO 9 carries the PSRAM of ESP32-PICO-V3-02"),
    (PICO_V3_02, put("led", gpio_led(16)), "GPIO 16 carries the flash of ESP32-PICO-V3-02"),
]


@pytest.mark.parametrize(
    ("good", "breaks", "message"), OTHER_CHIPS, ids=[message for _, _, message in OTHER_CHIPS]
)
def test_broken_profile_of_another_chip_is_refused(
    good: Profile, breaks: Break, message: str, tmp_path: Path
) -> None:
    profile = copy.deepcopy(good)
    breaks(profile)
    found = problems(profile, tmp_path)
    assert any(re.search(message, problem) for problem in found), found


def test_each_package_of_esp32_has_its_own_flash_pins(tmp_path: Path) -> None:
    def led_on(chip: str, pin: int) -> list[str]:
        profile = bare(chip=chip, led=gpio_led(pin), reserved=GOOD["reserved"])
        return [p for p in problems(profile, tmp_path) if p.startswith("$.led")]

    assert led_on("ESP32-PICO-D4", 9) == []
    assert led_on("ESP32-PICO-D4", 17) != []
    assert led_on("ESP32-WROOM-32E", 9) != []
    assert led_on("ESP32-WROOM-32E", 17) == []


def test_psram_pins_are_free_without_psram(tmp_path: Path) -> None:
    profile = copy.deepcopy(S2) | {"psram_mb": 0, "led": gpio_led(26)}
    del profile["psram_bus"]
    profile["reserved"] = [entry for entry in profile["reserved"] if entry["why"] != "psram"]
    assert problems(profile, tmp_path) == []


def test_strapping_pin_may_have_an_led_or_a_button(tmp_path: Path) -> None:
    assert GOOD["led"]["pin"] in CHIPS["esp32"].strapping
    assert GOOD["buttons"][0]["pin"] in CHIPS["esp32"].strapping
    assert problems(GOOD, tmp_path) == []


def test_sensor_that_names_no_bus_is_on_the_first_of_its_kind(tmp_path: Path) -> None:
    profile = copy.deepcopy(GOOD)
    del profile["sensors"][0]["bus"]
    assert problems(profile, tmp_path) == []


def with_sensors(profile: Profile, folder: Path, *entries: Profile) -> list[str]:
    """What is wrong with a profile that has only these sensors."""
    return problems(profile | {"sensors": list(entries)}, folder)


def test_input_only_pin_counts_pulses_with_a_resistor_of_the_users(tmp_path: Path) -> None:
    entry = {"driver": "pulses", "pin": 37, "options": {"pull": None}}
    profile = bare(reserved=GOOD["reserved"], chip="ESP32-PICO-D4")
    reservations = reserved(
        flash=[6, 7, 8, 11, 16, 17], strapping=[0, 2, 5, 12, 15], console=[1, 3]
    )
    assert with_sensors(profile | {"reserved": reservations}, tmp_path, entry) == []


def test_select_that_is_kept_high_may_be_a_sensors(tmp_path: Path) -> None:
    assert GOOD["spi"][0]["idle_high"] == [GOOD["sensors"][1]["pins"]["cs"]]
    assert problems(GOOD, tmp_path) == []


def test_sensors_with_tags_or_prefixes_of_their_own_may_have_the_same_metrics(
    tmp_path: Path,
) -> None:
    one = {"driver": "bme280", "address": 118}
    for difference in ({"prefix": "roof."}, {"tags": {"where": "roof"}}):
        assert with_sensors(GOOD, tmp_path, one, {**one, "address": 119, **difference}) == []
    assert with_sensors(GOOD, tmp_path, one, {"driver": "ds18b20"}) == []  # tagged with its ROM id


def test_two_sensors_may_have_a_uart_each(tmp_path: Path) -> None:
    second = {"name": "uart2", "id": 2, "tx": 13, "rx": 34, "source": "schematic"}
    profile = copy.deepcopy(GOOD) | {"buttons": [], "led": None, "i2c": []}
    profile["uart"].append(second)
    entries = [{"driver": "gps"}, {"driver": "mhz19", "bus": "uart2"}]
    assert with_sensors(profile, tmp_path, *entries) == []


def test_metric_that_an_option_names_is_that_of_the_sensor(tmp_path: Path) -> None:
    one, other = {"driver": "adc", "pin": 36}, {"driver": "adc", "pin": 34}
    (problem,) = with_sensors(GOOD, tmp_path, one, other)
    assert "prefix: voltage is" in problem
    assert with_sensors(GOOD, tmp_path, one, {**other, "options": {"metric": "light"}}) == []


def test_chip_of_many_makers_may_have_addresses_of_its_own(tmp_path: Path) -> None:
    assert with_sensors(GOOD, tmp_path, {"driver": "lm75", "address": 40}) == []


def test_simulated_board_has_no_firmware(tmp_path: Path) -> None:
    simulated = copy.deepcopy(GOOD) | {"name": "simulated", "firmware": None}
    assert problems(simulated, tmp_path, "simulated.json") == []
    simulated["firmware"] = "ESP32_GENERIC"
    assert problems(simulated, tmp_path, "simulated.json") != []


def test_file_that_is_not_json_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "good.json"
    path.write_text('{\n  "name": "good",\n}\n')
    (problem,) = check(path, Draft202012Validator(SCHEMA), DRIVERS)
    assert re.match(r"\$: line [23]: .*; write JSON", problem)


def test_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "good.json"
    path.write_text('{"name": "good", "name": "bad"}')
    (problem,) = check(path, Draft202012Validator(SCHEMA), DRIVERS)
    assert problem == "$: 'name' is there twice in one object; keep one"


def test_problem_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(GOOD | {"name": "better"}))
    (problem,) = check_all(tmp_path)
    assert problem.startswith("good.json: $.name: ")


# --- facts and drivers ----------------------------------------------------------------------


@pytest.mark.parametrize("name", CHIPS)
def test_facts_of_a_chip_agree(name: str) -> None:
    chip = CHIPS[name]
    for pins in (chip.strapping, chip.console, chip.adc1, chip.adc2, chip.usb, chip.input_only):
        assert pins <= chip.gpios
    assert not chip.adc1 & chip.adc2
    for module in chip.modules:
        assert module.flash and module.flash <= chip.gpios
        assert not (module.flash | module.psram) & (chip.strapping | chip.console | chip.usb)


def test_every_image_is_of_a_known_chip() -> None:
    assert {image.mcu for image in IMAGES.values()} <= set(CHIPS)


def test_drivers_are_found_without_running_them(tmp_path: Path) -> None:
    sources = {
        "driver": "class Driver:\n    BUS = None\n    METRICS = {}\n",
        "i2c": "class I2CDriver(Driver):\n    BUS = 'i2c'\n",
        "ti_power": "class Monitor(I2CDriver):\n    METRICS = {'voltage': 'V'}\n",
        "crc": "def crc8(data):\n    return 0\n",
        "__init__": "raise SystemExit\n",
        "old": "import machine\nclass Old(I2CDriver):\n    METRICS = {'t': 'C'}\n",
        "ina219": "_ID = 1\nclass INA219(Monitor):\n    pass\n",
        "sensirion": "class Sensirion(I2CDriver):\n    pass\n",
        "pulses": "class Pulses(Driver):\n    BUS = 'pin'\n    METRICS = {'count': ''}\n",
        "system": "class System(Driver):\n    METRICS = {'uptime': 's'}\n",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    found = {"old": "i2c", "ina219": "i2c", "pulses": "pin", "system": None}
    assert profiles.drivers(tmp_path) == found


def test_constructor_and_addresses_of_a_driver_are_read_without_running_it(tmp_path: Path) -> None:
    sources = {
        "driver": "class Driver:\n    BUS = None\n    METRICS = {}\n",
        "spi": "class SPIDriver(Driver):\n    BUS = 'spi'\n"
        "    def __init__(self, spi, cs, fast=True): raise SystemExit\n",
        "max1": "class MAX1(SPIDriver):\n    METRICS = {'t': 'C'}\n",
        "scale": "class Scale(Driver):\n    BUS = 'pins'\n    METRICS = {'w': ''}\n"
        "    def __init__(self, data, clock): pass\n",
        "mcp": "class MCP(Driver):\n    BUS = 'i2c'\n    METRICS = {'t': 'C', 'h': '%'}\n"
        "    ADDRESSES = tuple(range(0x18, 0x1B))\n",
        "two": "class Two(Driver):\n    METRICS = {'t': 'C'}\n    ADDRESSES = (0x77, 0x76)\n"
        "    def __init__(self, gain=4, model=some.name): pass\n",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    assert profiles.described(tmp_path) == {
        "max1": profiles.Driver("spi", ("t",), (), ("cs",), {"fast": True}),
        "scale": profiles.Driver("pins", ("w",), (), ("data", "clock")),
        "mcp": profiles.Driver("i2c", ("t", "h"), (0x18, 0x19, 0x1A)),
        "two": profiles.Driver(None, ("t",), (0x77, 0x76), (), {"gain": 4, "model": None}),
    }


def test_numbers_are_written_as_people_do() -> None:
    assert ranges({5, 1, 2, 3, 7, 8}) == "1 to 3, 5, 7, 8"
