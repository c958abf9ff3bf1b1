"""What the server has of the demo's readings, and whether their timestamps fit an outage."""

import dataclasses
import json
import time
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

# Metrics of the sensors in boards/simulated.json, and how often each is sent, at first.
INTERVALS_MS = {
    "temperature": 1000,
    "humidity": 1000,
    "pressure": 1000,
    "imu.acceleration": 100,
    "imu.angular_velocity": 100,
    "motor.current": 1000,  # the mean of two reads
    "tank.temperature": 2000,
    "door.state": 500,
    "position": 2000,  # a fix a second, of which one may pass while another is taken
}
_PAGE = 10000
# How long it may take from where the device measures its lateness to where send() takes the time.
_STAMP_MS = 500


@dataclasses.dataclass
class Metric:
    """One metric as it arrived; times are epoch ms, in the order of arrival."""

    value: Any = None
    times_ms: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Outage:
    """From when to when the server was unreachable, in epoch ms; no end while it still is."""

    start_ms: int
    end_ms: int | None = None


class Arrivals:
    """Follows the server through its admin address, which stays up in an outage."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url
        self._last_id = 0
        self.metrics = {name: Metric() for name in INTERVALS_MS}
        self.outages: list[Outage] = []
        self.counts: dict[str, int] = {}
        self.intervals_ms = dict(INTERVALS_MS)
        self.resets = -1  # somebody may do that on the page; the first is the server's start
        self._generation = ""

    def poll(self) -> None:
        """Take in what is new."""
        state = self._get("/admin/state")
        self.counts = state["counts"]
        if state["generation"] != self._generation:
            self._generation = state["generation"]
            self.resets += 1
        out = bool(self.outages and self.outages[-1].end_ms is None)
        if state["outage"] and not out:
            self.outages.append(Outage(now_ms()))
        elif out and not state["outage"]:
            self.outages[-1].end_ms = now_ms()
        for point in self.points(self._last_id):
            self._last_id = point["id"]
            metric = self.metrics.setdefault(point["metric"], Metric())
            metric.value = point["value"]
            if not point["duplicate"]:
                metric.times_ms.append(point["timestamp_ms"])

    def points(self, since_id: int = 0) -> Iterator[dict[str, Any]]:
        """What is stored, in the order of arrival."""
        while True:
            points = self._get(f"/admin/points?since_id={since_id}&limit={_PAGE}")["points"]
            yield from points
            if len(points) < _PAGE:
                return
            since_id = points[-1]["id"]

    def configured(self, metrics: list[str], config: dict[str, Any]) -> None:
        """Somebody has changed the sensor of these metrics: expect no more of it than is sure."""
        for name in self.intervals_ms.keys() & set(metrics):
            if config.keys() - {"sample_rate", "interval_ms"}:
                del self.intervals_ms[name]
                continue
            for interval_ms in _intervals_ms(config):
                # Twice, as some send the mean of two reads.
                self.intervals_ms[name] = max(self.intervals_ms[name], int(2 * interval_ms))

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return json.load(answer)

    def caught_up(self, outage: Outage) -> bool:
        """True when all that was sampled in an outage must be here: what is younger has come."""
        if outage.end_ms is None:
            return False
        sampled = [self.metrics[name] for name in self.intervals_ms]
        return all(m.times_ms and m.times_ms[-1] > outage.end_ms for m in sampled)

    def inside(self, outage: Outage) -> dict[str, int]:
        """How many readings of each metric are dated inside an outage."""
        end_ms = outage.end_ms or now_ms()
        return {
            name: sum(outage.start_ms <= t <= end_ms for t in self.metrics[name].times_ms)
            for name in self.intervals_ms
        }

    def gaps_ms(self, outage: Outage) -> dict[str, int]:
        """Each metric's longest time without a reading, around and in an outage.

        A metric that has none before or none after it gets the time to the outage's other end.
        """
        end_ms = outage.end_ms or now_ms()
        gaps = {}
        for name in self.intervals_ms:
            times = sorted(self.metrics[name].times_ms)
            before = [t for t in times if t < outage.start_ms][-1:] or [outage.start_ms]
            after = [t for t in times if t > end_ms][:1] or [end_ms]
            inside = [t for t in times if outage.start_ms <= t <= end_ms]
            chain = before + inside + after
            gaps[name] = max(later - earlier for earlier, later in pairwise(chain))
        return gaps

    def problems(self, outage: Outage, late_ms: int) -> list[str]:
        """What is wrong with the timestamps around an outage.

        late_ms: by how much the device itself says that a sample came too late.
        """
        return [
            f"{name}: {gap_ms} ms without a reading around the outage, "
            f"though sampled every {self.intervals_ms[name]} ms and at most {late_ms} ms late"
            for name, gap_ms in self.gaps_ms(outage).items()
            if gap_ms > self.intervals_ms[name] + late_ms + _STAMP_MS
        ]


def _intervals_ms(config: dict[str, Any]) -> Iterator[float]:
    """The interval that a configuration says; nothing if it says none that makes sense."""
    for key in ("interval_ms", "sample_rate"):
        value = config.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            yield 1000 / value if key == "sample_rate" else value


def now_ms() -> int:
    return time.time_ns() // 1_000_000
