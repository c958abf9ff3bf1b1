"""What a device is told: fields from arguments, PLEXUS_* variables, a CSV file or a person."""

import argparse
import csv
import getpass
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.boards.profiles import REPOSITORY

_LIBRARY = REPOSITORY / "lib"
# As the board's page and its serial protocol call them; and what they are, for who is asked.
FIELDS = {
    "wifi_ssid": "name of the WiFi network",
    "wifi_password": "its password; missing: the network is open",
    "api_key": "the key that Plexus showed when it was made, plx_...",
    "source_id": "the device's name at Plexus, such as esp32-001",
    "endpoint": "URL that readings are posted to",
    "board": "what board it is: a file of boards/",
}
_SECRET = ("wifi_password", "api_key")
_UNCLAIMED = "plx_unclaimed"  # stands for the key that a claim is to give


class SettingsError(Exception):
    """What is wrong with what was given, by field; the message quotes no secret."""


@dataclass(frozen=True)
class Settings:
    """One device's configuration, in order and whole. ca: what becomes of `config["ca_file"]`.

    line: of the CSV file, 0 if there is none.
    """

    config: dict[str, Any] = field(repr=False)
    board: str | None = None
    ca: Path | None = None
    line: int = 0

    @property
    def source_id(self) -> str:
        return self.config["source_id"]

    def redact(self, error: object) -> str:
        """The text of an error, with none of the secrets in it."""
        from firmware.config import secrets
        from firmware.redact import redact

        return redact(secrets(self.config), str(error))


@dataclass(frozen=True)
class Given:
    """What the command line, the environment and the --config file gave."""

    fields: dict[str, str] = field(repr=False)
    template: dict[str, Any] = field(repr=False)
    ca: Path | None = None

    def complete(
        self,
        profile: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
        line: int = 0,
    ) -> Settings:
        """The whole configuration of a board with this profile; `more` comes before the fields.

        SettingsError names the field that is missing or wrong.
        """
        from firmware.config import ConfigError
        from firmware.setup.draft import Draft

        fields = self.fields | dict(more or {})
        if more and "wifi_ssid" in more and "wifi_password" not in more:
            fields.pop("wifi_password", None)  # it belongs to another network
        try:
            draft = Draft(self.template, dict(profile))
            for name in FIELDS.keys() - {"board"} & fields.keys():
                draft.set(name, fields[name])
            config = draft.complete()
        except ConfigError as error:
            raise SettingsError(str(error)) from None
        if self.ca:
            config["ca_file"] = f"ca{self.ca.suffix.lower()}"
        elif "ca_file" in config:
            raise SettingsError(
                "ca_file: give the file with --ca; it becomes this one on the board"
            )
        return Settings(config, fields.get("board"), self.ca, line)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a command that configures devices."""
    for name, words in FIELDS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", help=words)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a plexus.json with all other settings"
    )
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="root certificate of a server of yours, DER or PEM"
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="a fleet: a device each line, with columns named like the fields (source_id, ...)",
    )
    parser.add_argument(
        "--start", metavar="SOURCE_ID", help="begin with this device of the CSV file"
    )
    parser.add_argument(
        "--no-check", action="store_true", help="do not ask the server whether it takes the key"
    )
    parser.epilog = (
        "Each field may also be an environment variable, PLEXUS_API_KEY and so on. Prefer that, or "
        "being asked, to --api-key and --wifi-password: others on this computer can see arguments, "
        "and the shell keeps them."
    )


def given(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Given:
    """What was given for all devices; arguments come before the environment."""
    find_library()
    fields = {}
    for name in FIELDS:
        value = getattr(options, name)
        if value is None:
            value = environment.get(f"PLEXUS_{name.upper()}")
        if value is not None:
            fields[name] = value
    if options.ca is not None and not options.ca.is_file():
        raise SettingsError(f"{options.ca}: there is no such file")
    template = _template(options.config) if options.config else {}
    if getattr(options, "claim", False):
        if "api_key" in fields or "api_key" in template:
            raise SettingsError("--claim: an API key is given as well; leave one of them out")
        fields["api_key"] = _UNCLAIMED
    return Given(fields, template, options.ca)


def fleet(path: Path, given: Given, start: str | None = None) -> list[Settings]:
    """The devices of a CSV file. SettingsError names the line and the field."""
    found: list[Settings] = []
    lines: dict[str, int] = {}
    for line, row in _rows(path):
        try:
            if "source_id" not in row:
                raise SettingsError("source_id: missing; each device has one of its own")
            board = row.get("board", given.fields.get("board"))
            device = given.complete(profile(board), row, line)
            if device.source_id in lines:
                raise SettingsError(f"source_id: the same as in line {lines[device.source_id]}")
        except SettingsError as error:
            raise SettingsError(f"{path.name}, line {line}: {error}") from None
        lines[device.source_id] = line
        found.append(device)
    if not found:
        raise SettingsError(f"{path.name}: there is no device in it, only a line of names")
    if start is None:
        return found
    if start not in lines:
        raise SettingsError(f"--start: {path.name} has no device of this source_id")
    return [device for device in found if device.line >= lines[start]]


def claim_key(devices: Iterable[Settings], say: Callable[[str], None]) -> None:
    """Give the devices that have none a key, one for all of them, as --claim asks for.

    say: tells the person what to do. SettingsError: there is none.
    """
    from plexus.url import INGEST
    from tools.commands.claim import ClaimError, claim

    without = [device for device in devices if device.config["api_key"] == _UNCLAIMED]
    if not without:
        return
    first = without[0]
    endpoints = {device.config.get("endpoint", INGEST) for device in without}
    if len(endpoints) > 1:
        raise SettingsError("--claim: the devices have several endpoints, and a key is for one")
    try:
        key = claim(endpoints.pop(), first.source_id, first.ca, say)
    except ClaimError as error:
        raise SettingsError(f"--claim: {error}") from None
    for device in without:
        device.config["api_key"] = key


def check_keys(devices: Iterable[Settings]) -> str:
    """Ask the servers whether they take the devices' keys, each once. SettingsError: one does not.

    With the board's own client, root certificates and words. A configuration without an endpoint
    gets the one that takes the key, where that is not the default. Returns that, "" if there is
    none.
    """
    from firmware.setup.connection_test import check_key

    asked = set()
    found: dict[tuple[str | None, str], str] = {}
    for device in devices:
        config = device.config
        what = (config.get("endpoint"), config["api_key"])
        if what in found:
            config["endpoint"] = found[what]
        if what in asked:
            continue
        asked.add(what)
        ours = config.copy() | ({"ca_file": str(device.ca)} if device.ca else {})
        words = check_key(ours)
        if words is None and "endpoint" in ours and "endpoint" not in config:
            config["endpoint"] = found[what] = ours["endpoint"]
        if words is not None:
            where = f"line {device.line}: " if device.line else ""
            raise SettingsError(
                f"{where}api_key: {device.redact(words)}\nnothing was written; --no-check goes "
                "without the server's word"
            )
    return next(iter(found.values()), "")


def address_for(config: Mapping[str, Any], ca: bytes | None = None) -> str:
    """Where the key of this configuration is taken, if its own address is gone; "": nowhere known.

    The key goes to no other server than it has: one of Plexus's two addresses stands for the other,
    and any other server is asked at its other path, /api/ingest or /ingest. ca: the content of its
    ca_file.
    """
    from firmware.setup import connection_test

    known = connection_test.ENDPOINTS
    own = config.get("endpoint", known[0])
    if own in known:
        others = [address for address in known if address != own]
    else:
        base, _, last = own.rpartition("/")
        root = base.removesuffix("/api")
        others = [] if last != "ingest" else [root + ("/ingest" if root != base else "/api/ingest")]
    with tempfile.TemporaryDirectory() as directory:
        for address in others:
            asked = {**config, "endpoint": address}
            if ca is not None:
                file = Path(directory) / Path(config["ca_file"]).name
                file.write_bytes(ca)
                asked["ca_file"] = str(file)
            if connection_test.check_key(asked) is None:
                return address
    return ""


def ask_missing(
    given: Given, profile: Mapping[str, Any], boards: list[str] | None, name: str
) -> Given:
    """Ask a person for what was not given. boards: to choose from, None: it is known already.

    name: what is proposed as the source_id.
    """
    fields = dict(given.fields)

    def ask(field: str, question: str, default: str = "") -> None:
        read = getpass.getpass if field in _SECRET else input
        fields[field] = _valid(field, lambda: _plain(field, read(question)) or default)

    if "wifi_ssid" not in fields and not (given.template.get("wifi") or "ethernet" in profile):
        ask("wifi_ssid", "WiFi network: ")
    known = [network["ssid"] for network in given.template.get("wifi", ())]
    ssid = fields.get("wifi_ssid")
    if ssid is not None and ssid not in known and "wifi_password" not in fields:
        ask("wifi_password", "its password (nothing for an open network): ")
    if "api_key" not in fields and "api_key" not in given.template:
        ask("api_key", "API key: ")
    if "source_id" not in fields and "source_id" not in given.template:
        ask("source_id", f"source_id, the device's name at Plexus [{name}]: ", name)
    if boards and "board" not in fields:
        print(f"boards with this chip: {', '.join(boards)}")
        ask("board", "board: ")
    return Given(fields, given.template, given.ca)


def profile(board: str | None) -> dict[str, Any]:
    """A board's profile; None: nothing is known of it."""
    from tools.artifacts.payload import PayloadError
    from tools.artifacts.payload import board as load

    if board is None:
        return {}
    try:
        return load(board)[0]
    except PayloadError as error:
        raise SettingsError(f"board: {error}") from None


def can_ask() -> bool:
    """Whether a person is there."""
    return sys.stdin.isatty()


def _valid(name: str, read: Callable[[], str]) -> str:
    from firmware.config import ConfigError
    from firmware.setup.draft import Draft
    from tools.boards import profiles

    while True:
        try:
            value = read()
            Draft(boards=str(profiles.BOARDS)).set(name, value)
            return value
        except EOFError:
            raise SettingsError(f"{name}: nothing was entered") from None
        except ConfigError as error:
            print(error)


def _plain(name: str, value: str) -> str:
    """Without spaces around it, but for those that may be meant."""
    return value if name.startswith("wifi_") else value.strip()


def find_library() -> None:
    """Let the modules of firmware/ find what they need of lib/."""
    if str(_LIBRARY) not in sys.path:
        sys.path.append(str(_LIBRARY))


def _template(path: Path) -> dict[str, Any]:
    from firmware.config import ConfigError, check
    from tools.boards import profiles

    try:
        found = profiles.load(path)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (profiles.ProfileError, UnicodeDecodeError) as error:
        words = error if isinstance(error, profiles.ProfileError) else "it is no UTF-8"
        raise SettingsError(f"{path}: {words}") from None
    try:
        # What it leaves open is given for each device.
        check({"api_key": "x", "source_id": "x"} | found if isinstance(found, dict) else found)
        if "nvs" in found:
            raise ConfigError("nvs: only provisioning writes it; remove it")
    except ConfigError as error:
        raise SettingsError(f"{path}: {error}") from None
    return found


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The lines of a CSV file: number, and the fields that are not empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: no UTF-8; save it as CSV UTF-8") from None
    first = text.split("\n", 1)[0]
    # Spreadsheets write semicolons where a comma is in the numbers.
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        for number, name in enumerate(names, 1):
            if name not in FIELDS or name in names[: number - 1]:
                # Not said again: without a line of names it may be a secret.
                raise SettingsError(
                    f"{path.name}: column {number} of the first line is none of "
                    f"{', '.join(FIELDS)}, or there twice; the first line has the columns' names"
                )
        reader.fieldnames = names
        found = []
        for row in reader:
            if None in row:
                raise SettingsError(f"{path.name}, line {reader.line_num}: more cells than names")
            cells = {name: _plain(name, value or "") for name, value in row.items()}
            filled = {name: value for name, value in cells.items() if value.strip()}
            if filled:
                found.append((reader.line_num, filled))
        return found
    except csv.Error as error:
        # Of a line that cannot be read it has not counted the end.
        raise SettingsError(f"{path.name}, line {reader.line_num + 1}: {error}") from None
