"""The configuration: read, written in one piece, checked; and its secrets never shown."""

import json
import os

from flash import Flash, Mounted, PowerCut

import firmware.atomic_json as atomic
import firmware.config as config_module
from firmware.config import Config, ConfigError, check, load, redacted, save, secrets
from models import esp32
from support import equal, raises

KEY = "plx_canary_5f1e"
PASSWORD = "canary-password"
GOOD = {
    "api_key": KEY,
    "source_id": "esp32-001",
    "wifi": [{"ssid": "home", "password": PASSWORD}, {"ssid": "open"}],
}
ANOTHER = {
    "api_key": "plx_other",
    "source_id": "esp32-002",
    "wifi": [{"ssid": "home", "password": "another-password"}],
}


def on_flash(value):
    return Flash({"plexus.json": json.dumps(value).encode()})


def loaded(flash):
    with Mounted(atomic, flash):
        return load()


def given(config):
    """What a loaded configuration says, without what is usual."""
    plain = redacted(config, None)
    for name in ("keep_alive", "watchdog_s", "led", "status_s", "nvs"):
        plain.pop(name, None)
    return plain


def refused(part, **fields):
    """The error for a good configuration with these fields: the words, which quote no secret."""
    config = dict(GOOD)
    config.update(fields)
    with raises(ConfigError, part) as caught:
        check(config)
    words = str(caught.value) + repr(caught.value)
    assert KEY not in words and PASSWORD not in words, words
    return words


# Reading


def test_what_a_file_leaves_out_is_as_usual():
    config = loaded(on_flash({"api_key": KEY, "source_id": "a"}))
    equal(config["wifi"], [])
    equal((config["keep_alive"], config["watchdog_s"], config["led"]), (True, 120, True))
    config = loaded(on_flash({"api_key": KEY, "source_id": "a", "led": False, "watchdog_s": 0}))
    equal((config["watchdog_s"], config["led"]), (0, False))


def test_mark_of_utf_8_that_an_editor_puts_is_skipped():
    text = b"\xef\xbb\xbf" + json.dumps({"api_key": KEY, "source_id": "a"}).encode()
    equal(loaded(Flash({"plexus.json": text}))["source_id"], "a")


def test_no_file_is_told_apart_from_a_bad_one():
    with raises(OSError):
        loaded(Flash())
    with raises(ConfigError, "plexus.json: no JSON", "write it anew"):
        loaded(Flash({"plexus.json": b'{"api_key": "' + KEY.encode()}))
    with raises(ConfigError, "configuration: write an object"):
        loaded(Flash({"plexus.json": b"[]"}))
    with raises(ConfigError, "plexus.json: no JSON, or longer than"):
        loaded(Flash({"plexus.json": b"{" + b" " * 9000 + b"}"}))


def test_the_message_about_no_json_quotes_nothing_of_it():
    for text in (KEY, '{"api_key": %s}' % KEY, '{"api_key": "%s" "x"' % KEY, "\xff" + KEY):
        with raises(ConfigError) as caught:
            loaded(Flash({"plexus.json": text.encode()[1:]}))
        assert KEY[3:] not in str(caught.value) + repr(caught.value)


# Writing


def test_what_is_saved_is_what_is_loaded():
    flash = Flash()
    with Mounted(atomic, flash):
        save(GOOD)
        equal(given(load()), GOOD)
        save(load())
        equal(json.loads(flash.files["plexus.json"].decode()), GOOD)


def test_what_is_usual_is_not_written():
    flash = Flash()
    with Mounted(atomic, flash):
        save(dict(GOOD, wifi=[], led=True, watchdog_s=120, keep_alive=False))
    saved = json.loads(flash.files["plexus.json"].decode())
    equal(saved, {"api_key": KEY, "source_id": "esp32-001", "keep_alive": False})


def test_a_bad_configuration_is_not_saved():
    flash = on_flash(GOOD)
    with Mounted(atomic, flash), raises(ConfigError, "source_id"):
        save(dict(GOOD, source_id="No"))
    equal(given(loaded(flash)), GOOD)
    equal(flash.steps, 0)


def test_a_real_file_is_replaced_and_nothing_is_left_beside_it():
    path = "test_config_of_%s.json" % id(GOOD)
    try:
        save(GOOD, path)
        save(ANOTHER, path)
        equal(given(load(path)), ANOTHER)
        equal([name for name in os.listdir(".") if name.startswith(path)], [path])
    finally:
        os.remove(path)


def after_a_cut(first, fat=False, hide=None, stored=()):
    """(found, step) for a power cut before each step of saving ANOTHER over `first`."""
    cut_at = 0
    while True:
        esp32.stored.clear()
        esp32.stored.update(stored)
        flash = Flash(first, cut_at, fat)
        esp32.hooks["before_step"] = flash.step
        done = False
        with Mounted(atomic, flash):
            try:
                save(ANOTHER, hide=hide)
                done = True
            except PowerCut:
                pass
        esp32.hooks["before_step"] = None
        try:
            yield loaded(Flash(flash.files, fat=fat)), cut_at
        except OSError:
            yield None, cut_at
        if done:
            return
        cut_at += 1


def check_cuts(least_steps, **options):
    """A cut leaves the old configuration or the new one, and both happen."""
    found = []
    for config, _ in after_a_cut(**options):
        found.append(given(config))
        assert found[-1] in (GOOD, ANOTHER), redacted(found[-1])
    assert len(found) > least_steps
    equal(found[0], GOOD)
    equal(found[-1], ANOTHER)


def test_a_power_cut_leaves_the_old_configuration_or_the_new_one():
    check_cuts(4, first=on_flash(GOOD).files)


def test_a_power_cut_does_so_where_a_rename_is_not_atomic():
    check_cuts(5, first=on_flash(GOOD).files, fat=True)


def test_what_a_cut_left_is_safe_from_the_next_cut():
    # On FAT: only the new file is there. It is loaded; then a save is cut as soon as it begins.
    files = {"plexus.json.new": json.dumps(GOOD).encode()}
    flash = Flash(files, fat=True)
    with Mounted(atomic, flash):
        load()
    flash.cut_at = flash.steps + 1
    with Mounted(atomic, flash), raises(PowerCut):
        save(ANOTHER)
    equal(given(loaded(Flash(flash.files))), GOOD)


def test_a_power_cut_before_the_first_configuration_is_there_leaves_none_or_it():
    found = [config for config, _ in after_a_cut({})]
    equal(found[0], None)
    equal(given(found[-1]), ANOTHER)
    for config in found:
        assert config is None or given(config) == ANOTHER


# What is known to be in order


def test_a_configuration_is_known_once_it_was_found_in_order():
    with Mounted(atomic, on_flash(GOOD)):
        equal(config_module.is_known(), False)
        equal(config_module.remember(), True)
        equal(config_module.is_known(), True)


def test_another_configuration_is_not_known():
    flash = on_flash(GOOD)
    with Mounted(atomic, flash):
        config_module.remember()
        flash.files["plexus.json"] = json.dumps(dict(GOOD, status_s=7)).encode()
        equal(config_module.is_known(), False)


def test_other_secrets_in_nvs_are_not_known():
    with esp32.Installed(), Mounted(atomic, Flash()):
        save(GOOD, hide=True)
        config_module.remember()
        equal(config_module.is_known(), True)
        for key, blob in list(esp32.stored.items()):
            esp32.stored[key] = blob.replace(b"plx_", b"xyz_")
        equal(config_module.is_known(), False)


def test_what_another_version_has_checked_is_not_known():
    before = config_module.__version__
    with Mounted(atomic, on_flash(GOOD)):
        config_module.remember()
        config_module.__version__ = before + "-next"
        try:
            equal(config_module.is_known(), False)
        finally:
            config_module.__version__ = before


def test_what_is_no_configuration_is_not_known():
    for content in (None, b"", b"{", b"[]", b'{"nvs": 5}', b'{"nvs": "a"}'):
        flash = Flash()
        if content is not None:
            flash.files["plexus.json"] = content
        with Mounted(atomic, flash):
            equal((content, config_module.is_known()), (content, False))


def test_flash_that_is_full_knows_nothing():
    flash = on_flash(GOOD)
    flash.full = True
    with Mounted(atomic, flash):
        equal((config_module.remember(), config_module.is_known()), (False, False))


def test_what_is_trusted_is_not_checked_again():
    with Mounted(atomic, on_flash(dict(GOOD, status_s=-1))):
        with raises(ConfigError, "status_s"):
            load()
        equal(load(trusted=True)["status_s"], -1)


# NVS


def test_secrets_in_nvs_are_not_in_the_file():
    with esp32.Installed():
        flash = Flash()
        with Mounted(atomic, flash):
            save(GOOD, hide=True)
            text = flash.files["plexus.json"].decode()
            assert KEY not in text and PASSWORD not in text
            equal(given(load()), GOOD)


def test_secrets_stay_where_they_are():
    with esp32.Installed():
        flash = Flash()
        with Mounted(atomic, flash):
            save(GOOD, hide=True)
            changed = load()
            changed["source_id"] = "new-name"
            save(changed)
            assert KEY not in flash.files["plexus.json"].decode()
            equal(given(load()), dict(GOOD, source_id="new-name"))
            save(load(), hide=False)
            assert KEY in flash.files["plexus.json"].decode()
        equal(esp32.stored, {})


def test_secrets_that_are_no_longer_used_do_not_stay_in_nvs():
    with esp32.Installed(), Mounted(atomic, Flash()):
        save(GOOD, hide=True)
        save(ANOTHER, hide=True)
        equal(len(esp32.stored), 1)
        assert KEY.encode() not in list(esp32.stored.values())[0]


def test_a_power_cut_leaves_old_or_new_with_secrets_in_nvs():
    with esp32.Installed():
        flash = Flash()
        with Mounted(atomic, flash):
            save(GOOD, hide=True)
        stored = dict(esp32.stored)
        check_cuts(7, first=flash.files, stored=stored)
        check_cuts(5, first=flash.files, stored=stored, hide=False)
        check_cuts(6, first=on_flash(GOOD).files, hide=True)


def test_secrets_of_the_file_win():
    with esp32.Installed():
        flash = Flash()
        with Mounted(atomic, flash):
            save(GOOD, hide=True)
            file = json.loads(flash.files["plexus.json"].decode())
            file["api_key"] = "plx_by_hand"
            flash.files["plexus.json"] = json.dumps(file).encode()
            equal(load()["api_key"], "plx_by_hand")
            equal(load()["wifi"][0]["password"], PASSWORD)


def test_an_nvs_without_the_secrets_is_named_with_what_to_do():
    words = "nvs: this board's NVS does not hold the secrets; provision it again"
    flash = on_flash({"source_id": "a", "nvs": "a", "wifi": [{"ssid": "home"}]})
    with esp32.Installed():
        with raises(ConfigError, words):
            loaded(flash)
        for blob in (KEY, "[]", "{}", '{"api_key": "%s"}' % KEY, '{"api_key": 1, "wifi": 1}'):
            esp32.stored["plexus", "a"] = blob.encode()
            with raises(ConfigError, words) as caught:
                loaded(flash)
            assert KEY not in str(caught.value)
        bad = '{"api_key": "%s ", "wifi": {}}' % KEY
        esp32.stored["plexus", "a"] = bad.encode()
        with raises(ConfigError, "api_key: it is no key") as caught:
            loaded(flash)
        assert KEY not in str(caught.value)


def test_where_there_is_no_nvs_that_is_said():
    with raises(ConfigError, "nvs: only an ESP32 has it"):
        loaded(on_flash({"source_id": "a", "nvs": "a"}))
    flash = on_flash(GOOD)
    with Mounted(atomic, flash), raises(ConfigError, "nvs: only an ESP32 has it"):
        save(GOOD, hide=True)
    equal(given(loaded(flash)), GOOD)


# Secrets


def test_a_configuration_does_not_show_its_secrets():
    config = loaded(on_flash(GOOD))
    for text in (
        repr(config),
        str(config),
        "%s %r" % (config, config),
        "{}".format(config),
        repr(config["wifi"]),
        str(config["wifi"][0]),
        repr([config]),
        repr(redacted(config)),
        repr(redacted(GOOD)),
    ):
        assert KEY not in text and PASSWORD not in text, text
    assert "esp32-001" in repr(config)
    equal(redacted(config)["api_key"], "***")
    assert isinstance(config["wifi"][0], Config)


def test_secrets_are_listed_for_who_hides_them():
    equal(secrets(GOOD), [KEY, PASSWORD])
    equal(secrets({"source_id": "a"}), [])


def test_no_message_quotes_a_secret_wherever_it_stands():
    for field in sorted(GOOD_FIELDS):
        for value in (KEY, PASSWORD, [KEY], {"password": PASSWORD}, [{"ssid": KEY + "\n"}]):
            config = dict(GOOD)
            config[field] = value
            try:
                check(config)
            except ConfigError as error:
                words = str(error) + repr(error)
                assert KEY not in words and PASSWORD not in words, words
    refused("wifi[0].password", wifi=[{"ssid": "home", "password": PASSWORD + "\n"}])
    refused("wifi[0].password", wifi=[{"ssid": "home", "password": PASSWORD * 9}])
    refused("api_key", api_key=KEY + " ")
    refused("source_id", source_id=KEY + "\x00")
    refused("wifi[1].ssid", wifi=[GOOD["wifi"][0], GOOD["wifi"][0]])


# Rules, by the words of their errors. tests/host/test_config_schema.py has the rest.

GOOD_FIELDS = {
    "$schema": "../firmware/plexus.schema.json",
    "api_key": KEY,
    "source_id": "esp32-001",
    "endpoint": "http://10.0.0.1:8080/ingest",
    "ca_file": "ca.der",
    "verify": True,
    "wifi": [
        {"ssid": "home", "password": "0" * 64},
        {
            "ssid": "lab",
            "address": "192.168.1.5/24",
            "gateway": "192.168.1.1",
            "dns": "9.9.9.9",
        },
    ],
    "ethernet": {"address": "10.0.0.5/8", "gateway": "10.0.0.1", "dns": "9.9.9.9"},
    "hostname": "greenhouse-1",
    "country": "DE",
    "ring_bytes": 16384,
    "flush_interval_ms": 10000,
    "flush_fill_percent": 75,
    "batch_points": 1000,
    "timeout_ms": 10000,
    "keep_alive": True,
    "ntp_hosts": ["pool.ntp.org"],
    "ntp_port": 123,
    "sensors": [{"driver": "bme280", "interval_ms": 5000}],
    "watchdog_s": 120,
    "status_s": 60,
    "led": True,
    "sleep": {"interval_s": 300, "send_every": 6},
    "agent": {"url": "wss://app.plexus.company/ws/device"},
}


def test_a_password_is_measured_in_bytes():
    six = "\u65e5\u672c\u8a9e" * 2  # in 18 bytes
    for password in (six, "\u00e9" * 4, "\u00e9" * 31 + "a"):
        check(dict(GOOD_FIELDS, wifi=[{"ssid": "home", "password": password}]))
    for password in ("\u00e9" * 3 + "a", "\u00e9" * 32, "\U0001f511"):
        refused("wifi[0].password: write", wifi=[{"ssid": "home", "password": password}])


def test_every_field_may_be_given():
    check(GOOD_FIELDS)


def test_each_error_names_the_field_and_the_remedy():
    refused("apikey: unknown; remove it, or correct it to one of agent, api_key", apikey="x")
    refused("wifi[0].psk: unknown; remove it, or correct", wifi=[{"ssid": "a", "psk": "x"}])
    refused("wifi[1].ssid: missing; the network's name", wifi=[{"ssid": "a"}, {}])
    refused("wifi[0].ssid: write a text of 1 to 32 bytes", wifi=[{"ssid": "\u00e9" * 17}])
    refused("wifi[0].ssid: it has a control character", wifi=[{"ssid": "a\x07"}])
    refused("wifi[1].ssid: the name is there twice", wifi=[{"ssid": "a"}, {"ssid": "a"}])
    refused("wifi[0].password: write a text of 8 to 63 bytes", wifi=[{"ssid": "a", "password": ""}])
    refused("wifi: write a list of 0 to 8", wifi={"ssid": "a"})
    refused(
        "wifi[0].password: write a text of 8 to 63 bytes; an accented letter has 2, an emoji 4",
        wifi=[{"ssid": "a", "password": "\u00e9" * 32}],
    )
    refused("source_id: write 1 to 256 of a-z, 0-9", source_id="-a")
    refused("endpoint: write a URL that begins with https:// or http://", endpoint="ftp://a")
    refused("endpoint: leave out user and password", endpoint="https://me:%s@a/" % PASSWORD)
    refused("endpoint: the port is a number from 1 to 65535", endpoint="https://a:65536/")
    refused("agent.url: write a URL that begins with wss://", agent={"url": "https://a"})
    refused("sensors[0].pn: unknown; give driver, bus", sensors=[{"driver": "dht", "pn": 4}])
    refused("sensors[1].driver: missing", sensors=[{"driver": "dht"}, {}])
    refused("watchdog_s: write a whole number from 10 to 3600, or 0 for none", watchdog_s=5)
    refused("ring_bytes: write a whole number from 256 to 8388608", ring_bytes="16384")
    refused("led: write true or false", led=1)
    refused("sleep.interval_s: missing; the seconds from one wake", sleep={})
    refused("country: write the two capital letters", country="de")
    refused("nvs: only provisioning writes it", nvs="c")
    for given in ({"address": "10.0.0.2/24"}, {"gateway": "10.0.0.1"}, {"dns": "10.0.0.1"}):
        refused("missing; give address and gateway", wifi=[dict(given, ssid="a")])
        refused("missing; give address and gateway", ethernet=given)
    refused("ethernet.ssid: unknown; remove it", ethernet={"ssid": "a"})
    network = {"ssid": "a", "address": "10.0.0.2", "gateway": "10.0.0.1"}
    refused("wifi[0].address: write an IPv4 address with the bits", wifi=[network])


def test_what_is_required_is_asked_for():
    with raises(ConfigError, "source_id: missing; a name for this device"):
        check({"api_key": KEY})
    with raises(ConfigError, "api_key: missing; the key that Plexus showed"):
        check({"source_id": "a"})
    check({"source_id": "a", "nvs": "b"})
