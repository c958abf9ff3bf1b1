"""A file system that loses its power at any step, in the place of `os` and `open`."""

import os

import firmware.crashes as crashes
from plexus.port import load_once


class PowerCut(BaseException):
    """The board is dead: no code that catches errors sees it."""


class Flash:
    """Files in RAM. What was written is on the flash when it was synced; a rename is at once.

    cut_at: the number of the step before which the power fails; steps: how many there were. In
    `files` is what a board finds when it starts again. With `fat`, a rename over a file removes
    that first, and is two steps. `full`: no file can be written.
    """

    def __init__(self, files=(), cut_at=None, fat=False):
        self.files = dict(files)
        self.cut_at = cut_at
        self.steps = 0
        self.full = False
        self._fat = fat

    def step(self, _name=None):
        if self.steps == self.cut_at:
            raise PowerCut()
        self.steps += 1

    def open(self, path, mode="r"):
        if "w" in mode:
            if self.full:
                raise OSError(28, "ENOSPC")
            self.step()
            self.files[path] = b""
        elif path not in self.files:
            raise OSError(2, "ENOENT")
        return _File(self, path)

    def fsync(self, file):
        file.sync()

    def rename(self, old, new):
        if self._fat and new in self.files:
            self.step()
            del self.files[new]
        self.step()
        self.files[new] = self.files.pop(old)


class _File:
    def __init__(self, flash, path):
        self._flash = flash
        self._path = path
        self._unsaved = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass  # the file system may still hold what was not synced

    def read(self, maximum):
        return self._flash.files[self._path][:maximum]

    def write(self, data):
        self._flash.step()
        # A part of it may reach the flash by itself.
        half = len(data) // 2
        self._flash.files[self._path] += data[:half]
        self._unsaved = data[half:]

    def flush(self):
        pass

    def fileno(self):
        return self

    def sync(self):
        self._flash.step()
        self._flash.files[self._path] += self._unsaved
        self._unsaved = b""


class Mounted:
    """Within it, this module's files are on that flash, also for who loads it for a moment."""

    def __init__(self, module, flash):
        self._module = module
        self._flash = flash

    def __enter__(self):
        self._module.os = self._flash
        self._module.open = self._flash.open
        crashes.load_once = self._load_once
        return self._flash

    def __exit__(self, *_):
        self._module.os = os
        del self._module.open
        crashes.load_once = load_once

    def _load_once(self, near, name):
        if self._module.__name__.split(".")[-1] == name:
            return self._module
        return load_once(near, name)
