"""MicroPython's images for ESP32 boards: chip, variants, and the flash that they are laid out for.

From the board.json and mpconfigboard.cmake files of ports/esp32/boards. Since 1.26 an image is laid
out for the least flash that it fits, and its filesystem grows to the flash that is there. It has a
REPL on the UART's usual pins unless the chip's USB is its console (ports/esp32/uart.h and each
board's sdkconfig).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """One image. flash_mb: the least that it needs; variants: name and, for each, the same.

    uart_repl: whether there is a REPL on the console's UART.
    """

    mcu: str
    flash_mb: int = 4
    variants: tuple[tuple[str, int], ...] = ()
    uart_repl: bool = True

    def least_flash_mb(self, variant: str | None) -> int | None:
        """Flash that the image needs; None if it has no such variant."""
        return self.flash_mb if variant is None else dict(self.variants).get(variant)


IMAGES = {
    "ESP32_GENERIC": Image(
        "esp32", variants=(("D2WD", 2), ("SPIRAM", 4), ("UNICORE", 4), ("OTA", 4))
    ),
    "ESP32_GENERIC_C3": Image("esp32c3"),
    "ESP32_GENERIC_C6": Image("esp32c6"),
    "ESP32_GENERIC_S2": Image("esp32s2"),
    "ESP32_GENERIC_S3": Image("esp32s3", variants=(("SPIRAM_OCT", 4),)),
    "LOLIN_C3_MINI": Image("esp32c3"),
    "LOLIN_S2_MINI": Image("esp32s2", uart_repl=False),
    "M5STACK_ATOMS3_LITE": Image("esp32s3", uart_repl=False),
    "OLIMEX_ESP32_POE": Image("esp32"),
    "SEEED_XIAO_ESP32C3": Image("esp32c3", uart_repl=False),
    "SEEED_XIAO_ESP32C6": Image("esp32c6"),
    "SEEED_XIAO_ESP32S3": Image("esp32s3", uart_repl=False),
    "UM_FEATHERS3": Image("esp32s3", uart_repl=False),
    "UM_TINYPICO": Image("esp32"),
}

# The generic images of these chips use PSRAM only in a variant: by image and PSRAM bus.
PSRAM_VARIANTS = {
    ("ESP32_GENERIC", "quad"): "SPIRAM",
    ("ESP32_GENERIC_S3", "octal"): "SPIRAM_OCT",
}
