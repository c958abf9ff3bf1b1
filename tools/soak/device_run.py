"""Runs the soak's two programs under MicroPython, compiled as for a board: readings, and damage."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools import build
from tools.artifacts import micropython
from tools.soak.clocks import HOSTS
from tools.soak.kinds import HTTPS
from tools.soak.lanes import Lane

KEY = "plx_soak"
# No wait of the client's own is longer than 0.4 s here; what is in the way then is a timeout.
DRAIN_S = 60.0
TIMEOUT_MS = 3000
_PROGRAMS = Path(__file__).with_name("device")
_HEAP = "4M"
_GRACE_S = 60.0
# Room for all that waits; and so little that it runs over when the server is gone.
_LARGE = {"ring_bytes": 65536, "batch_points": 100, "keep_alive": True}
_SMALL = {"ring_bytes": 6144, "batch_points": 24, "keep_alive": False}

_CONFIGS: tuple[dict[str, Any], ...] = (
    {},
    {
        "endpoint": "http://192.168.1.20:8080/ingest",
        "sensors": [{"driver": "bme280", "interval_ms": 5000, "tags": {"room": "lab"}}],
        "ntp_hosts": ["a.example", "b.example"],
        "status_s": 30,
        "watchdog_s": 0,
        "country": "DE",
        "hostname": "lab",
    },
    {"agent": {"url": "wss://gateway.example/ws/device"}, "ring_bytes": 65536, "batch_points": 200},
    {"sleep": {"every_s": 600}, "led": False},
    {"ca_file": "ca.der"},
)
_CRASHES: tuple[dict[str, Any], ...] = (
    {"run": "", "early": 0, "what": "", "trace": "", "told": True},
    {"run": "early", "early": 2, "what": "OSError: 5", "trace": "a\nb", "told": False},
    {"run": "late", "early": 3, "what": "MemoryError: 1", "trace": "", "told": False},
)
_BOARDS = ("simulated", "olimex-esp32-poe", "ttgo-t-beam", "m5stack-core2")


@dataclass
class Damage:
    """What came of starts with damaged files."""

    cases: int = 0
    crashed: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Programs:
    """The device's programs, and all that they import, compiled below `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        arch = build.host_arch()
        trees = {
            "lib": build.LIBRARY,
            "lib/firmware": build.REPOSITORY / "firmware",
            "models/models": build.REPOSITORY / "tests" / "models",
            "device": _PROGRAMS,
        }
        for target, source in trees.items():
            build.compile_tree(source, directory / target, arch, lines=True)

    def damage(self, seed: int, for_s: float) -> Damage:
        """Start the firmware with damaged files for so long."""
        base = {
            "api_key": "plx_0123456789",
            "source_id": "esp32-001",
            "wifi": [{"ssid": "home", "password": "a long password"}, {"ssid": "open"}],
        }
        boards = build.REPOSITORY / "boards"
        plan = {
            "seed": seed,
            "for_ms": round(1000 * for_s),
            "files": {
                "plexus.json": [json.dumps({**base, **more}) for more in _CONFIGS],
                "board.json": [(boards / f"{name}.json").read_text() for name in _BOARDS],
                "crash.json": [json.dumps(crash) for crash in _CRASHES],
            },
        }
        flash = self._directory / "flash"
        flash.mkdir(exist_ok=True)
        process = self._start("damage", plan, flash)
        status, said = _finish(process, for_s)
        if status:
            return Damage(failures=[f"the program itself failed: {said[-500:]}"])
        return Damage(**json.loads(said.splitlines()[-1]))

    def send(self, lanes: list[Lane], for_s: float, ntp_port: int, ca: Path) -> "Sending":
        """Start the program that sends readings for so long."""
        journals = self._directory / "journals"
        journals.mkdir()
        plan = {
            "directory": str(journals),
            "for_ms": round(1000 * for_s),
            "drain_ms": round(1000 * DRAIN_S),
            "timeout_ms": TIMEOUT_MS,
            "api_key": KEY,
            "ntp_hosts": HOSTS,
            "ntp_port": ntp_port,
            "clients": [
                {
                    "source_id": lane.source_id,
                    "endpoint": lane.endpoint,
                    **({"ca_file": str(ca), **_SMALL} if lane.name == HTTPS else _LARGE),
                }
                for lane in lanes
            ],
        }
        return Sending(self._start("sender", plan, self._directory), journals, for_s)

    def _start(self, module: str, plan: dict[str, Any], at: Path) -> "subprocess.Popen[str]":
        path = self._directory / f"{module}.json"
        path.write_text(json.dumps(plan))
        return subprocess.Popen(
            micropython.command(module, str(path), heap=_HEAP),
            env=micropython.environment(
                *(self._directory / name for name in ("lib", "device", "models"))
            ),
            cwd=at,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for whoever waits for it
        )


class Sending:
    """The program that sends: `finish()` for its summary. journals: where it writes."""

    def __init__(self, process: "subprocess.Popen[str]", journals: Path, for_s: float) -> None:
        self._process = process
        self._for_s = for_s
        self.journals = journals

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def finish(self) -> dict[str, Any]:
        """What it says at its end; {"errors": [its last words]} if that is nothing."""
        status, said = _finish(self._process, self._for_s + DRAIN_S)
        try:
            return json.loads(said.splitlines()[-1])
        except (IndexError, ValueError):
            return {"errors": [f"the device ended with status {status}: {said[-1500:]}"]}

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def _finish(process: "subprocess.Popen[str]", after_s: float) -> tuple[int, str]:
    """Its exit status and what it printed."""
    try:
        said, _ = process.communicate(timeout=after_s + _GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        said += "\nit was still running"
    return process.returncode, said
