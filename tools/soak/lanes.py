"""The two ways to the server, http and https, and what has come over each."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tools.fault_proxy import Proxy
from tools.mock_server import MockServer
from tools.soak.kinds import HTTP, HTTPS

# By its paths the server's record tells one way from the other.
_PREFIX = {HTTP: "/api", HTTPS: ""}
_SCRIPTED = "scripted "
_POLL_S = 0.03


@dataclass
class Lane:
    """One way: the client's endpoint leads through a proxy of its own to the server.

    kills: (from, to) in epoch ms, when its connections were reset, whatever was on its way.
    given: how often each kind of fault was given.
    """

    name: str
    base: str  # the server's address
    proxy: Proxy = field(init=False)
    kills: list[tuple[int, int]] = field(default_factory=list)
    given: Counter[str] = field(default_factory=Counter)
    healthy: int = 0  # requests that were answered as they should be

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        assert parts.hostname and parts.port
        # For https the name is what the certificate is for.
        self.proxy = Proxy(("127.0.0.1", parts.port))

    @property
    def source_id(self) -> str:
        return f"soak-{self.name}"

    @property
    def ingest(self) -> str:
        return _PREFIX[self.name] + "/ingest"

    @property
    def sessions(self) -> str:
        return _PREFIX[self.name] + "/sessions"

    @property
    def endpoint(self) -> str:
        return f"{self.name}://localhost:{self.proxy.port}{self.ingest}"

    def has(self, path: str) -> bool:
        """Whether a request of this path has come over it."""
        return path.startswith((self.ingest, self.sessions))

    def cut(self) -> None:
        """Reset what is open."""
        began_ms = now_ms()
        self.proxy.drop()
        self.kills.append((began_ms, now_ms()))


class Watch:
    """Follows the server's record of requests in a thread, and counts for the lanes."""

    def __init__(self, server: MockServer, lanes: list[Lane]) -> None:
        self._server = server
        self._lanes = lanes
        self._ended = threading.Event()
        self._seen: set[int] = set()
        self._since_id = 0
        self._thread = threading.Thread(target=self._run, name="soak-watch", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_POLL_S):
            self._poll()

    def _poll(self) -> None:
        open_ids = []
        rows = self._server.requests(since_id=self._since_id)
        for row in rows:
            if row["verdict"] == "in progress":
                open_ids.append(row["id"])
            elif row["id"] not in self._seen:
                self._seen.add(row["id"])
                self._count(row)
        if rows:
            self._since_id = min([*open_ids, rows[-1]["id"] + 1]) - 1
            self._seen = {number for number in self._seen if number > self._since_id}

    def _count(self, row: dict[str, Any]) -> None:
        for lane in self._lanes:
            if lane.has(row["path"]):
                label = label_of(row)
                if label:
                    lane.given[label] += 1
                elif row["path"] == lane.ingest and row["points"]:
                    lane.healthy += row["verdict"].endswith(("point stored", "points stored"))


def label_of(row: dict[str, Any]) -> str:
    """The kind of fault that a request has met, "" if none."""
    verdict: str = row["verdict"]
    if not verdict.startswith(_SCRIPTED):
        return ""
    return verdict.removeprefix(_SCRIPTED).partition(": ")[0]


def now_ms() -> int:
    return time.time_ns() // 1_000_000
