"""Provisioning over the serial port: line by line, bounded, without a secret in any answer."""

import asyncio

from test_draft import Board

from firmware import config
from firmware.config import redacted
from firmware.setup.console import Console
from support import equal, raises


class Port:
    """A console on a board, with what it said."""

    def __init__(self, scratch, base=None):
        self.board = Board(scratch, base)
        self.said = []
        self.restarts = 0
        self.input = []
        self.console = Console(self.board.draft, self.state, self.restart, self.read, self.say)

    def say(self, line):
        self.said.append(line)

    def state(self):
        return "waiting for a configuration"

    def restart(self):
        self.restarts += 1

    def read(self, maximum):
        return self.input.pop(0) if self.input else b""

    def tell(self, *lines):
        """The answers to these lines."""
        del self.said[:]
        for line in lines:
            self.console.feed(line.encode() + b"\n")
        return list(self.said)


GOOD = (
    "PLEXUS:wifi_ssid=Café = Bar",
    "PLEXUS:wifi_password=pass=word",
    "PLEXUS:api_key=plx_secret",
    "PLEXUS:source_id=esp32-001",
    "PLEXUS:endpoint=http://10.0.0.1/ingest",
)


def test_a_fixture_configures_a_board(scratch):
    port = Port(scratch)
    equal(port.tell(*GOOD), ["PLEXUS:OK " + line[7:].split("=")[0] for line in GOOD])
    with raises(OSError):
        open(port.board.path)
    equal(port.restarts, 0)
    equal(port.tell("PLEXUS:COMMIT"), ["PLEXUS:SAVED"])
    equal(port.restarts, 1)
    saved = config.load(port.board.path)
    equal(redacted(saved["wifi"], None), [{"ssid": "Café = Bar", "password": "pass=word"}])
    equal((saved["api_key"], saved["source_id"]), ("plx_secret", "esp32-001"))


def test_a_commit_that_lacks_something_writes_nothing_and_names_it(scratch):
    port = Port(scratch)
    port.tell(*GOOD[:2])
    (said,) = port.tell("PLEXUS:COMMIT")
    assert said.startswith("PLEXUS:ERROR api_key: ") or said.startswith("PLEXUS:ERROR source_id: ")
    with raises(OSError):
        open(port.board.path)
    equal(port.restarts, 0)


def test_a_bad_value_is_refused_in_words_without_the_value(scratch):
    port = Port(scratch)
    for line in ("wifi_password=short", "api_key=with a blank", "source_id=UPPER",
                 "wifi_ssid=bell\x07bell", "board=../../plexus"):  # fmt: skip
        name, _, value = line.partition("=")
        (said,) = port.tell("PLEXUS:" + line)
        assert said.startswith("PLEXUS:ERROR %s: " % name), said
        assert value not in said, said


def test_an_unknown_key_is_not_said_again(scratch):
    (said,) = Port(scratch).tell("PLEXUS:plx_secret=api_key")
    assert said.startswith("PLEXUS:ERROR key: unknown; give one of api_key, "), said
    assert "plx_secret" not in said


def test_the_c_sdks_name_of_the_password_is_understood(scratch):
    port = Port(scratch)
    equal(port.tell("PLEXUS:wifi_pass=secret123"), ["PLEXUS:OK wifi_pass"])
    equal(port.board.draft.values, {"wifi_password": "secret123"})


def test_other_lines_are_left_alone(scratch):
    port = Port(scratch)
    equal(port.tell("", ">>> import os", "plexus:COMMIT", " PLEXUS:COMMIT", "x" * 1000), [])


def test_a_line_that_is_too_long_is_refused_whole_and_the_next_one_taken(scratch):
    port = Port(scratch)
    said = port.tell("PLEXUS:wifi_ssid=" + "x" * 100000, "PLEXUS:source_id=a")
    equal(said, ["PLEXUS:ERROR line: longer than 320 bytes", "PLEXUS:OK source_id"])
    equal(port.board.draft.values, {"source_id": "a"})


def test_what_is_no_utf8_is_refused(scratch):
    port = Port(scratch)
    port.console.feed(b"PLEXUS:wifi_ssid=\xff\xfe\nPLEXUS:\xff=1\nPLEXUS:\xffCOMMIT\n")
    starts = [line.partition(": ")[0] for line in port.said]
    equal(starts, ["PLEXUS:ERROR wifi_ssid", "PLEXUS:ERROR key", "PLEXUS:ERROR line"])


def test_a_line_may_come_in_pieces_and_end_in_cr_or_both(scratch):
    port = Port(scratch)
    for piece in (b"PLEX", b"US:sour", b"ce_id=a\r", b"\nPLEXUS:wifi_ssid=b\r\n"):
        port.console.feed(piece)
    equal(port.said, ["PLEXUS:OK source_id", "PLEXUS:OK wifi_ssid"])


def test_status_tells_what_is_there_without_secrets(scratch):
    base = {"api_key": "plx_secret", "source_id": "old",
            "wifi": [{"ssid": "attic", "password": "secret123"}]}  # fmt: skip
    port = Port(scratch, base)
    port.tell("PLEXUS:wifi_password=another-secret")
    said = port.tell("PLEXUS:STATUS")
    equal(said[-1], "PLEXUS:OK STATUS")
    for line in ("api_key=set", "board=mine", "source_id=old", "wifi_ssid=attic",
                 "state=waiting for a configuration", "not_written=wifi_password"):  # fmt: skip
        assert "PLEXUS:STATUS " + line in said, (line, said)
    for secret in ("plx_secret", "secret123", "another-secret"):
        assert secret not in " ".join(said)


def test_reset_forgets_and_restarts(scratch):
    port = Port(scratch)
    equal(
        port.tell("PLEXUS:source_id=a", "PLEXUS:RESET"), ["PLEXUS:OK source_id", "PLEXUS:OK RESET"]
    )
    equal((port.restarts, port.board.draft.values), (1, {}))


def test_it_reads_beside_other_tasks(scratch):
    port = Port(scratch)
    port.input = [b"PLEXUS:source", b"", b"_id=a\n"]

    async def main():
        task = asyncio.create_task(port.console.run())
        while len(port.said) < 2:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())
    equal(port.said, ["PLEXUS:READY", "PLEXUS:OK source_id"])
