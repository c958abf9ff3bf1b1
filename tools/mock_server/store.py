"""What the server received, in SQLite: requests, points, sources, sessions, runs."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from tools.mock_server.points import Point

# Bodies are kept for the newest requests only, so that a long demo does not fill the memory.
KEPT_BODIES = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL, connection INTEGER,
    method TEXT, path TEXT, http_version TEXT, headers TEXT, key_state TEXT,
    body_bytes INTEGER, points INTEGER, status INTEGER, verdict TEXT, body BLOB,
    violations TEXT);
CREATE TABLE IF NOT EXISTS points (
    id INTEGER PRIMARY KEY AUTOINCREMENT, request_id INTEGER NOT NULL, source_id TEXT NOT NULL,
    metric TEXT NOT NULL, value TEXT NOT NULL, timestamp_ms INTEGER NOT NULL, timestamp TEXT,
    tags TEXT, session_id TEXT, received_ms INTEGER NOT NULL, duplicate INTEGER NOT NULL,
    via TEXT, class TEXT, metadata TEXT);
CREATE INDEX IF NOT EXISTS points_by_identity
    ON points (source_id, metric, timestamp_ms, value);
CREATE INDEX IF NOT EXISTS points_by_session
    ON points (session_id) WHERE session_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS sources (source_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, run TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, source_id TEXT, name TEXT, status TEXT,
    started_at TEXT, ended_at TEXT, created_ms INTEGER, updated_ms INTEGER);
"""

# Columns that tables of earlier versions have not.
_ADDED = {"points": ("via", "class", "metadata"), "requests": ("violations",)}

_INSERT_POINT = """
INSERT INTO points (request_id, source_id, metric, value, timestamp_ms, timestamp, tags,
                    session_id, received_ms, via, class, metadata, duplicate)
VALUES (:request_id, :source_id, :metric, :value, :timestamp_ms, :timestamp, :tags,
        :session_id, :received_ms, :via, :class, :metadata,
        EXISTS (SELECT 1 FROM points WHERE source_id = :source_id AND metric = :metric
                AND timestamp_ms = :timestamp_ms AND value = :value))
"""


class Store:
    """One SQLite database. Used by one thread at a time; `path` may be ":memory:".

    Every delivery is kept. A point whose source, metric, time and value came before is marked
    as a duplicate rather than dropped, so that a test can count them.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)
        self._upgrade()
        self.resets = 0

    def close(self) -> None:
        self._db.close()

    def reset(self) -> None:
        """Forget everything. Ids go on, so that a reader's since_id stays valid."""
        self.resets += 1
        with self._transaction():
            for table in ("points", "requests", "sources", "sessions", "runs"):
                self._db.execute(f"DELETE FROM {table}")

    def add_request(self, **columns: Any) -> int:
        """Record a request as it arrives; returns its id."""
        columns["headers"] = _dump(columns["headers"])
        names = ", ".join(columns)
        places = ", ".join(f":{name}" for name in columns)
        cursor = self._db.execute(f"INSERT INTO requests ({names}) VALUES ({places})", columns)
        request_id = cursor.lastrowid
        assert request_id is not None
        too_old = (request_id - KEPT_BODIES,)
        self._db.execute("UPDATE requests SET body = NULL WHERE id = ?", too_old)
        return request_id

    def update_request(self, request_id: int, **columns: Any) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        self._db.execute(
            f"UPDATE requests SET {changes} WHERE id = :id", {**columns, "id": request_id}
        )

    def add_points(
        self, request_id: int, points: Iterable[Point], received_ms: int, via: str = "http"
    ) -> None:
        """Keep the points of one request or, `via` "socket", of one message: all or none."""
        rows = [
            {
                "request_id": request_id,
                "source_id": point.source_id,
                "metric": point.metric,
                "value": _dump(point.value),
                "timestamp_ms": point.timestamp_ms,
                "timestamp": _dump(point.timestamp),
                "tags": _dump(point.tags),
                "session_id": point.session_id,
                "received_ms": received_ms,
                "via": via,
                "class": point.data_class,
                "metadata": _dump(point.metadata),
            }
            for point in points
        ]
        with self._transaction():
            for source_id in {row["source_id"] for row in rows}:
                self.add_source(source_id)
            self._db.executemany(_INSERT_POINT, rows)

    def add_source(self, source_id: str) -> None:
        """From now on it is one that was seen."""
        self._db.execute("INSERT OR IGNORE INTO sources VALUES (?)", (source_id,))

    def sources(self) -> set[str]:
        """Those that were seen: with a point stored, or registered."""
        return {row["source_id"] for row in self._db.execute("SELECT source_id FROM sources")}

    def put_session(self, fields: dict[str, Any], now_ms: int) -> None:
        """Create a session, or overwrite the given fields of the one with that id."""
        columns = {**fields, "updated_ms": now_ms}
        names = ", ".join(columns)
        places = ", ".join(f":{name}" for name in columns)
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        self._db.execute(
            f"INSERT INTO sessions ({names}, created_ms) VALUES ({places}, :updated_ms) "
            f"ON CONFLICT (session_id) DO UPDATE SET {changes}",
            columns,
        )

    def has_session(self, session_id: str) -> bool:
        query = "SELECT 1 FROM sessions WHERE session_id = ?"
        return self._db.execute(query, (session_id,)).fetchone() is not None

    def put_run(self, run: dict[str, Any]) -> None:
        """Keep a run in place of the one with its id, if there is one."""
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET run = excluded.run",
            (run["id"], _dump(run)),
        )

    def run(self, run_id: str) -> dict[str, Any] | None:
        row = self._db.execute("SELECT run FROM runs WHERE id = ?", (run_id,)).fetchone()
        return None if row is None else json.loads(row["run"])

    def runs(self) -> list[dict[str, Any]]:
        """Runs in the order of their creation."""
        return [json.loads(row["run"]) for row in self._db.execute("SELECT run FROM runs")]

    def window(self, source_id: str | None, from_ms: int, to_ms: int) -> list[tuple[str, Any]]:
        """(metric, value) of what a source measured in that time, ends included; None: of any."""
        query = "SELECT metric, value FROM points WHERE timestamp_ms BETWEEN ? AND ?"
        parameters: list[Any] = [from_ms, to_ms]
        if source_id is not None:
            query += " AND source_id = ?"
            parameters.append(source_id)
        rows = self._db.execute(query + " ORDER BY id", parameters)
        return [(row["metric"], json.loads(row["value"])) for row in rows]

    def points(
        self,
        metric: str | None = None,
        source_id: str | None = None,
        since_id: int = 0,
        limit: int = -1,
        newest: bool = False,
    ) -> list[dict[str, Any]]:
        """Stored points in the order they arrived.

        since_id: only points with a greater id. limit: at most so many, -1 for all; the first
        ones, or the last ones if `newest`.
        """
        query, parameters = "SELECT * FROM points WHERE id > ?", [since_id]
        for column, wanted in (("metric", metric), ("source_id", source_id)):
            if wanted is not None:
                query += f" AND {column} = ?"
                parameters.append(wanted)  # type: ignore[arg-type]
        return [_point_row(row) for row in self._page(query, parameters, limit, newest)]

    def requests(
        self, since_id: int = 0, limit: int = -1, newest: bool = False, bodies: bool = False
    ) -> list[dict[str, Any]]:
        """Requests in the order they arrived; `bodies` adds the body as text."""
        rows = self._page("SELECT * FROM requests WHERE id > ?", [since_id], limit, newest)
        return [_request_row(row, bodies) for row in rows]

    def sessions(self) -> list[dict[str, Any]]:
        """Sessions in the order of their creation, each with the number of its points."""
        rows = self._db.execute(
            "SELECT *, (SELECT COUNT(*) FROM points WHERE points.session_id = sessions.session_id)"
            " AS points FROM sessions ORDER BY created_ms, rowid"
        )
        return [dict(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Totals. `distinct` counts points by source, metric, timestamp and value."""
        points, duplicates, last_point = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(duplicate), 0), COALESCE(MAX(id), 0) FROM points"
        ).fetchone()
        requests, last_request = self._db.execute(
            "SELECT COUNT(*), COALESCE(MAX(id), 0) FROM requests"
        ).fetchone()
        (sessions,) = self._db.execute("SELECT COUNT(*) FROM sessions").fetchone()
        return {
            "requests": requests,
            "points": points,
            "distinct": points - duplicates,
            "duplicates": duplicates,
            "sessions": sessions,
            "last_point_id": last_point,
            "last_request_id": last_request,
        }

    def _upgrade(self) -> None:
        """Give a database of an earlier version what it lacks."""
        for table, columns in _ADDED.items():
            there = {row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if column not in there:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
        self._db.execute("INSERT OR IGNORE INTO sources SELECT DISTINCT source_id FROM points")

    def _page(
        self, query: str, parameters: list[Any], limit: int, newest: bool
    ) -> list[sqlite3.Row]:
        query += f" ORDER BY id {'DESC' if newest else 'ASC'} LIMIT ?"
        rows = self._db.execute(query, [*parameters, limit]).fetchall()
        return rows[::-1] if newest else rows

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """BEGIN and COMMIT round a block; ROLLBACK if it raises."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _point_row(row: sqlite3.Row) -> dict[str, Any]:
    point = dict(row)
    for column in ("value", "timestamp", "tags", "metadata"):
        point[column] = json.loads(point[column] or "null")
    point["duplicate"] = bool(point["duplicate"])
    return point


def _request_row(row: sqlite3.Row, bodies: bool) -> dict[str, Any]:
    request = dict(row)
    request["headers"] = json.loads(request["headers"])
    request["key"] = request.pop("key_state")
    request["violations"] = json.loads(request["violations"] or "[]")
    body = request.pop("body")
    if bodies:
        request["body"] = None if body is None else body.decode("utf-8", "replace")
    return request


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
