"""The paths for readings and their sessions."""

from collections.abc import Callable
from typing import Any

from tools.mock_server import contract, points
from tools.mock_server.calls import Call, Routes
from tools.mock_server.contract import ContractError
from tools.mock_server.faults import Answer
from tools.mock_server.limits import Limits
from tools.mock_server.points import Point
from tools.mock_server.profiles import Profile
from tools.mock_server.store import Store


class Ingest:
    """Takes batches of readings, and the sessions that they are grouped in."""

    def __init__(
        self,
        profile: Profile,
        store: Store,
        limits: Limits,
        relay: Callable[[dict[str, Any]], None],
    ) -> None:
        self._profile = profile
        self._store = store
        self._limits = limits
        self._relay = relay

    def routes(self) -> Routes:
        return {
            "/ingest": {"POST": self._ingest},
            "/sessions": {"POST": self._create_session},
            "/sessions/": {"PATCH": self._change_session},
        }

    def _ingest(self, call: Call) -> Answer:
        batch = points.check_points(call.document, call.received_ms, call.check)
        kept, limited = self._limits.sift(batch.points)
        dropped = len(batch.points) - len(kept)
        success: dict[str, Any] = {"success": True, "count": len(kept)}
        if self._limits.reports_dropped:
            success["dropped"] = dropped
        if self._profile.names_source:
            sources = {point.source_id for point in batch.points}
            if len(sources) == 1:
                success["source_id"] = sources.pop()
        else:
            success |= {"persisted": True, "persistedCount": len(kept)}
        remarks = list(batch.warnings)
        if limited:
            remarks.insert(0, f"{dropped} dropped: {', '.join(sorted(set(limited.values())))}")

        def commit() -> None:
            self._store.add_points(call.request_id, kept, call.received_ms)
            if self._profile.stores_telemetry:
                self._show(kept)

        return Answer.of_json(
            200,
            success,
            verdict=f"{len(kept)} point{'' if len(kept) == 1 else 's'}",
            remarks=remarks,
            points=len(batch.points),
            commit=commit,
        )

    def _show(self, kept: list[Point]) -> None:
        """To who watches, readings are the same whichever way they came."""
        by_source: dict[str, list[dict[str, Any]]] = {}
        for point in kept:
            shown = {"metric": point.metric, "value": point.value, "timestamp": point.timestamp_ms}
            by_source.setdefault(point.source_id, []).append(shown)
        for source_id, shown in by_source.items():
            self._relay({"type": "telemetry", "source_id": source_id, "points": shown})

    def _create_session(self, call: Call) -> Answer:
        fields = contract.check_session_create(call.document)
        return Answer.of_json(
            200,
            {"success": True, **fields},
            verdict=f"session {fields['session_id']} {fields['status']}",
            commit=lambda: self._store.put_session(fields, call.received_ms),
        )

    def _change_session(self, call: Call) -> Answer:
        session_id = call.argument
        fields = contract.check_session_patch(call.document)
        if not self._store.has_session(session_id):
            raise ContractError(f"no session {session_id!r}", 404)
        fields["session_id"] = session_id
        return Answer.of_json(
            200,
            {"success": True, **fields},
            verdict=f"session {session_id} {fields.get('status', 'changed')}",
            commit=lambda: self._store.put_session(fields, call.received_ms),
        )
