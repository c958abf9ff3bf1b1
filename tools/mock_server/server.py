"""MockServer: the mock server in a thread of its own, for tests and programs."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from tools.mock_server.faults import Action
from tools.mock_server.profiles import Profile
from tools.mock_server.service import Options, Service, url_host

T = TypeVar("T")


class MockServer:
    """The mock server in a background thread; a context manager.

        with MockServer(profile="gateway", tls=True) as server:
            requests.post(server.url + "/ingest", ...)
            assert server.counts()["points"] == 3

    profile: "documented", "gateway", "platform", or a Profile of your own. tls: open `tls_url` as
    well. Ports of 0 are chosen free. db: a file to keep, or ":memory:". api_keys: the accepted
    keys; by default any that starts with plx_. certs: a directory that keeps the authority. names:
    DNS names and IP addresses of the server besides localhost, for its certificate and its page.
    rate_limit: batches a second and source in place of the profile's, 0 for none. plan: "free" or
    "paid", see limit().

    Attributes: url, ws_url, admin_url, tls_url and wss_url (None without tls), ca_der (bytes),
    ca_pem_path.
    """

    def __init__(
        self,
        profile: str | Profile = "documented",
        *,
        tls: bool = False,
        host: str = "localhost",
        port: int = 0,
        tls_port: int = 0,
        admin_port: int = 0,
        db: str | Path = ":memory:",
        api_keys: tuple[str, ...] | list[str] = (),
        certs: str | Path | None = None,
        names: tuple[str, ...] | list[str] = (),
        rate_limit: int | None = None,
        plan: str = "paid",
    ) -> None:
        self._options = Options(
            profile=profile,
            host=host,
            port=port,
            tls_port=tls_port if tls else None,
            admin_port=admin_port,
            db=str(db),
            api_keys=tuple(api_keys),
            certs=None if certs is None else str(certs),
            names=tuple(names),
            rate_limit=rate_limit,
            plan=plan,
        )
        self._thread: threading.Thread | None = None
        self._service: Service | None = None
        self.url = self.ws_url = self.admin_url = ""
        self.tls_url: str | None = None
        self.wss_url: str | None = None
        self.ca_der = b""
        self.ca_pem_path = Path()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start; returns when the ports are open."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="plexus-mock-server", daemon=True
        )
        self._thread.start()
        try:
            self._service = self._run(self._make_service())
        except BaseException:
            self._end_thread()
            raise
        address = url_host(self._options.host)
        ports = {name: listener.port for name, listener in self._service.listeners.items()}
        self.url = f"http://{address}:{ports['main']}"
        path = self._service.socket_path
        self.ws_url = f"ws://{address}:{ports['main']}{path}"
        self.admin_url = f"http://{address}:{ports['admin']}"
        if "tls" in ports:
            self.tls_url = f"https://localhost:{ports['tls']}"
            self.wss_url = f"wss://localhost:{ports['tls']}{path}"
        self.ca_der = self._service.authority.ca_der
        self.ca_pem_path = self._service.authority.ca_pem_path

    def stop(self) -> None:
        """Close every port and connection; stopping twice is harmless."""
        if self._service is not None:
            self._run(self._service.stop())
            self._service = None
            self._end_thread()

    def points(self, metric: str | None = None, source_id: str | None = None) -> list[dict]:
        """Every stored point in the order of arrival, duplicates included."""
        return self._call(lambda s: s.store.points(metric, source_id))

    def requests(self, bodies: bool = False, since_id: int = 0) -> list[dict]:
        """Every request, with a greater id, but those to admin paths and the page."""
        return self._call(lambda s: s.store.requests(since_id, bodies=bodies))

    def sessions(self) -> list[dict]:
        return self._call(lambda s: s.store.sessions())

    def runs(self) -> list[dict]:
        """Every run as the API gives it, with the number of readings in its window."""
        return self._call(lambda s: s.runs.to_json())

    def claims(self) -> list[dict]:
        """Every claim: {user_code, name, status}."""
        return self._call(lambda s: s.claims.to_json())

    def decide(self, user_code: str, decision: str) -> None:
        """Let a claim be approved, denied or expired; raises FaultError."""
        self._call(lambda s: s.claims.decide(user_code, decision))

    def limit(self, **changes: Any) -> None:
        """Change limits; the fields are those of limits.Limits, and plan. Raises FaultError."""
        self._change(lambda s: s.limits.change(changes))

    def limits(self) -> dict[str, Any]:
        """The limits in force."""
        return self._call(lambda s: s.limits.to_json())

    def counts(self) -> dict[str, int]:
        """requests, points, distinct, duplicates, sessions, last_point_id, last_request_id."""
        return self._call(lambda s: s.store.counts())

    def script(self, *actions: dict[str, Any]) -> None:
        """Add faults, in order; the fields are those of faults.Action. Raises FaultError."""
        parsed = [Action.parse(action) for action in actions]
        self._change(lambda s: s.script.extend(parsed))

    def faults(self) -> list[dict]:
        """The scripted actions that were not used up yet."""
        return self._call(lambda s: s.script.to_json())

    def clear_faults(self) -> None:
        self._change(lambda s: s.script.clear())

    def reset(self) -> None:
        """Forget what was stored, scripted, limited and said by devices. Ids go on."""
        self._call(lambda s: s.reset())

    def devices(self) -> list[dict]:
        """Every device that came over the socket, connected now or before."""
        return self._call(lambda s: s.devices.to_json())

    def device(self, source_id: str) -> dict:
        """One device as devices() gives it; raises DeviceError for one that never came."""
        return self._call(lambda s: s.devices.get(source_id).to_json())

    def messages(self, source_id: str, since_id: int = 0) -> list[dict]:
        """What a device and the server said to each other: {id, at_ms, from, message}."""
        return self._call(lambda s: s.devices.messages(source_id, since_id))

    def command(
        self,
        source_id: str,
        command: str,
        params: dict[str, Any] | None = None,
        ttl_ms: int | None = None,
    ) -> str:
        """Send a command in the form that the device takes, return its id; raises DeviceError.

        ttl_ms: how long a run of a declared command lives, in place of what was declared.
        """
        devices = self._running().devices
        return self._run(devices.command(source_id, command, params or {}, ttl_ms))

    def say(self, source_id: str, text: str) -> None:
        """Send any text as one message; raises DeviceError."""
        self._run(self._running().devices.say(source_id, text))

    def disconnect(self, source_id: str, code: int | None = None) -> None:
        """Close with that code; by default end the TCP connection without a close frame."""
        self._run(self._running().devices.disconnect(source_id, code))

    def outage(self, for_ms: int | None = None) -> None:
        """Be unreachable, for that long or until restore(); the admin port stays open."""
        self._run(self._running().outage(for_ms or 0))

    def restore(self) -> None:
        self._run(self._running().restore())

    def listen_tls(self, kind: str = "good") -> str:
        """Open one more TLS port and return its base URL.

        kind: good, self_signed, wrong_host, expired, not_yet_valid or other_ca.
        """
        return f"https://localhost:{self._run(self._running().listen_tls(kind))}"

    def wait_until(
        self, condition: Callable[["MockServer"], object], timeout_s: float = 10.0
    ) -> None:
        """Return when condition(self) is true; raises TimeoutError with the counts and verdicts."""
        deadline = time.monotonic() + timeout_s
        while not condition(self):
            if time.monotonic() > deadline:
                verdicts = [f"{r['method']} {r['path']}: {r['verdict']}" for r in self.requests()]
                raise TimeoutError(
                    f"not so within {timeout_s} s: {self.counts()}; last requests: {verdicts[-5:]}"
                )
            time.sleep(0.01)

    async def _make_service(self) -> Service:
        service = Service(self._options)
        try:
            await service.start()
        except BaseException:
            await service.stop()
            raise
        return service

    def _running(self) -> Service:
        if self._service is None:
            raise RuntimeError("the mock server is not running: use it in a with statement")
        return self._service

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _call(self, work: Callable[[Service], T]) -> T:
        service = self._running()

        async def on_loop() -> T:
            return work(service)

        return self._run(on_loop())

    def _change(self, work: Callable[[Service], None]) -> None:
        self._call(work)
        self._call(lambda s: s.events.ring())

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._loop.close()
