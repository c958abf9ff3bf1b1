"""The tables of docs/boards.md, made from the profiles and the schema."""

from collections.abc import Callable, Iterator
from typing import Any

from tools import pages
from tools.boards import profiles, ram
from tools.boards.chips import ranges
from tools.boards.profiles import Profile

PAGE = profiles.REPOSITORY / "docs" / "boards.md"
_EVERYWHERE = ("source", "note")  # said once, in words


def text() -> str:
    """What the page has to be."""
    return pages.text(PAGE, TABLES)


def _boards() -> list[Profile]:
    return [profiles.load(profiles.BOARDS / f"{name}.json") for name in profiles.names()]


# --- the boards -----------------------------------------------------------------------------


def boards() -> str:
    head = ["Name", "Board", "Chip", "Flash", "PSRAM", "USB", "Firmware", "LED", "Battery"]
    return pages.table([*head, "Carries"], [_board(profile) for profile in _boards()])


def _board(profile: Profile) -> list[str]:
    firmware = profile["firmware"]
    if firmware and "firmware_variant" in profile:
        firmware += f" ({profile['firmware_variant']})"
    psram = f"{profile['psram_mb']} MB {profile['psram_bus']}" if profile["psram_mb"] else ""
    return [
        f"[{profile['name']}](../boards/{profile['name']}.json)",
        profile["title"],
        profile["chip"],
        f"{profile['flash_mb']} MB",
        psram,
        " and ".join(filter(None, [profile["usb"], profile.get("usb_bridge")])),
        firmware or "",
        _led(profile["led"]),
        _battery(profile["battery"]),
        ", ".join(sensor["driver"] for sensor in profile["sensors"]),
    ]


def _led(led: dict[str, Any] | None) -> str:
    if led is None:
        return ""
    kind = f"on when {led['active']}" if led["kind"] == "gpio" else led["kind"]
    return f"{led['pin']}, {kind}"


def _battery(battery: dict[str, Any] | None) -> str:
    if battery is None:
        return ""
    if "gauge" in battery:
        return f"{battery['gauge']} on {battery['bus']}"
    return f"{battery['pin']}, × {battery['divider']:g}"


def pins() -> str:
    head = ["Name", "I2C: SCL, SDA", "SPI: SCK, MOSI, MISO", "UART: TX, RX", "One-wire", "ADC"]
    rows = []
    for profile in _boards():
        reserved = {pin for entry in profile["reserved"] for pin in entry["pins"]}
        rows.append(
            [
                profile["name"],
                _buses(profile["i2c"], "scl", "sda"),
                _buses(profile["spi"], "sck", "mosi", "miso"),
                _buses(profile["uart"], "tx", "rx"),
                _buses(profile["onewire"], "pin"),
                ranges({adc["pin"] for adc in profile["adc"]}),
                ranges(reserved),
            ]
        )
    return pages.table([*head, "Leave to the board"], rows)


def _buses(buses: list[dict[str, Any]], *lines: str) -> str:
    return "; ".join(
        f"{bus['name']}: {', '.join(str(bus[line]) for line in lines)}" for bus in buses
    )


def memory() -> str:
    """What fits on which board."""
    return pages.table(["", "No PSRAM", "PSRAM"], ram.rows())


# --- the fields -----------------------------------------------------------------------------


def fields() -> str:
    """Each field of a profile, and of what it holds; a sensor entry's have a table of their own."""
    schema = profiles.load(profiles.SCHEMA)
    rows = [row for row in _fields(schema, schema, "") if "sensors[]." not in row[0]]
    return pages.table(["Field", "", "Meaning"], rows)


def sensor() -> str:
    """Each field of a sensor entry."""
    schema = profiles.load(profiles.SCHEMA)
    rows = list(_fields(schema["$defs"]["sensor"], schema, ""))
    return pages.table(["Field", "", "Meaning"], rows)


def _fields(owner: dict[str, Any], schema: dict[str, Any], prefix: str) -> Iterator[list[str]]:
    """Rows for the properties of an object, and below each for those of what it holds."""
    required = owner.get("required", [])
    for name, field in owner.get("properties", {}).items():
        target = _resolve(field, schema)
        if prefix and name in _EVERYWHERE:
            continue
        yield [f"`{prefix}{name}`", "" if name in required else "optional", _meaning(field, target)]
        if "properties" in target and name.endswith("_pin"):
            continue
        held = [(_resolve(target["items"], schema), "[]")] if "items" in target else []
        held += [(_resolve(choice, schema), "") for choice in target.get("oneOf", [target])]
        if isinstance(target.get("additionalProperties"), dict):
            held.append((target["additionalProperties"], "[...]"))
        for item, how in held:
            kind = item.get("properties", {}).get("kind", {}).get("const")
            yield from _fields(item, schema, f"{prefix}{name}{how}{f' ({kind})' if kind else ''}.")


def _resolve(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = field.get("$ref", "")
    return schema["$defs"][reference.removeprefix("#/$defs/")] if reference else field


def _meaning(field: dict[str, Any], target: dict[str, Any]) -> str:
    says = (field.get("description") or target["description"]).replace("<", "&lt;")
    choices = ", ".join(f"`{choice}`" for choice in target.get("enum", []))
    return f"{says} One of {choices}." if choices else says


TABLES: dict[str, Callable[[], str]] = {
    "boards": boards,
    "pins": pins,
    "memory": memory,
    "fields": fields,
    "sensor": sensor,
}
