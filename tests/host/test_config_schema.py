"""What a configuration may hold is the same in plexus.schema.json and in the rules of a board."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from firmware import config
from plexus import assemble, options, url
from plexus.sensors.sampling import entry
from tools.build import REPOSITORY
from tools.commands import config_page

SCHEMA = json.loads((REPOSITORY / "firmware" / "plexus.schema.json").read_text())
BOARD_SCHEMA = json.loads((REPOSITORY / "boards" / "schema.json").read_text())

Place = tuple[str | int, ...]


def ecma_pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    """JSON Schema's patterns are ECMAScript's, whose $ is the end, not the line's."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


VALIDATOR = validators.extend(Draft202012Validator, {"pattern": ecma_pattern})(SCHEMA)


def schema_allows(value: Any) -> bool:
    return VALIDATOR.is_valid(value) and not beyond_a_schema(value)


def beyond_a_schema(value: Any) -> bool:
    """Whether it breaks one of the rules that the schema's description states in words."""
    if any(isinstance(part, float) and part.is_integer() for part in parts(value)):
        return True
    networks = value.get("wifi", [])
    names = [network["ssid"] for network in networks]
    limits = [(name, 32) for name in names]
    limits += [(value.get("store", {}).get("path", ""), 64)]
    limits += [(value.get("ca_file", ""), 64), (value.get("$schema", ""), 200)]
    limits += [(sensor["driver"], 30) for sensor in value.get("sensors", [])]
    passwords = [network.get("password", "") for network in networks]
    limits += [(p, 63) for p in passwords if not re.fullmatch("[0-9a-fA-F]{64}", p)]
    if any(len(text.encode()) > maximum for text, maximum in limits):
        return True
    if any(len(network.get("password", 8 * " ").encode()) < 8 for network in networks):
        return True
    if len(set(names)) < len(names):
        return True
    urls = [value.get("endpoint", ""), value.get("agent", {}).get("url", "")]
    return any((port := re.match(r"\w+://[^/]*:(\d+)", u)) and int(port[1]) > 65535 for u in urls)


def parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from parts(part)


def device_allows(value: Any) -> bool:
    try:
        config.check(value)
    except config.ConfigError:
        return False
    return True


# Good configurations

HOST = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
PATH = st.from_regex(r"(:[1-9][0-9]{0,3})?(/[!-~]{0,20})?", fullmatch=True)
IPV4 = st.ip_addresses(v=4).map(str)
NAME = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
PASSWORD = st.one_of(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0x7E), min_size=8, max_size=63
    ),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), min_codepoint=0x800), min_size=3, max_size=15
    ),
    st.from_regex(r"[0-9A-Fa-f]{64}", fullmatch=True),
)
STATIC = st.fixed_dictionaries(
    {"address": st.builds("{}/{}".format, IPV4, st.integers(1, 30)), "gateway": IPV4},
    optional={"dns": IPV4},
)
NETWORK = st.builds(
    lambda network, static: network | static,
    st.fixed_dictionaries({"ssid": NAME}, optional={"password": PASSWORD}),
    st.one_of(st.just({}), STATIC),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=4,
)
SENSOR = st.fixed_dictionaries(
    {"driver": NAME},
    optional=dict.fromkeys((*entry.WHAT[1:], *entry.HOW, *entry.WORDS), ANYTHING),
)
FIELDS = {
    "$schema": NAME,
    "endpoint": st.builds("{}://{}{}".format, st.sampled_from(["http", "https"]), HOST, PATH),
    "ca_file": NAME,
    "verify": st.booleans(),
    "wifi": st.lists(NETWORK, max_size=8, unique_by=lambda network: network["ssid"]),
    "ethernet": st.just({}) | STATIC,
    "hostname": st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?", fullmatch=True),
    "country": st.from_regex("[A-Z]{2}", fullmatch=True),
    "ring_bytes": st.integers(256, 8388608),
    "flush_interval_ms": st.integers(0, 86400000),
    "flush_fill_percent": st.integers(1, 100),
    "batch_points": st.integers(1, 10000),
    "timeout_ms": st.integers(1, 600000),
    "keep_alive": st.booleans(),
    "ntp_hosts": st.lists(HOST, min_size=1, max_size=8),
    "ntp_port": st.integers(1, 65535),
    "sensors": st.lists(SENSOR, max_size=3),
    "watchdog_s": st.just(0) | st.integers(10, 3600),
    "status_s": st.integers(0, 3600),
    "led": st.booleans(),
    "sleep": st.fixed_dictionaries(
        {"interval_s": st.integers(1, 86400)}, optional={"send_every": st.integers(1, 1000)}
    ),
    "agent": st.fixed_dictionaries(
        {"url": st.builds("{}://{}{}".format, st.sampled_from(["ws", "wss"]), HOST, PATH)}
    ),
}
KEY = st.from_regex(r"[!-~]{1,256}", fullmatch=True)
SOURCE = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,60}", fullmatch=True)
GOOD = st.one_of(
    st.fixed_dictionaries({"api_key": KEY, "source_id": SOURCE}, optional=FIELDS),
    st.fixed_dictionaries({"nvs": st.sampled_from("ab"), "source_id": SOURCE}, optional=FIELDS),
)


thorough = settings(max_examples=200)


@thorough
@given(GOOD)
def test_both_allow_what_is_good(value: dict[str, Any]) -> None:
    if any(isinstance(part, float) for part in parts(value)):
        value.pop("sensors")  # whose values the device does not look at
    assert not [error.message for error in VALIDATOR.iter_errors(value)]
    config.check(value)


@thorough
@given(GOOD)
def test_the_client_takes_what_the_configuration_allows(value: dict[str, Any]) -> None:
    options.check_source(value["source_id"])
    options.check_key(value.get("api_key", "x"))
    options.check_ntp(value.get("ntp_hosts", ["x"]), value.get("ntp_port", 123))
    url.split_url(value.get("endpoint", "https://x"))


# Broken ones: something in a good one is replaced, removed, or added.

VALUES = [
    *("", " ", "a\n", "A", "-a", "a-", ".a", "a b", "\x7f", "é" * 17, "é" * 40, "x" * 7, "x" * 8),
    *("x" * 63, "x" * 64, "0" * 64, "g" * 64, "f" * 64 + "\n", "0" * 65, "a" * 256, "a" * 257),
    *("a" * 30, "a" * 31, "a" * 32, "a" * 33, "DE", "DE\n", "DEU", "١٢", "²", "a", "c", None),
    *("1.2.3.4", "1.2.3.04", "1.2.3.256", "1.2.3.255", "1.2.3", "1.2.3.4.5", "1.2.3.4\n"),
    *("1.2.3.4/24", "1.2.3.4/0", "1.2.3.4/1", "1.2.3.4/30", "1.2.3.4/31", "1.2.3.4/024"),
    *("1.2.3.4/", "1.2.3.04/24", "٣.2.3.4", "https://", "https://a", "https://a:", "https://a:0"),
    *("https://a:1/", "https://a:65535/x?y#z", "https://a:65536", "https://a:080"),
    *("https://me:x@a/", "https://me@a", "https://a/@", "http://a/ b", "http://a/é", "HTTPS://a"),
    *("ftp://a", "https://a?b", "https:/a", "https://a\n", "ws://a", "wss://a/b", "wss://"),
    *("https://[::1]/", "https://a/://", "https://a:1:2", "https://" + "a" * 248),
    *("https://" + "a" * 249, "ws://" + "a" * 251, "https://" + "a" * 254),
    *(-1, 0, 1, 2, 9, 10, 100, 101, 255, 256, 1000, 1001, 3600, 3601, 10000, 10001, 65535, 65536),
    *(86400, 86401, 600000, 600001, 8388608, 8388609, 86400000, 86400001, True, False),
    *(10.0, 0.0, 120.5, 1e300, [], {}, [{}], [[]], [""], {"url": ""}, {"interval_s": 0}),
    *([{"driver": ""}], [{"ssid": ""}], ["a"] * 8, ["a"] * 9, [{"driver": "a"}] * 65),
]
NEAR = st.one_of(ANYTHING, st.integers(-1, 70000), st.sampled_from(VALUES))


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


def at(value: Any, path: Place) -> Any:
    for key in path:
        value = value[key]
    return value


@st.composite
def broken(draw: st.DrawFn) -> Any:
    value = copy.deepcopy(draw(GOOD))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(
            st.sampled_from([p for p in places(value) if p[:1] != ("sensors",) or len(p) < 4])
        )
        match draw(st.sampled_from(["replace", "remove", "add", "twice"])):
            case "replace" if path:
                at(value, path[:-1])[path[-1]] = draw(NEAR)
            case "remove" if path:
                del at(value, path[:-1])[path[-1]]
            case "add" if isinstance(at(value, path), dict):
                known = [*SCHEMA["properties"], "gateway", "address", "dns", "Wifi", "driver"]
                at(value, path)[draw(st.sampled_from(known))] = draw(NEAR)
            case "twice" if isinstance(at(value, path), list) and at(value, path):
                at(value, path).append(copy.deepcopy(at(value, path)[0]))
    return value


@thorough
@given(broken())
def test_both_refuse_what_is_broken(value: dict[str, Any]) -> None:
    looked_at = {key: part for key, part in value.items() if key != "sensors"}
    looked_at["sensors"] = shapes(value["sensors"]) if "sensors" in value else []
    assert device_allows(looked_at) == schema_allows(looked_at), describe(looked_at)


def shapes(sensors: Any) -> Any:
    """Sensors without the values that only the board's profile has rules for."""
    if not isinstance(sensors, list):
        return sensors
    return [
        {key: part if key == "driver" else None for key, part in sensor.items()}
        if isinstance(sensor, dict)
        else sensor
        for sensor in sensors
    ]


def describe(value: Any) -> str:
    try:
        config.check(value)
        device = "allows it"
    except config.ConfigError as error:
        device = str(error)
    schema = [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(value)]
    return f"device: {device}\nschema: {schema}"


FULL = {
    "$schema": "a",
    "api_key": "plx_x",
    "source_id": "a",
    "nvs": "a",
    "endpoint": "https://a",
    "ca_file": "ca.der",
    "verify": True,
    "store": {"path": "/sd/node", "bytes": 262144, "persist_interval_s": 30},
    "wifi": [
        {"ssid": "one", "password": "12345678"},
        {"ssid": "two", "address": "10.0.0.2/8", "gateway": "10.0.0.1", "dns": "10.0.0.1"},
        {"ssid": "three", "address": "10.0.0.2/8", "gateway": "10.0.0.1"},
    ],
    "ethernet": {"address": "10.0.0.2/8", "gateway": "10.0.0.1", "dns": "10.0.0.1"},
    "hostname": "a",
    "country": "DE",
    "ring_bytes": 16384,
    "flush_interval_ms": 10000,
    "flush_fill_percent": 75,
    "batch_points": 1000,
    "timeout_ms": 10000,
    "keep_alive": True,
    "ntp_hosts": ["a"],
    "ntp_port": 123,
    "sensors": [{"driver": "a"}],
    "watchdog_s": 120,
    "status_s": 60,
    "led": True,
    "sleep": {"interval_s": 300, "send_every": 6},
    "agent": {"url": "wss://a"},
}


def test_the_full_configuration_has_every_key() -> None:
    assert set(FULL) == set(SCHEMA["properties"])
    config.check(FULL)


@pytest.mark.parametrize("place", [place for place in places(FULL) if place], ids=str)
def test_both_agree_on_each_value_in_each_place(place: Place) -> None:
    for near in VALUES:
        value = copy.deepcopy(FULL)
        at(value, place[:-1])[place[-1]] = near
        assert device_allows(value) == schema_allows(value), describe(value)
    value = copy.deepcopy(FULL)
    del at(value, place[:-1])[place[-1]]
    assert device_allows(value) == schema_allows(value), describe(value)


@pytest.mark.parametrize("value", [None, [], 1, "x", [{}], True])
def test_both_refuse_what_is_no_object(value: Any) -> None:
    assert not device_allows(value)
    assert not VALIDATOR.is_valid(value)


SMALLEST = {"api_key": "plx_x", "source_id": "a"}


@pytest.mark.parametrize(
    "fields",
    [
        {"watchdog_s": 120.0},
        {"wifi": [{"ssid": "é" * 17}]},
        {"wifi": [{"ssid": "a", "password": "é" * 32}]},
        {"wifi": [{"ssid": "a"}, {"ssid": "a", "password": "12345678"}]},
        {"endpoint": "https://a:65536/"},
    ],
)
def test_what_only_the_device_refuses_is_what_the_schema_says_in_words(fields: Any) -> None:
    assert VALIDATOR.is_valid(SMALLEST | fields)
    assert not device_allows(SMALLEST | fields)
    assert beyond_a_schema(SMALLEST | fields)


# What the schema says besides


def test_the_schema_is_one_and_describes_each_key() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for key, rule in SCHEMA["properties"].items():
        assert rule.get("description"), key


def test_defaults_are_those_of_the_device_and_of_the_client() -> None:
    client = assemble._DEFAULTS
    for key, rule in SCHEMA["properties"].items():
        if key in config.DEFAULTS:
            usual = config.DEFAULTS[key]
            assert rule.get("default") == (list(usual) if usual == () else usual), key
        elif key in client and key not in ("api_key", "source_id", "ntp_hosts"):
            assert rule.get("default") == client[key], key
    assert "ntp_hosts" in client


def test_a_sensors_keys_are_those_of_the_board_profiles() -> None:
    keys = set(SCHEMA["$defs"]["sensor"]["properties"])
    assert keys == {*entry.WHAT, *entry.HOW, *entry.WORDS}
    assert keys == set(BOARD_SCHEMA["$defs"]["sensor"]["properties"])


def test_the_boards_own_sensors_may_stand_in_a_configuration() -> None:
    for path in sorted(Path(REPOSITORY / "boards").glob("*.json")):
        sensors = json.loads(path.read_text()).get("sensors")
        if isinstance(sensors, list):
            config.check(SMALLEST | {"sensors": sensors})


def test_the_page_has_the_keys_of_the_schema() -> None:
    assert config_page.PAGE.read_text(encoding="utf-8") == config_page.text(), (
        "docs/firmware.md is stale: .venv/bin/python -m tools configuration docs"
    )
