"""The module `time` with the ESP32's epoch, 2000, in which its clock stands at power-on."""

import _host
import utime
from utime import *

EPOCH_S = 946684800  # from 1970 to 2000
_offset_ns = [_host.kept.get("rtc_offset_ns")]
if _offset_ns[0] is None:
    _offset_ns[0] = -utime.time_ns()
    _host.keep("rtc_offset_ns", _offset_ns[0])


def set_ns(now_ns):
    """Set the clock, in ns since 2000."""
    _offset_ns[0] = now_ns - utime.time_ns()
    _host.keep("rtc_offset_ns", _offset_ns[0])


def time_ns():
    return utime.time_ns() + _offset_ns[0]


def time():
    return time_ns() // 1000000000


def gmtime(seconds=None):
    return utime.gmtime((time() if seconds is None else int(seconds)) + EPOCH_S)[:8]


localtime = gmtime


def mktime(fields):
    return int(utime.mktime(tuple(fields) + (0,) * (9 - len(fields)))) - EPOCH_S
