"""Commands of version 1 that run on a device, and whether what it says of them fits."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

STATES = ("acknowledged", "running", "progress", "succeeded", "failed")
ENDS = ("succeeded", "failed")
ERROR_CODES = (
    "unknown_command", "bad_params", "expired_on_arrival", "busy", "duplicate", "handler_error",
    "cancelled",
)  # fmt: skip
DEFAULT_TTL_MS = 30_000
_KEPT = 1000
_KEPT_STATUSES = 64
# What may follow on what. Progress is news of a run that goes on, and changes no state.
_NEXT = {
    "sent": ("acknowledged", "failed"),
    "acknowledged": ("running", "succeeded", "failed"),
    "running": ("succeeded", "failed"),
    "succeeded": (),
    "failed": (),
}


@dataclass
class CommandRun:
    """One run. `state`: "sent", or the last of STATES that the device told, progress aside."""

    run_id: str
    command: str
    params: Any
    ttl_ms: Any
    sent_ms: int
    state: str = "sent"
    # Of the last status that was taken.
    seq: int = 0
    # How often it was sent to the device.
    deliveries: int = 1
    # The number of the connection on which it was last spoken of.
    connection: int = 0
    statuses: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        names = ("run_id", "command", "params", "ttl_ms", "sent_ms", "state", "seq", "deliveries")
        return {name: getattr(self, name) for name in names} | {"statuses": list(self.statuses)}


def to_wire(
    declared: dict[str, Any], params: dict[str, Any], ttl_ms: int | None
) -> tuple[str, dict[str, Any]]:
    """The id of a new run and its message; by default it lives for as long as was declared."""
    if ttl_ms is None:
        ttl_ms = round(1000 * declared.get("expires_in_s", DEFAULT_TTL_MS / 1000))
    run_id = str(uuid.uuid4())
    return run_id, {
        "type": "command_run", "run_id": run_id, "command": declared["name"], "params": params,
        "ttl_ms": ttl_ms, "attempt": 1,
    }  # fmt: skip


class CommandRuns:
    """The runs of one device, over all its connections."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, CommandRun] = OrderedDict()
        self._connection = 0
        self._synced = False

    def clear(self) -> None:
        """Forget the runs that are over."""
        for run_id in [run.run_id for run in self._runs.values() if run.state in ENDS]:
            del self._runs[run_id]

    def to_json(self) -> list[dict[str, Any]]:
        return [run.to_json() for run in self._runs.values()]

    def open(self) -> list[dict[str, Any]]:
        """Those whose end was not told yet, as open commands are listed."""
        return [
            {"id": run.run_id, "command": run.command, "state": run.state}
            for run in self._runs.values()
            if run.state not in ENDS
        ]

    def connected(self) -> None:
        self._connection += 1
        self._synced = False

    def sent(self, message: Any, now_ms: int) -> None:
        """Note a command_run that goes out, also one that goes out again."""
        if not isinstance(message, dict) or message.get("type") != "command_run":
            return
        run_id = message.get("run_id")
        if not isinstance(run_id, str):
            return
        if run_id in self._runs:
            self._runs[run_id].deliveries += 1
            return
        self._runs[run_id] = CommandRun(
            run_id, str(message.get("command")), message.get("params"), message.get("ttl_ms"),
            now_ms, connection=self._connection,
        )  # fmt: skip
        if len(self._runs) > _KEPT:
            self._runs.popitem(last=False)

    def sync(self) -> list[str]:
        """The device has told which runs it knows. Returns what is wrong, in words."""
        again, self._synced = self._synced, True
        return ["command_sync twice on a connection"] if again else []

    def status(self, message: dict[str, Any]) -> list[str]:
        """Take a command_status; returns what is wrong with it, in words."""
        run, state, seq = self._runs.get(message["run_id"]), message["state"], message["seq"]
        if run is None:
            return [f"command_status for {message['run_id']!r}, which is no run that was sent"]
        wrong = []
        came_back = run.connection != self._connection
        if came_back and not self._synced:
            wrong.append(f"command_status for {run.command!r} before command_sync")
        if seq <= run.seq:
            # Again, because its acknowledgement was lost with the connection.
            return wrong if came_back else [*wrong, f"command_status {seq} twice: {run.command!r}"]
        # Progress that was lost with the connection leaves a gap.
        if seq != run.seq + 1 and not came_back:
            wrong.append(f"command_status {seq} after {run.seq}: {run.command!r}")
        told_again = state == run.state and run.deliveries > 1
        goes_on = state == "progress" and run.state in ("acknowledged", "running")
        if not told_again and not goes_on and state not in _NEXT[run.state]:
            wrong.append(f"command_status {state} after {run.state}: {run.command!r}")
        run.seq, run.connection = seq, self._connection
        if state != "progress" and run.state not in ENDS:
            run.state = state
        run.statuses.append({k: v for k, v in message.items() if k not in ("type", "run_id")})
        del run.statuses[:-_KEPT_STATUSES]
        return wrong
