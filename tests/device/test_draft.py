"""What a person gives a board: checked field by field, and written whole or not at all."""

import json
import os

from firmware import config
from firmware.config import Config, ConfigError, redacted
from firmware.setup.draft import FIELDS, Draft
from support import equal, raises

PROFILE = {"name": "mine", "title": "Mine", "mcu": "esp32", "buttons": []}


class Board:
    """A draft on an empty file system, with the profiles of two other boards."""

    def __init__(self, scratch, base=None, profile=PROFILE):
        self.path = scratch.path + "/plexus.json"
        self.profile_path = scratch.path + "/board.json"
        os.mkdir(scratch.path + "/boards")
        for name, mcu in (("other", "esp32"), ("foreign", "esp32c3")):
            with open("%s/boards/%s.json" % (scratch.path, name), "w") as file:
                json.dump({"name": name, "mcu": mcu}, file)
        with open(scratch.path + "/boards/schema.json", "w") as file:
            file.write("{}")
        base = Config(base) if base else None
        self.draft = Draft(base, profile, self.path, scratch.path + "/boards", self.profile_path)

    def fill(self, **values):
        given = {"wifi_ssid": "attic", "wifi_password": "secret123", "api_key": "plx_1"}
        given["source_id"] = "esp32-001"
        given.update(values)
        for field in given:
            self.draft.set(field, given[field])
        return self.draft


def test_what_was_given_is_written_at_once_when_it_is_saved(scratch):
    board = Board(scratch)
    draft = board.fill(endpoint="http://10.0.0.1:8000/ingest")
    with raises(OSError):
        open(board.path)
    draft.save()
    saved = config.load(board.path)
    equal(saved["api_key"], "plx_1")
    equal(saved["source_id"], "esp32-001")
    equal(saved["endpoint"], "http://10.0.0.1:8000/ingest")
    equal(redacted(saved["wifi"], None), [{"ssid": "attic", "password": "secret123"}])
    equal(draft.values, {})
    equal(draft.base["source_id"], "esp32-001")


def test_a_bad_value_is_refused_by_the_fields_name_and_not_said_again(scratch):
    board = Board(scratch)
    bad = {
        "wifi_ssid": ["", "x" * 33, "é" * 17, "a\x00"],
        "wifi_password": ["short", "x" * 65, "é" * 32],
        "api_key": ["", "plx 1", "ä"],
        "source_id": ["", "Upper", "-x"],
        "endpoint": ["ftp://x", "x"],
        "board": ["", "nobody", "../plexus", "schema"],
        "nothing": ["x"],
    }
    for field in bad:
        for value in bad[field]:
            with raises(ConfigError, ": ") as caught:
                board.draft.set(field, value)
            words = str(caught.value)
            assert words.startswith(field if field in FIELDS else "field"), words
            assert len(value) < 3 or value not in words, words
    equal(board.draft.values, {})


def test_what_is_missing_is_named(scratch):
    draft = Board(scratch).draft
    for field, value in (("wifi_ssid", "attic"), ("source_id", "a"), ("api_key", "plx_1")):
        with raises(ConfigError) as caught:
            draft.complete()
        missing = str(caught.value).partition(":")[0]
        assert missing in ("wifi_ssid", "source_id", "api_key"), missing
        assert missing not in draft.values
        draft.set(field, value)
    draft.complete()


def test_a_board_with_a_cable_needs_no_network(scratch):
    draft = Board(scratch, profile={"name": "mine", "mcu": "esp32", "ethernet": {}}).draft
    draft.set("source_id", "a")
    draft.set("api_key", "plx_1")
    equal(draft.complete()["wifi"], [])


def test_a_password_without_its_network_is_refused(scratch):
    draft = Board(scratch).draft
    draft.set("wifi_password", "secret123")
    with raises(ConfigError, "wifi_ssid: "):
        draft.complete()


BASE = {
    "api_key": "plx_old",
    "source_id": "old",
    "ring_bytes": 4096,
    "wifi": [
        {"ssid": "cellar", "password": "cellar-secret"},
        {"ssid": "attic", "password": "attic-secret", "address": "10.0.0.2/24",
         "gateway": "10.0.0.1"},
    ],
}  # fmt: skip


def test_what_is_not_given_stays_as_it_was(scratch):
    draft = Board(scratch, BASE).draft
    draft.set("source_id", "new")
    whole = draft.complete()
    equal((whole["source_id"], whole["api_key"], whole["ring_bytes"]), ("new", "plx_old", 4096))
    equal(redacted(whole["wifi"], None), BASE["wifi"])


def test_a_network_that_is_given_comes_first_and_keeps_its_settings(scratch):
    draft = Board(scratch, BASE).draft
    draft.set("wifi_ssid", "attic")
    networks = draft.complete()["wifi"]
    equal([network["ssid"] for network in networks], ["attic", "cellar"])
    equal((networks[0]["password"], networks[0]["gateway"]), ("attic-secret", "10.0.0.1"))
    draft.set("wifi_password", "another-one")
    equal(draft.complete()["wifi"][0]["password"], "another-one")
    equal(BASE["wifi"][1]["password"], "attic-secret")


def test_an_empty_password_opens_the_network(scratch):
    draft = Board(scratch, BASE).draft
    draft.set("wifi_ssid", "attic")
    draft.set("wifi_password", "")
    assert "password" not in draft.complete()["wifi"][0]


def test_another_board_takes_the_profiles_place(scratch):
    board = Board(scratch)
    equal(board.draft.boards(), ["foreign", "mine", "other"])
    board.fill(board="other").save()
    with open(board.profile_path) as file:
        equal(json.load(file)["name"], "other")


def test_the_board_that_it_is_needs_no_profile_to_be_copied(scratch):
    board = Board(scratch)
    board.fill(board="mine").save()
    with raises(OSError):
        open(board.profile_path)


def test_a_board_with_another_chip_is_refused(scratch):
    with raises(ConfigError, "board: ", "esp32"):
        Board(scratch).draft.set("board", "foreign")


def test_without_a_directory_of_boards_there_is_the_present_one(scratch):
    equal(Draft(None, PROFILE, boards=scratch.path + "/none").boards(), ["mine"])
    equal(Draft(boards=scratch.path + "/none").boards(), [])


def test_no_secret_is_in_the_configurations_repr(scratch):
    shown = repr(Board(scratch).fill().complete())
    assert "secret123" not in shown and "plx_1" not in shown, shown
