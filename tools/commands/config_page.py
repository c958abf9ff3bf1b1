"""The command `python -m tools configuration docs`: write the table of keys of docs/firmware.md."""

import argparse
import json
from typing import Any

from tools import pages
from tools.build import REPOSITORY

PAGE = REPOSITORY / "docs" / "firmware.md"
SCHEMA = REPOSITORY / "firmware" / "plexus.schema.json"


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser("configuration", help="write the page of the firmware's keys")
    commands = parser.add_subparsers(title="commands", metavar="<command>", required=True)
    pages.add_docs(commands, PAGE, text)


def text() -> str:
    """What the page has to be."""
    return pages.text(PAGE, {"keys": _keys})


def _keys() -> str:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    rows = []
    for key, field in schema["properties"].items():
        rows.append(_row(key, field, schema))
        inner = _resolved(field.get("items", field), schema)
        prefix = f"{key}[]" if field.get("type") == "array" else key
        if key != "sensors":
            for name, part in inner.get("properties", {}).items():
                rows.append(_row(f"{prefix}.{name}", part, schema))
    return pages.table(["Key", "Default", "Meaning"], rows)


def _row(key: str, field: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    field = {**_resolved(field, schema), **field}
    default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
    return [f"`{key}`", default, field.get("description", "").replace("|", "\\|")]


def _resolved(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in field:
        return schema["$defs"][field["$ref"].rpartition("/")[2]]
    return field
