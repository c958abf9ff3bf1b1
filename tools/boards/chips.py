"""What Espressif's chips and modules have: GPIOs, and those that the memory, USB and boot take.

Sources, by chip, Espressif's datasheets:
  ESP32     ESP32 Series v4.x: table "Pin Overview" (input only: 34 to 39), "Strapping Pins",
            "ADC Pins"; appendix "ESP32 Pin Lists"; section "Pin Mapping Between Chip and
            Flash/PSRAM"
  modules   ESP32-WROOM-32E, ESP32-WROVER-E, ESP32-MINI-1, ESP32-PICO Series: "Pin Definitions"
            and "Schematics"
  ESP32-S2  ESP32-S2 Series v1.x: "Pin Overview" (46 is input only), "Strapping Pins"
  ESP32-S3  ESP32-S3 Series v1.x: "Pin Overview", "Strapping Pins", "Pin Mapping Between Chip and
            Flash/PSRAM" (octal takes 33 to 37 besides)
  ESP32-C3  ESP32-C3 Series v1.x: "Pin Overview" (11 is VDD_SPI), "Strapping Pins"
  ESP32-C6  ESP32-C6 Series v1.x: "Pin Overview" (27 is VDD_SPI; QFN32 has no 10 and 11, QFN40 no
            14), "Strapping Pins"
"""

import re
from dataclasses import dataclass

Pins = frozenset[int]
NONE: Pins = frozenset()


def pins(*ranges: int | tuple[int, int]) -> Pins:
    """Single GPIOs, and inclusive ranges as pairs."""
    found: set[int] = set()
    for item in ranges:
        first, last = item if isinstance(item, tuple) else (item, item)
        found.update(range(first, last + 1))
    return frozenset(found)


def ranges(numbers: Pins | set[int]) -> str:
    """Numbers as people write them: 1, 3 to 5."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        str(run[0])
        if len(run) == 1
        else f"{run[0]} to {run[-1]}"
        if len(run) > 2
        else f"{run[0]}, {run[1]}"
        for run in runs
    )


@dataclass(frozen=True)
class Module:
    """What differs between the packages and modules of one chip.

    marking: a pattern of how it is marked; missing: GPIOs of the chip that are not led out.
    """

    marking: str
    flash: Pins
    psram: Pins = NONE
    missing: Pins = NONE


@dataclass(frozen=True)
class Chip:
    """One chip family. adc1 works with WiFi on, adc2 does not (or not at all)."""

    gpios: Pins
    strapping: Pins
    console: Pins
    adc1: Pins
    adc2: Pins
    modules: tuple[Module, ...]
    input_only: Pins = NONE
    usb: Pins = NONE
    octal: Pins = NONE

    def module(self, marking: str) -> Module | None:
        """The first module whose marking it is; None if it is not known."""
        return next((m for m in self.modules if re.fullmatch(m.marking, marking)), None)


# The data pins of the Ethernet MAC; they cannot be moved (ESP32 datasheet, "Peripheral Pin
# Configurations", EMAC).
RMII = pins(19, 21, 22, 25, 26, 27)

_ESP32_FLASH = pins((6, 11))
_U4WDH_FLASH = pins((6, 8), 11, 16, 17)
_PICO_V3_FLASH = pins(6, 11, (16, 18), 23)
_S_FLASH = pins((27, 32))

CHIPS = {
    "esp32": Chip(
        gpios=pins((0, 23), (25, 27), (32, 39)),
        input_only=pins((34, 39)),
        strapping=pins(0, 2, 5, 12, 15),
        console=pins(1, 3),
        adc1=pins((32, 39)),
        adc2=pins(0, 2, 4, (12, 15), (25, 27)),
        modules=(
            # 32E with PSRAM has it in the chip (D0WDR2-V3): its select is 16, the rest the flash's.
            Module(
                r"ESP32-WROOM-32\w*(-\w+)?|ESP32-S|WT32-S1",
                _ESP32_FLASH,
                pins(16),
                pins(20, 37, 38),
            ),
            Module(r"ESP32-WROVER(-\w+)*", _ESP32_FLASH, pins(16, 17), pins(20, 37, 38)),
            Module(r"ESP32-D0WD\w*(-V3)?", _ESP32_FLASH, pins(16, 17), pins(20)),
            Module(r"ESP32-PICO-D4", _U4WDH_FLASH, pins(10), pins(20)),
            Module(r"ESP32-(MINI-1U?|U4WDH)", _U4WDH_FLASH, missing=pins(20)),
            Module(r"ESP32-PICO-(V3-02|MINI-02U?)", _PICO_V3_FLASH, pins(9, 10)),
            Module(r"ESP32-PICO-V3", _PICO_V3_FLASH),
        ),
    ),
    "esp32s2": Chip(
        gpios=pins((0, 21), (26, 46)),
        input_only=pins(46),
        strapping=pins(0, 45, 46),
        console=pins(43, 44),
        adc1=pins((1, 10)),
        adc2=pins((11, 20)),
        usb=pins(19, 20),
        modules=(Module(r"ESP32-S2(F\w+|-\w+(-\w+)*)?", _S_FLASH, pins(26)),),
    ),
    "esp32s3": Chip(
        gpios=pins((0, 21), (26, 48)),
        strapping=pins(0, 3, 45, 46),
        console=pins(43, 44),
        adc1=pins((1, 10)),
        adc2=pins((11, 20)),
        usb=pins(19, 20),
        octal=pins((33, 37)),
        modules=(
            # WROOM-2 has octal flash as well, on the pins of the octal PSRAM.
            Module(r"ESP32-S3-WROOM-2(-\w+)?", _S_FLASH | pins((33, 37)), pins(26)),
            Module(r"ESP32-S3-WROOM-1U?(-\w+)?", _S_FLASH, pins(26), pins(26, 33, 34)),
            Module(r"ESP32-S3(F\w+|R\w+|-\w+(-\w+)*)?", _S_FLASH, pins(26)),
        ),
    ),
    "esp32c3": Chip(
        gpios=pins((0, 10), (12, 21)),
        strapping=pins(2, 8, 9),
        console=pins(20, 21),
        adc1=pins((0, 4)),
        adc2=pins(5),
        usb=pins(18, 19),
        modules=(Module(r"ESP32-C3(F\w+|-\w+(-\w+)*)?", pins((12, 17))),),
    ),
    "esp32c6": Chip(
        gpios=pins((0, 26), (28, 30)),
        strapping=pins(4, 5, 8, 9, 15),
        console=pins(16, 17),
        adc1=pins((0, 6)),
        adc2=NONE,
        usb=pins(12, 13),
        modules=(
            Module(r"ESP32-C6F\w+", pins((24, 26), (28, 30)), missing=pins(10, 11)),
            Module(
                r"ESP32-C6(-(WROOM|MINI)-1U?(-\w+)?)?",
                pins((24, 26), (28, 30)),
                missing=pins(14),
            ),
        ),
    ),
}
