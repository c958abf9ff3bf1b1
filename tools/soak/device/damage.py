"""Starts the firmware over and over with damaged files: how each start ends. For MicroPython.

    micropython -m damage PLAN      a JSON file: {"seed", "for_ms", "files": {name: [JSON, ...]}}

The working directory is the board's flash. It prints {"cases", "ends": {how: number}, "crashed":
starts that ended in the safe mode after exceptions, "failures": [...]} as JSON. Of exceptions only
one is no failure: a file that the configuration names is missing.
"""

import builtins
import json
import os
import random
import sys
import time

from models import machine, network
from plexus.port import load_once

_BOOTS = 5  # three crashes in a row, the safe mode, and one to spare
_KEPT_FAILURES = 5
_ENOENT = 2
_CA_FILE = "ca.der"  # which one of the configurations names
_TOKENS = (b"null", b"true", b"1e999", b"-1", b"1e-9", b'""', b"[]", b"{}", b"99999999999999999999")


class Reset(BaseException):
    """The board starts anew: no code that catches errors sees it."""


class Board:
    """What a start finds beside the files, and how it ends.

    end: how, "" while it has not. crashes: starts that ended with an exception, of which the last
    one is `latest`.
    """

    def __init__(self):
        sys.modules["machine"] = machine
        sys.modules["network"] = network
        machine.reset = self._reset
        machine.WDT = self._watchdog
        self.crashes = 0
        self.latest = None
        self.end = ""

    def start(self):
        """Start until it has ended in one of the ways that there are. Returns how, or raises."""
        self.crashes = 0
        self.end = ""
        machine.clear()
        network.clear()
        for _ in range(_BOOTS):
            try:
                self._fresh().run()
                return self.end or "nothing"
            except Reset:
                machine.state["cause"] = machine.HARD_RESET
        raise self.latest

    def _fresh(self):
        # The firmware as a board loads it at each start. What would run for ever tells the end.
        for name in list(sys.modules):
            if name.split(".")[0] == "firmware":
                del sys.modules[name]
        import firmware.crashes as crashes
        import firmware.device as device
        import firmware.setup.provisioning as provisioning
        import firmware.sleeper as sleeper
        import firmware.supervisor as supervisor

        board = self
        kept = crashes.Crashes.caught

        async def run(self):
            self._greet()
            self._show()
            board.end = "safe mode" if self.crashes.safe else "started"

        async def provision(self):
            board.end = "set-up"

        def sleep(*_):
            board.end = "asleep"

        def caught(self, error):
            board.crashes += 1
            board.latest = error
            return kept(self, error)

        crashes.Crashes.caught = caught
        device.Device.run = run
        provisioning._Provisioning.run = provision
        sleeper.main = sleep
        supervisor.sleep_ms = _nothing
        return supervisor

    def _reset(self):
        raise Reset

    def _watchdog(self, timeout):
        return self

    def feed(self):
        pass


def damaged(text):
    """These bytes with one to eight places changed."""
    text = bytearray(text)
    for _ in range(random.randint(1, 8)):
        at = random.randint(0, len(text))
        upto = min(len(text), at + random.randint(1, 24))
        what = random.randint(0, 6)
        if what == 0 and at < len(text):
            text[at] ^= 1 << random.randint(0, 7)
        elif what == 1 and at < len(text):
            text[at] = random.randint(0, 255)
        elif what == 2:
            text = text[:at] + text[upto:]
        elif what == 3:
            text = text[:upto] + text[at:]
        elif what == 4:
            text = text[:at] + bytes([random.randint(0, 255) for _ in range(upto - at)]) + text[at:]
        elif what == 5:
            text = _with_token(text, at)
        elif random.randint(0, 9) == 0:
            text = text[:at]
    return bytes(text)


def _with_token(text, at):
    # Another value in the place of the next one.
    start = text.find(b":", at) + 1
    if not start:
        return text
    ends = [end for end in (text.find(mark, start) for mark in (b",", b"}", b"]")) if end >= 0]
    end = min(ends) if ends else len(text)
    return text[:start] + _TOKENS[random.randint(0, len(_TOKENS) - 1)] + text[end:]


def _is_missing(error):
    return isinstance(error, OSError) and error.args[0] == _ENOENT


def _nothing(*_, **__):
    pass


def _write(files, ca):
    files = dict(files)
    files[_CA_FILE] = ca
    for name in os.listdir():
        os.remove(name)
    for name in files:
        with open(name, "wb") as file:
            file.write(files[name])


def main(path):
    with open(path) as file:
        plan = json.load(file)
    random.seed(plan["seed"])
    say = print
    builtins.print = _nothing  # the firmware tells a person all that is wrong
    board = Board()
    ca = load_once("plexus", "tls.roots").ROOTS[0]
    result = {"cases": 0, "ends": {}, "crashed": 0, "failures": []}
    began = time.ticks_ms()
    while not result["cases"] or time.ticks_diff(time.ticks_ms(), began) < plan["for_ms"]:
        good = {}
        for name, choices in plan["files"].items():
            good[name] = choices[random.randint(0, len(choices) - 1)].encode()
        hit = list(good)[random.randint(0, len(good) - 1)]
        files = dict(good)
        files[hit] = damaged(good[hit])
        _write(files, ca)
        result["cases"] += 1
        try:
            end = board.start()
            result["ends"][end] = result["ends"].get(end, 0) + 1
        except BaseException as error:  # noqa: BLE001 -- it is what is looked for
            if isinstance(error, KeyboardInterrupt):
                raise
            end = "failed"
        is_fine = end not in ("failed", "nothing")
        if board.crashes:
            result["crashed"] += 1
            is_fine = end == "safe mode" and _is_missing(board.latest)
        if not is_fine:
            failure = "%s: %s: %r" % (hit, end, files[hit][:2000])
            if board.crashes:
                failure += "; %s: %s" % (type(board.latest).__name__, board.latest)
            if len(result["failures"]) < _KEPT_FAILURES:
                result["failures"].append(failure)
    say(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
