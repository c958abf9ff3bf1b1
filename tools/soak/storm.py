"""Gives the faults, one after the other, in an order that the seed decides."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tools.mock_server import MockServer
from tools.soak.kinds import ANSWERS, CONNECTIONS, SERVERS, AnswerKind, ConnectionKind, ServerKind
from tools.soak.lanes import Lane, now_ms

_POLL_S = 0.02
# So long a fault waits for its request, and a lane for a request that goes well.
_PATIENCE_S = 20.0
_PAUSE_S = 0.25
_OF_SESSIONS = 0.2

Kind = AnswerKind | ConnectionKind | ServerKind


class Storm:
    """In a `with`: faults on each lane, in a thread for each, until it is left.

    Between two faults a lane has at least one request that goes well. Each kind comes once before
    any comes again, and the lanes begin in different places of the same order.
    """

    def __init__(self, server: MockServer, lanes: list[Lane], seed: int) -> None:
        self._server = server
        self._lanes = lanes
        self._ended = threading.Event()
        self._server_lock = threading.Lock()
        kinds: list[Kind] = [*ANSWERS, *CONNECTIONS, *SERVERS]
        random.Random(seed).shuffle(kinds)
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(lane, kinds[start:] + kinds[:start], random.Random(f"{seed} {lane.name}")),
                name=f"soak-{lane.name}",
                daemon=True,
            )
            for lane, start in zip(lanes, (0, len(kinds) // 2), strict=True)
        ]

    def __enter__(self) -> "Storm":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._server.clear_faults()
        self._server.restore()
        for lane in self._lanes:
            lane.proxy.set()

    def _run(self, lane: Lane, kinds: list[Kind], chance: random.Random) -> None:
        while not self._ended.is_set():
            for kind in kinds:
                self._give(lane, kind, chance)
                healthy = lane.healthy
                self._until(lambda before=healthy: lane.healthy > before)
                if self._ended.wait(chance.random() * _PAUSE_S):
                    return
            chance.shuffle(kinds)

    def _give(self, lane: Lane, kind: Kind, chance: random.Random) -> None:
        if isinstance(kind, AnswerKind):
            self._give_answer(lane, kind, chance)
        elif isinstance(kind, ServerKind):
            self._give_server(lane, kind)
        elif lane.name in kind.lanes:
            self._give_connection(lane, kind)

    def _give_answer(self, lane: Lane, kind: AnswerKind, chance: random.Random) -> None:
        action: dict[str, Any] = {**kind.script(), "path": lane.ingest}
        if kind.sessions and chance.random() < _OF_SESSIONS:
            action["path"] = lane.sessions
            if isinstance(kind.sessions, str):
                action["method"] = kind.sessions
        given = lane.given[kind.name]
        self._server.script(action)
        self._until(lambda: lane.given[kind.name] > given)

    def _give_connection(self, lane: Lane, kind: ConnectionKind) -> None:
        lane.proxy.set(**kind.plan, connections=0 if kind.for_s else 1)
        lane.cut()
        if kind.for_s:
            self._ended.wait(kind.for_s)
            given = True
        else:
            given = self._until(lambda: lane.proxy.struck > 0)
        lane.given[kind.name] += given
        lane.proxy.set()
        if kind.for_s:
            lane.cut()

    def _give_server(self, lane: Lane, kind: ServerKind) -> None:
        with self._server_lock:
            began_ms = now_ms()
            self._server.outage()
            for each in self._lanes:
                each.kills.append((began_ms, now_ms()))
            self._ended.wait(kind.for_s)
            self._server.restore()
            lane.given[kind.name] += 1

    def _until(self, condition: Callable[[], bool]) -> bool:
        """Wait until it is so, or the storm ends, or it takes too long; returns whether it is."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            if self._ended.wait(_POLL_S) or time.monotonic() > deadline:
                return condition()
        return True
