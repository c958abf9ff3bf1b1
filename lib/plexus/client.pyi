from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from .clock import Clock
from .delivery import Delivery
from .delivery.call_queue import SessionRequests
from .delivery.request import Http
from .delivery.runs import Run, _Criterion
from .delivery.sessions import Session
from .readings.buffer import Buffer
from .readings.record import _Value
from .store import Store
from .tls import _Context
from .tls.ca import _Certificates
from .url import _Requests

class PlexusError(Exception):
    status: int
    def __init__(self, message: str, status: int = 0) -> None: ...

class Plexus:
    source_id: str
    buffer: Buffer[Clock]
    clock: Clock
    ticks_ms: Callable[[], int]
    http: Http
    delivery: Delivery
    session_requests: SessionRequests | None
    clock_problem: str
    verified: bool
    random: Callable[[int], bytes]
    ring_is_chosen: bool
    watched: bool
    store: Store | None
    def __init__(
        self,
        api_key: str,
        source_id: str,
        *,
        endpoint: str = "https://app.plexus.company/api/ingest",
        ring_bytes: int | bytearray | None = None,
        flush_interval_ms: int = 10000,
        flush_fill_percent: int = 75,
        batch_points: int | None = None,
        timeout_ms: int = 10000,
        verify: bool = True,
        ca: _Certificates | None = None,
        ntp_hosts: str | list[str] | tuple[str, ...] = ...,
        ntp_port: int = 123,
        overflow: Literal["drop_oldest", "refuse"] = "drop_oldest",
        require_clock: bool = True,
        keep_alive: bool = False,
        report_interval_ms: int = 0,
        clock: Clock | None = None,
        requests: _Requests | None = None,
        headers: dict[str, str] | None = None,
        random: Callable[[int], bytes] = ...,
        store: str | None = None,
        store_bytes: int = 65536,
        persist_interval_s: int = 60,
    ) -> None:
        """
        `endpoint`: the whole URL. `ring_bytes`: a number, None for what is right for this heap, or
        a bytearray of yours that was made before the heap was in pieces.

        A flush is due `flush_interval_ms` after the one before and when the ring is
        `flush_fill_percent` full. It sends up to `batch_points` readings a request; a request takes
        at most `timeout_ms`. `keep_alive` holds the connection between flushes.

        `ca`: DER or PEM in place of the shipped roots. `verify=False` trusts any server.
        `overflow`: "drop_oldest", or "refuse" to raise BufferFull in send(). `require_clock=False`
        sends readings undated while the time is unknown. `report_interval_ms`: send the counters as
        plexus.* metrics so often. `headers`: further ones of each request (not the WebSocket's);
        "User-Agent" may be one. `clock`, `requests`, `random`: used in place of
        Clock(ntp_hosts, ntp_port), the firmware's module, os.urandom; a clock serves one client.

        `store`: a path, such as "/plexus", beside which readings are kept that a power cut is not
        to take, in the folder of that name and ".store", up to `store_bytes` of them. While the
        network is away, readings of `persist_interval_s` at most are in RAM alone. None: no store.

        ValueError names what is wrong.
        """
    def __repr__(self) -> str: ...
    def send(
        self,
        metric: str,
        value: _Value,
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None:
        """Add a reading. Never waits: from a loop, a timer callback, a thread or a task.

        `value`: a number, a str, a bool, None, or a list or dict of such. `timestamp`: s or ms
        since 1970, else it is now. `tags` and `source_id`: this reading's own. ValueError names
        the field that the API would refuse. BufferFull only with overflow="refuse".
        """
    step: Callable[[bool], int]
    def tick(self, up: bool = True) -> int: ...
    def flush(self, feed: Callable[[], object] | None = None) -> int: ...
    @property
    def may_send(self) -> bool: ...

    # What the buffer has.

    @property
    def pending(self) -> int:
        """Readings that wait for the server's confirmation."""
    @property
    def confirmed(self) -> int:
        """Readings that the server has."""
    @property
    def dropped(self) -> int:
        """Readings that a full ring let go of."""
    @property
    def rejected(self) -> int:
        """Readings that the server refused for good."""
    @property
    def discarded(self) -> int:
        """Readings that the server took and did not keep: the source or the plan has a limit."""
    @property
    def session_id(self) -> str | None:
        """The id of the session that is open."""
    def send_at(
        self,
        ticks: int,
        metric: str,
        value: _Value,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None:
        """As send(), for a reading of when ticks_ms() was `ticks`: at most 6 days ago (2^29 ms)."""
    def send_batch(
        self,
        points: Iterable[tuple[str, _Value]],
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None:
        """Add (metric, value) pairs with one timestamp: all or, if one is bad (ValueError), none.

        With overflow="refuse" (BufferFull) those before the first that finds no room are in.
        """
    def event(
        self,
        name: str,
        data: _Value = True,
        timestamp: float | None = None,
        tags: dict[str, str] | None = None,
        source_id: str | None = None,
    ) -> None:
        """Add what happened, in place of a measurement: a fault, a change of state, a log line.

        `data`: as a value of send(); a text of over 256 bytes is cut. Else as send().
        """

    # What has modules of its own, which are loaded when it is asked for: see extras.py.

    @property
    def status(self) -> str:
        """One line about the delivery, for a person."""
    @property
    def answers(self) -> int:
        """How often something on the network replied: HTTP of any status, a refusal, or NTP."""
    @property
    def unanswered(self) -> int:
        """How many requests nothing on the network replied to. Blocked NTP does not count."""
    def session(self, session_id: str, name: str | None = None) -> Session:
        """A recording session, for `with`: every reading sent in it carries its id."""
    def run(
        self,
        name: str,
        pass_criteria: Sequence[_Criterion] | None = None,
        tags: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> Run:
        """A run, for `with`: a window of time with a name, on the platform of today.

        `name`: 1 to 200 characters. `pass_criteria`: [{"metric", "operator", "value", "label"?}];
        the server tests the metric's readings in the run: "<" and so on, a finite number. `tags`
        and `metadata`: dicts, as JSON at most 4,096 B each. ValueError names what is wrong.
        """
    def credentials(self) -> tuple[str, _Context | None]:
        """(key, SSLContext or None) for another connection to the server; never to be shown."""
    def retry_now(self) -> None:
        """The network is back: end the wait that follows a request which nothing answered."""
    def persist(self) -> bool:
        """Before a planned reset: have the store take all that waits. True if nothing is lost."""
    def diagnostics(self) -> dict[str, Any]:
        """The client's state for a program: counters, clock, what went wrong. No secret."""
