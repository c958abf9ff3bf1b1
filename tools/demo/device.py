"""The device of the demo: a virtual board with the firmware, on which simulated sensors are."""

import json
import re
from pathlib import Path
from typing import Any

from tests.virtual_board import VirtualBoard
from tools import build
from tools.artifacts import payload

BOARD = "simulated"
# Some 170 kB of an ESP32's, as pointers are twice as long here, and what the ring has more than
# on a board. The simulated chips have their own.
HEAP = "480k"
NETWORK = {"ssid": "demo", "password": "demo-demo"}
# Read only while somebody looks or records: the accelerometer once more, fast.
_LIVE = {
    "driver": "mpu6050",
    "bus": "i2c0",
    "address": 104,
    "interval_ms": 20,
    "name": "vibration",
    "prefix": "vibration.",
    "on_demand": True,
}
_STOP_S = 120  # for a slow machine, and much that waits
_SERVER = re.compile(r"plexus: server: (.*?)\r?\n")
_PENDING = re.compile(r"(\d+) pending")
_SUMMARY = re.compile(r"sent (\d+), confirmed (\d+), dropped (\d+), rejected (\d+), late (\d+)")
# At the prompt, after Ctrl-C: bring the rest to the server.
_FINISH = """
import time
import firmware.repl
device = firmware.repl.device
px = device.px
for _ in range(20):
    try:
        px.flush()
        break
    except Exception as error:
        print(error)
        time.sleep(0.5)
sent = px.confirmed + px.dropped + px.rejected + px.pending
late_ms = max([channel.max_lateness_ms for channel in device.sampler.channels])
counts = sent, px.confirmed, px.dropped, px.rejected, late_ms
print("sent %d, confirmed %d, dropped %d, rejected %d, late %d" % counts)
"""


class Device:
    """A board that is switched on. `config`: what its configuration has besides the usual."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        arch = build.host_arch()
        files = payload.library(arch) | payload.program(arch)
        profile, files[payload.BOARD] = payload.board(BOARD)
        sensors = [*profile["sensors"], _LIVE]
        config = {"wifi": [NETWORK], "status_s": 1, "sensors": sensors, **config}
        files[payload.CONFIG] = json.dumps(config).encode()
        self._summary = ""
        self._board = VirtualBoard(
            directory,
            heap=HEAP,
            simulated=True,
            networks={NETWORK["ssid"]: {"password": NETWORK["password"], "rssi": -58}},
        )
        self._board.write_files(files)
        self._board.__enter__()

    @property
    def status(self) -> str:
        """What it says itself of the server."""
        found = _SERVER.findall(self._board.console())
        return found[-1] if found else "starting"

    @property
    def pending(self) -> int:
        found = _PENDING.search(self.status)
        return int(found[1]) if found else 0

    @property
    def running(self) -> bool:
        return not self._board.repl and not self._board.off

    @property
    def restarts(self) -> int:
        return len(self._board.resets) - 1

    def stop(self) -> None:
        """Stop its program as a person does, and let it flush."""
        if self._board.off:
            return
        self._board.type("\x03")
        try:
            self._board.wait_repl(_STOP_S)
            self._summary = self._board.mpremote(
                "resume", "exec", _FINISH, timeout_s=_STOP_S, check=False
            )
        except TimeoutError as error:
            self._summary = str(error)

    def kill(self) -> None:
        """Switch it off."""
        self._board.__exit__()

    def summary(self) -> dict[str, int] | None:
        """sent, confirmed, dropped, rejected and late_ms, as it said at its end."""
        found = _SUMMARY.search(self._summary)
        if found is None:
            return None
        names = ("sent", "confirmed", "dropped", "rejected", "late_ms")
        return dict(zip(names, map(int, found.groups()), strict=True))

    def output(self) -> str:
        """Its last lines, for a person who wants to know why it ended."""
        text = self._board.console() + self._summary
        return "\n".join(text.splitlines()[-15:])
