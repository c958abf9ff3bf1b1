"""The rules of a board profile that a JSON Schema cannot say: what the chip has, and conflicts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from tools.boards import entries, profiles
from tools.boards.chips import CHIPS, RMII, Chip, Module, Pins, ranges
from tools.boards.firmware import IMAGES, PSRAM_VARIANTS
from tools.boards.profiles import BUSES, Driver, Profile, ProfileError, bus_names, known_buses

_INPUTS = ("miso", "rx")  # of a bus; its other pins are driven
_READS_PIN = ("adc", "digital", "pulses")  # drivers that only read their pin
_SENSOR_OUTPUTS = ("cs", "clock")  # keywords of pins that a driver drives
_ANALOGUE = {("adc", "pin"), ("system", "battery")}  # a driver's pins that it reads the volts of

# What one pin may be twice, as two roles. An analogue input on a bus is the one or the other; a
# switch may serve several; a sensor may be what reads the battery, a button or an analogue input.
_SHARED = {
    frozenset(pair)
    for pair in (
        *(("adc", bus) for bus in BUSES),
        ("adc", "battery"),
        ("adc", "sensor"),
        ("battery", "sensor"),
        ("button", "sensor"),
        ("select", "sensor"),
        ("switch",),
    )
}


@dataclass(frozen=True)
class Use:
    """One pin in a profile: where it stands, what it is for, and whether the chip drives it."""

    path: str
    pin: int
    role: str
    driven: bool = False


def check_all(folder: Path = profiles.BOARDS) -> list[str]:
    """What is wrong with the profiles of a folder, a line each: file, JSON path, remedy."""
    validator = Draft202012Validator(profiles.load(profiles.SCHEMA))
    drivers = profiles.described()
    lines = []
    for path in sorted(folder.glob("*.json")):
        if path.name != profiles.SCHEMA.name:
            lines += [f"{path.name}: {problem}" for problem in check(path, validator, drivers)]
    return lines


def check(path: Path, validator: Draft202012Validator, drivers: Mapping[str, Driver]) -> list[str]:
    """What is wrong with one file. The chip's rules come only once the schema's hold."""
    try:
        profile = profiles.load(path)
    except ProfileError as error:
        return [f"$: {error}"]
    problems = [_schema_problem(error) for error in validator.iter_errors(profile)]
    if problems:
        return problems
    if profile["name"] != path.stem:
        return [f"$.name: {profile['name']!r} is in {path.name}; name the file after it"]
    return list(rules(profile, drivers))


def _schema_problem(error: ValidationError) -> str:
    # Of alternatives, that which fits best says most.
    found = best_match([error]) or error
    schema = found.schema if isinstance(found.schema, dict) else {}
    says = schema.get("description", "see boards/schema.json")
    return f"{found.json_path}: {found.message}; {says}"


def rules(profile: Profile, drivers: Mapping[str, Driver]) -> Iterator[str]:
    """Whatever breaks a rule, of a profile that fits the schema."""
    chip = CHIPS[profile["mcu"]]
    module = chip.module(profile["chip"])
    if module is None:
        yield (
            f"$.chip: {profile['chip']!r} is no known chip or module of {profile['mcu']}; correct "
            "it, or add it with its flash pins to tools/boards/chips.py"
        )
        return
    found = list(uses(profile))
    yield from _firmware(profile)
    yield from _sources(profile, "$", profile["sources"])
    yield from _reserved(profile, chip, module)
    yield from _buses(profile)
    yield from entries.rules(profile, chip, drivers)
    for use in found:
        yield from _pin(use, profile, chip, module)
    yield from _twice(found)


# --- what uses a pin ------------------------------------------------------------------------


def uses(profile: Profile) -> Iterator[Use]:
    """Every pin that a profile gives a purpose."""
    if "hold" in profile:
        yield Use("$.hold.pin", profile["hold"]["pin"], "hold", driven=True)
    led = profile["led"]
    if led is not None:
        yield Use("$.led.pin", led["pin"], "led", driven=True)
        if "clock_pin" in led:
            yield Use("$.led.clock_pin", led["clock_pin"], "led", driven=True)
        yield from _switch("$.led", led, "power_pin")
    for i, button in enumerate(profile["buttons"]):
        yield Use(f"$.buttons[{i}].pin", button["pin"], "button")
    for kind, lines in (
        ("i2c", ("scl", "sda")),
        ("spi", ("sck", "mosi", "miso")),
        ("uart", ("tx", "rx")),
        ("onewire", ("pin",)),
    ):
        for i, bus in enumerate(profile[kind]):
            for line in lines:
                yield Use(f"$.{kind}[{i}].{line}", bus[line], kind, line not in _INPUTS)
            for j, pin in enumerate(bus.get("idle_high", ())):
                yield Use(f"$.{kind}[{i}].idle_high[{j}]", pin, "select", driven=True)
            yield from _switch(f"$.{kind}[{i}]", bus, "power_pin")
    for i, adc in enumerate(profile["adc"]):
        yield Use(f"$.adc[{i}].pin", adc["pin"], "adc")
    battery = profile["battery"]
    if battery is not None and "pin" in battery:
        yield Use("$.battery.pin", battery["pin"], "battery")
        yield from _switch("$.battery", battery, "enable_pin")
    if "ethernet" in profile:
        yield from _ethernet(profile["ethernet"])
    for i, sensor in enumerate(profile["sensors"]):
        name = sensor["driver"]
        if "pin" in sensor:
            driven = name not in _READS_PIN
            yield Use(f"$.sensors[{i}].pin", sensor["pin"], _sensor_role(name, "pin"), driven)
        for line, pin in sensor.get("pins", {}).items():
            driven = line in _SENSOR_OUTPUTS
            yield Use(f"$.sensors[{i}].pins.{line}", pin, _sensor_role(name, line), driven)


def _sensor_role(driver: str, line: str) -> str:
    return "sensor adc" if (driver, line) in _ANALOGUE else "sensor"


def _switch(path: str, owner: dict[str, Any], key: str) -> Iterator[Use]:
    if key in owner:
        yield Use(f"{path}.{key}.pin", owner[key]["pin"], "switch", driven=True)


def _ethernet(ethernet: dict[str, Any]) -> Iterator[Use]:
    for line in ("mdc", "mdio"):
        yield Use(f"$.ethernet.{line}", ethernet[line], "ethernet", driven=True)
    yield Use(
        "$.ethernet.ref_clk", ethernet["ref_clk"], "ethernet", ethernet["ref_clk_mode"] == "out"
    )
    yield from _switch("$.ethernet", ethernet, "power_pin")
    for pin in sorted(RMII):
        yield Use("$.ethernet", pin, "ethernet")


# --- rules about one pin --------------------------------------------------------------------


def _pin(use: Use, profile: Profile, chip: Chip, module: Module) -> Iterator[str]:
    at = f"{use.path}: GPIO {use.pin}"
    mark = profile["chip"]
    reserved = {(pin, entry["why"]) for entry in profile["reserved"] for pin in entry["pins"]}
    memory = memory_pins(profile, chip, module)
    if use.pin not in chip.gpios:
        yield f"{at} does not exist on {profile['mcu']}; correct the number"
    elif use.pin in module.flash:
        yield f"{at} carries the flash of {mark}; only reserved may name it"
    elif use.pin in memory:
        yield f"{at} carries the PSRAM of {mark}; only reserved may name it"
    elif use.pin in module.missing:
        yield f"{at} is not led out of {mark}; correct the number, or chip"
    if use.driven and use.pin in chip.input_only:
        yield f"{at} is input only on {profile['mcu']}; an output is needed here"
    if use.role in ("adc", "battery", "sensor adc") and use.pin not in chip.adc1:
        what = "is on ADC2, which WiFi takes" if use.pin in chip.adc2 else "is no analogue input"
        yield f"{at} {what}; give one of ADC1: {ranges(chip.adc1)}"
    for why in ("usb", "console"):
        if (use.pin, why) in reserved:
            yield f"{at} is reserved for {why}; give another, or correct reserved"


def _twice(found: list[Use]) -> Iterator[str]:
    for i, one in enumerate(found):
        for other in found[:i]:
            roles = frozenset(use.role.split()[0] for use in (one, other))
            if one.pin == other.pin and roles not in _SHARED:
                yield f"{one.path}: GPIO {one.pin} is {other.path} as well; give one of them up"


# --- rules about the rest -------------------------------------------------------------------


def memory_pins(profile: Profile, chip: Chip, module: Module) -> Pins:
    """The pins of the PSRAM that the board has; they share most lines with the flash."""
    if not profile["psram_mb"]:
        return frozenset()
    octal = chip.octal if profile["psram_bus"] == "octal" else frozenset()
    return (module.psram | octal) - module.flash


def _reserved(profile: Profile, chip: Chip, module: Module) -> Iterator[str]:
    kinds: dict[str, set[int]] = {}
    for i, entry in enumerate(profile["reserved"]):
        path = f"$.reserved[{i}].pins"
        kinds.setdefault(entry["why"], set()).update(entry["pins"])
        if entry["pins"] != sorted(entry["pins"]):
            yield f"{path}: {entry['pins']} are not ascending; sort them"
        for pin in entry["pins"]:
            if pin not in chip.gpios:
                yield f"{path}: GPIO {pin} does not exist on {profile['mcu']}; leave it out"
    needed = {
        "flash": module.flash & chip.gpios,
        "psram": memory_pins(profile, chip, module),
        "strapping": chip.strapping,
        "usb": chip.usb if profile["usb"] in ("native", "serial-jtag") else frozenset(),
        "console": chip.console if _has_console_pins(profile) else frozenset(),
    }
    for why, pins in needed.items():
        given = kinds.get(why, set())
        if pins - given:
            yield (
                f"$.reserved: GPIO {ranges(pins - given)} of {profile['chip']} "
                f'{"is" if len(pins - given) == 1 else "are"} not there; add with "why": "{why}"'
            )
        if why in ("flash", "psram", "strapping") and given - pins:
            yield (
                f"$.reserved: GPIO {ranges(given - pins)} has nothing to do with the {why} of "
                f'{profile["chip"]}; leave it out of "why": "{why}"'
            )
    if "ethernet" in profile and RMII - kinds.get("onboard", set()):
        missing = ranges(RMII - kinds.get("onboard", set()))
        yield f'$.reserved: GPIO {missing} carry Ethernet; add with "why": "onboard"'


def _has_console_pins(profile: Profile) -> bool:
    image = IMAGES.get(profile["firmware"])
    wired = profile["usb"] in ("bridge", "none") or "usb_bridge" in profile
    return wired or (image is not None and image.uart_repl)


def _buses(profile: Profile) -> Iterator[str]:
    names: dict[str, str] = {}
    for kind in BUSES:
        ids: dict[int, str] = {}
        for i, bus in enumerate(profile[kind]):
            path = f"$.{kind}[{i}]"
            if bus["name"] in names:
                yield f"{path}.name: {bus['name']!r} is {names[bus['name']]} as well; rename one"
            names.setdefault(bus["name"], path)
            if "id" in bus:
                if bus["id"] in ids:
                    yield f"{path}.id: {bus['id']} is {ids[bus['id']]}'s as well; change one"
                ids.setdefault(bus["id"], path)
            if bus.get("id", 0) > _last_id(profile["mcu"], kind):
                yield f"{path}.id: {profile['mcu']} has no {kind.upper()} {bus['id']}; lower it"
    for i, button in enumerate(profile["buttons"]):
        if button["name"] in [b["name"] for b in profile["buttons"][:i]]:
            yield f"$.buttons[{i}].name: {button['name']!r} is there twice; rename one"
    battery = profile["battery"]
    bus = None if battery is None else battery.get("bus")
    if bus is not None and bus not in bus_names(profile, "i2c"):
        yield f"$.battery.bus: no i2c bus is named {bus!r}; {known_buses(profile, 'i2c')}"


def _last_id(mcu: str, kind: str) -> int:
    """The highest id that MicroPython takes: C3 and C6 have one I2C and one SPI for programs."""
    if mcu in ("esp32c3", "esp32c6"):
        return {"i2c": 0, "spi": 1, "uart": 1}.get(kind, 0)
    if mcu == "esp32s2":
        return {"i2c": 1, "spi": 2, "uart": 1}.get(kind, 0)
    return {"i2c": 1, "spi": 2, "uart": 2}.get(kind, 0)


def _firmware(profile: Profile) -> Iterator[str]:
    name, variant = profile["firmware"], profile.get("firmware_variant")
    if name is None:
        return
    image = IMAGES.get(name)
    if image is None:
        yield (
            f"$.firmware: {name!r} is no image in tools/boards/firmware.py; correct it, or add it "
            "there as MicroPython's board.json has it"
        )
        return
    if image.mcu != profile["mcu"]:
        yield f"$.firmware: {name} is for {image.mcu}, not {profile['mcu']}; correct one"
    minimum = image.least_flash_mb(variant)
    if minimum is None:
        known = ", ".join(v for v, _ in image.variants) or "none"
        yield f"$.firmware_variant: {name} has no {variant!r}; it has {known}"
    elif profile["flash_mb"] < minimum:
        yield f"$.flash_mb: {name} needs {minimum} MiB of flash; give an image that fits"
    if not profile["psram_mb"] and variant in PSRAM_VARIANTS.values():
        yield f"$.firmware_variant: {variant!r} is for PSRAM, and psram_mb is 0; correct one"
    needed = PSRAM_VARIANTS.get((name, profile.get("psram_bus", "")))
    if needed is not None and variant != needed:
        yield f"$.firmware_variant: {name} leaves the PSRAM unused; give {needed!r}"


def _sources(value: Any, path: str, sources: dict[str, str]) -> Iterator[str]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _sources(item, f"{path}[{i}]", sources)
    elif isinstance(value, dict):
        named = value.get("source")
        if isinstance(named, str) and named not in sources:
            yield f"{path}.source: {named!r} is not in sources, which has {', '.join(sources)}"
        for key, item in value.items():
            if key not in ("sources", "options", "tags"):
                yield from _sources(item, f"{path}.{key}", sources)
