"""The module `esp` of a virtual board."""

import _host


def flash_size():
    return _host.start["flash_bytes"]


def osdebug(*_):
    pass
