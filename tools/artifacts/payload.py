"""What goes on a board: each file's path there and its content."""

import json
from pathlib import Path
from typing import Any

from tools.boards import profiles
from tools.build import LIBRARY, REPOSITORY, compiled, device_files
from tools.short_names import module_name

FIRMWARE = REPOSITORY / "firmware"
CONFIG = "/plexus.json"
BOARD = "/board.json"
# They run as source, and from the root.
STARTERS = ("/boot.py", "/main.py")
# Of a profile, what no program on a board reads.
_FOR_PEOPLE = (
    "$schema",
    "sources",
    "source",
    "note",
    "title",
    "vendor",
    "usb_bridge",
    "adc",
    "reserved",
)


class PayloadError(Exception):
    """Something that belongs on the board is not here; the message has the remedy."""


def library(arch: str, lines: bool = True) -> dict[str, bytes]:
    """lib/plexus, compiled; with line numbers if `lines`, which take 6 % more of a board's heap."""
    return _compiled(LIBRARY, device_files(LIBRARY), "/lib/", arch, lines)


def program(arch: str, lines: bool = True) -> dict[str, bytes]:
    """The firmware: its package compiled, boot.py and main.py as they are."""
    sources = [
        path
        for path in device_files(FIRMWARE)
        if path.name not in ("boot.py", "main.py", "manifest.py")
    ]
    files = _compiled(FIRMWARE.parent, sources, "/lib/", arch, lines)
    for path in STARTERS:
        files[path] = (FIRMWARE / path[1:]).read_bytes()
    return files


def board(name: str) -> tuple[dict[str, Any], bytes]:
    """A board's profile, and as the file that the board gets: small, as it stays in RAM."""
    if name not in profiles.names():
        raise PayloadError(
            f"no board is called {name!r}; there are {', '.join(profiles.names())}, and "
            "docs/boards.md says how to add one"
        )
    profile = profiles.load(profiles.BOARDS / f"{name}.json")
    return profile, json.dumps(_small(profile), separators=(",", ":"), ensure_ascii=False).encode()


def config(path: Path) -> bytes:
    """A configuration file, checked. PayloadError names the field, and never its value."""
    from jsonschema import Draft202012Validator

    try:
        content = profiles.load(path)
    except (OSError, UnicodeDecodeError) as error:
        raise PayloadError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    except profiles.ProfileError as error:
        raise PayloadError(f"{path}: {error}") from None
    validator = Draft202012Validator(profiles.load(FIRMWARE / "plexus.schema.json"))
    for error in sorted(validator.iter_errors(content), key=lambda error: error.json_path):
        # The message of the validator has the value in it, which may be a secret.
        schema = error.schema if isinstance(error.schema, dict) else {}
        wanted = schema.get("description", "see firmware/plexus.schema.json")
        raise PayloadError(f"{path}: {error.json_path}: breaks {error.validator!r}; {wanted}")
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _small(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _small(item) for key, item in value.items() if key not in _FOR_PEOPLE}
    if isinstance(value, list):
        return [_small(item) for item in value]
    return value


def _compiled(
    root: Path, sources: list[Path], target: str, arch: str, lines: bool
) -> dict[str, bytes]:
    files = {}
    for source in sources:
        path = source.relative_to(root)
        name = target + path.with_suffix(".mpy").as_posix()
        files[name] = compiled(source, arch, module_name(path), lines=lines, short=True)
    return files
