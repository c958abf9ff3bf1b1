"""The kinds of servers that this one can be, and what tells them apart."""

from dataclasses import dataclass, replace

from tools.mock_server.rates import Rate


def _with_and_without_api(*paths: str) -> tuple[str, ...]:
    return (*paths, *(f"/api{path}" for path in paths))


@dataclass(frozen=True)
class Profile:
    """How one kind of server differs from another."""

    name: str
    # What it answers; a path that ends in a slash takes one more segment.
    paths: tuple[str, ...]
    max_body_bytes: int
    # 404, 405 and a missing Host are answered in plain text, not as {"error": ...}.
    plain_text_errors: bool = False
    # Batches of one source before their readings are silently not counted.
    source_rate: Rate | None = None
    # The answer says how many readings were dropped by a limit.
    reports_dropped: bool = False
    # A connection without complete request headers is closed after this time.
    header_timeout_ms: int | None = None
    # The success answer names the source and omits what was persisted.
    names_source: bool = False
    # A point's session_id is accepted and lost; only tags reach storage.
    only_tags_stored: bool = False
    # Takes what is no breach to Go's JSON, and notes it as a violation. Sizes are in bytes.
    lenient: bool = False
    # A point has a class, its own or inferred; a metric's metadata is stored.
    has_classes: bool = False
    # The key's scopes are told with its organisation.
    tells_scopes: bool = False
    # A refused key closes the connection if the body is larger than this, without reading it.
    unread_body_bytes: int | None = None
    # The socket: the types of messages that a device may send.
    messages: tuple[str, ...] = (
        "telemetry", "session_started", "session_stopped", "output", "pong", "heartbeat",
        "device_error", "command_result",
    )  # fmt: skip
    # Telemetry is stored, asked for or not; else it is a live view that somebody asked for.
    stores_telemetry: bool = False
    # Of telemetry: that it was stored is acknowledged, if the device can hear it.
    acks: bool = False
    # Commands go out as typed_command, in place of bare messages.
    typed_commands: bool = False
    # A stream has an id; else start_stream means this one in place of the one before.
    stream_ids: bool = True
    # The version of commands that a device may declare and be run by.
    protocol: int = 0
    # A command_status may have so many bytes.
    max_frame_bytes: int | None = None
    # Its errors are {"code", "detail"}, in place of {"message"}.
    error_codes: bool = False
    # `authenticated` carries the server's time.
    tells_time: bool = False
    # Pings go out this often; who does not answer one gets no commands.
    ping_ms: int | None = None
    # Messages of one connection before they are refused: telemetry, and everything else.
    telemetry_rate: Rate | None = None
    message_rate: Rate | None = None
    # Who has not authenticated by then is disconnected.
    auth_timeout_ms: int = 10_000

    @property
    def ingest_path(self) -> str:
        return "/api/ingest" if "/api/ingest" in self.paths else "/ingest"


_DOCUMENTED = Profile(
    "documented",
    paths=(
        "/",
        "/ws/device",
        "/party/",
        *_with_and_without_api("/ingest", "/sessions", "/sessions/", "/auth/verify-key"),
    ),
    max_body_bytes=5_000_000,
)
_GATEWAY = Profile(
    "gateway",
    paths=_DOCUMENTED.paths,
    max_body_bytes=5 * 1024 * 1024,
    plain_text_errors=True,
    source_rate=Rate(2000, burst=2000),
    header_timeout_ms=5000,
    names_source=True,
    only_tags_stored=True,
    unread_body_bytes=256 * 1024,
    typed_commands=True,
    error_codes=True,
    tells_time=True,
    ping_ms=30_000,
    telemetry_rate=Rate(500, burst=2000),
    message_rate=Rate(20, burst=60),
)
_PLATFORM = replace(
    _GATEWAY,
    name="platform",
    paths=(
        "/",
        "/ingest",
        "/ws/device",
        "/api/auth/verify-key",
        "/api/auth/claim",
        "/api/auth/claim/",
        "/api/runs",
        "/api/runs/",
        "/api/sources",
    ),
    source_rate=Rate(2000, burst=500),
    reports_dropped=True,
    lenient=True,
    has_classes=True,
    tells_scopes=True,
    messages=(
        "telemetry", "heartbeat", "device_error", "pong", "command_result", "command_status",
        "command_sync",
    ),
    stores_telemetry=True,
    acks=True,
    stream_ids=False,
    protocol=1,
    max_frame_bytes=64 * 1024,
)  # fmt: skip
PROFILES = {profile.name: profile for profile in (_DOCUMENTED, _GATEWAY, _PLATFORM)}
