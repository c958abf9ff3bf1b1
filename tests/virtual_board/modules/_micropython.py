"""The module `micropython`, in which kbd_intr(-1) lets a program have the line to itself."""

import termios

import _host
from micropython import *

_ISIG = 1
_ICRNL = 0o400


def kbd_intr(character):
    binary = character < 0
    _host.ask("binary", on=binary)
    modes = termios.tcgetattr(0)
    for place, flag in ((0, _ICRNL), (3, _ISIG)):
        modes[place] = modes[place] & ~flag | (0 if binary else flag)
    termios.tcsetattr(0, termios.TCSANOW, modes)
