"""The server on an event loop: its parts put together, its listeners, outages."""

import asyncio
import contextlib
import dataclasses
import itertools
import socket
import ssl
import tempfile
import time
from typing import Any

from aiohttp import web

from tools.mock_server import wire
from tools.mock_server.admin import Admin
from tools.mock_server.app import Api
from tools.mock_server.certs import Authority
from tools.mock_server.claims import Claims
from tools.mock_server.devices import Devices
from tools.mock_server.events import Events
from tools.mock_server.faults import Script
from tools.mock_server.gate import make_gate
from tools.mock_server.ingest import Ingest
from tools.mock_server.keys import Keys
from tools.mock_server.limits import Limits
from tools.mock_server.profiles import PROFILES, Profile
from tools.mock_server.rates import Rate
from tools.mock_server.runs import Runs
from tools.mock_server.sockets import Sockets
from tools.mock_server.store import Store
from tools.mock_server.watchers import Watchers

_LOOPBACK = ("localhost", "127.0.0.1")
_BIND_TRIES = 20
# Bodies are decompressed by the contract, which bounds what comes out.
_CONNECTION_OPTIONS = {"access_log": None, "auto_decompress": False, "lingering_time": 2.0}


@dataclasses.dataclass
class Listener:
    """One port, on one or two addresses, that an outage can close and open again."""

    name: str
    port: int
    tls: ssl.SSLContext | None
    servers: list[asyncio.Server]


@dataclasses.dataclass(kw_only=True)
class Options:
    """How to start the server; ports of 0 are chosen free, a tls_port of None means no TLS."""

    # One of PROFILES by its name, or one of your own.
    profile: str | Profile = "documented"
    host: str = "localhost"
    port: int = 0
    tls_port: int | None = None
    admin_port: int = 0
    db: str = ":memory:"
    api_keys: tuple[str, ...] = ()
    # Where the certificate authority is kept; None: a directory that goes with the server.
    certs: str | None = None
    # Its names besides this computer's own: the certificate is for them, and the page has them.
    names: tuple[str, ...] = ()
    # Batches a second and source, in place of the profile's; 0 for no limit.
    rate_limit: int | None = None
    # One of limits.PLANS.
    plan: str = "paid"


class Service:
    """The mock server on the running event loop."""

    def __init__(self, options: Options) -> None:
        profile = options.profile
        if isinstance(profile, str):
            if profile not in PROFILES:
                raise ValueError(f"profile must be one of {', '.join(PROFILES)}")
            profile = PROFILES[profile]
        rate = profile.source_rate
        if options.rate_limit is not None:
            rate = Rate(options.rate_limit, options.rate_limit) if options.rate_limit else None
        self.profile = profile
        # A device tells by its path which server it speaks to.
        self.socket_path = "/party/org_mock" if profile.name == "documented" else "/ws/device"
        self.options = options
        self.store = Store(options.db)
        self.limits = Limits(self.store, rate, profile.reports_dropped, options.plan)
        self.runs = Runs(self.store, self.limits)
        keys = Keys(options.api_keys)
        self.claims = Claims(keys)
        self.script = Script()
        self.events = Events()
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        if options.certs is None:
            self._directory = tempfile.TemporaryDirectory(prefix="plexus-mock-")
        self.authority = Authority(
            options.certs or self._directory.name,  # type: ignore[union-attr]
            options.names,
        )
        self.watchers = Watchers()
        ingest = Ingest(profile, self.store, self.limits, self.watchers.send)
        self.api = Api(
            profile, self.store, self.script, self.events, keys, ingest.routes(),
            self.runs.routes(), self.claims.routes(),
        )  # fmt: skip
        self.devices = Devices(profile, self.watchers.send, self.limits)
        self.sockets = Sockets(
            profile, self.store, self.script, self.events, keys, self.api, self.devices,
            self.limits,
        )  # fmt: skip
        self.listeners: dict[str, Listener] = {}
        self._runner: web.AppRunner | None = None
        self._connection_ids = itertools.count(1)
        self._outage_ends: asyncio.TimerHandle | None = None
        self._is_out = False
        self._started_ms = time.time_ns() // 1_000_000

    async def start(self) -> None:
        gate = make_gate((self.options.host, *self.options.names))
        self.app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[gate])
        self.sockets.add_routes(self.app)
        admin = Admin(
            self.store, self.script, self.events, self.devices, self.watchers, self.limits,
            self.runs, self.claims, self,
        )  # fmt: skip
        admin.add_routes(self.app, self.api.handle)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self._open("main", self.options.port)
        if self.options.tls_port is not None:
            await self._open("tls", self.options.tls_port, self.authority.server_context())
        await self._open("admin", self.options.admin_port)

    def reset(self) -> None:
        """Forget what was stored, scripted, limited and said by devices. Connections stay."""
        self.script.clear()
        self.limits.reset()
        self.claims.reset()
        self.store.reset()
        self.devices.reset()
        self.events.ring()

    async def stop(self) -> None:
        self._cancel_timer()
        self.events.close()
        for listener in self.listeners.values():
            self._close(listener)
        if self._runner is not None:
            for connection in self._connections():
                if connection.transport is not None:
                    connection.transport.abort()
            await self._runner.cleanup()
        self.devices.close()
        self.store.close()
        if self._directory is not None:
            self._directory.cleanup()

    async def listen_tls(self, kind: str) -> int:
        """Open one more TLS port, with a certificate of that kind; returns the port."""
        name = f"tls-{kind}-{len(self.listeners)}"
        await self._open(name, 0, self.authority.server_context(kind))
        return self.listeners[name].port

    async def outage(self, for_ms: int) -> None:
        """Close every port but the admin's and drop their connections; 0: until restore()."""
        self._cancel_timer()
        self._is_out = True
        for listener in self.listeners.values():
            if listener.name != "admin":
                self._close(listener)
        for connection in self._connections():
            if connection.listener != "admin" and connection.transport is not None:
                connection.transport.abort()
        if for_ms:
            loop = asyncio.get_running_loop()
            self._outage_ends = loop.call_later(
                for_ms / 1000, lambda: loop.create_task(self.restore())
            )

    async def restore(self) -> None:
        """End the outage: listen on the same ports as before."""
        self._cancel_timer()
        self._is_out = False
        for listener in self.listeners.values():
            if not listener.servers:
                await self._listen(listener)
        self.events.ring()

    def state(self) -> dict[str, Any]:
        """For the page: the profile, the ports, whether there is an outage."""
        ports = {listener.name: listener.port for listener in self.listeners.values()}
        return {
            "profile": self.profile.name,
            "ports": ports,
            "outage": self._is_out,
            # Changes when everything seen so far was forgotten: a new server, or a reset.
            "generation": f"{self._started_ms}.{self.store.resets}",
        }

    def _connections(self) -> list[wire.Connection]:
        assert self._runner is not None and self._runner.server is not None
        return [c for c in self._runner.server.connections if isinstance(c, wire.Connection)]

    def _cancel_timer(self) -> None:
        if self._outage_ends is not None:
            self._outage_ends.cancel()
            self._outage_ends = None

    async def _open(self, name: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        listener = Listener(name, port, tls, [])
        await self._listen(listener)
        self.listeners[name] = listener

    async def _listen(self, listener: Listener) -> None:
        sockets = _bind(self.options.host, listener.port)
        listener.port = sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        for bound in sockets:
            server = await loop.create_server(
                lambda: self._make_connection(listener.name), sock=bound, ssl=listener.tls
            )
            listener.servers.append(server)

    def _make_connection(self, listener: str) -> wire.Connection:
        assert self._runner is not None
        return wire.Connection(
            self._runner.server,
            next(self._connection_ids),
            listener,
            self.profile.header_timeout_ms,
            self.api.bad_request,
            loop=asyncio.get_running_loop(),
            **_CONNECTION_OPTIONS,
        )

    def _close(self, listener: Listener) -> None:
        for server in listener.servers:
            server.close()
        listener.servers.clear()


def url_host(host: str) -> str:
    """How a client on this machine reaches a server that listens on host."""
    if host in ("localhost", "0.0.0.0", ""):
        return "127.0.0.1"
    return _in_url(host)


def _in_url(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _bind(host: str, port: int) -> list[socket.socket]:
    """Sockets on the port; both loopback addresses for localhost, where ::1 exists."""
    if host not in _LOOPBACK:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [_bind_one(family, host, port)]
    for _ in range(_BIND_TRIES):
        first = _bind_one(socket.AF_INET, "127.0.0.1", port)
        if not _has_ipv6_loopback():
            return [first]
        try:
            return [first, _bind_one(socket.AF_INET6, "::1", first.getsockname()[1])]
        except OSError:
            # Taken on ::1 by somebody else: another free port, or fail if one was asked for.
            first.close()
            if port:
                raise
    raise OSError("no port is free on both 127.0.0.1 and ::1")


def _bind_one(family: int, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        words = f"cannot listen on {host} port {port}: {error.strerror}"
        raise OSError(error.errno, words) from None
    return bound


def _has_ipv6_loopback() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def describe(service: Service) -> str:
    """The addresses, as the command prints them."""
    host = url_host(service.options.host)
    ports = {name: listener.port for name, listener in service.listeners.items()}
    lines = [f"Page:    http://{host}:{ports['admin']}/   (stays up in an outage)"]
    paths, ingest = service.profile.paths, service.profile.ingest_path
    for path in ("/api/ingest", "/ingest"):
        if path in paths:
            lines.append(f"Ingest:  http://{host}:{ports['main']}{path}")
    lines.append(f"Socket:  ws://{host}:{ports['main']}{service.socket_path}")
    tls = [] if "tls" not in ports else ["localhost", *service.options.names]
    for name in tls:
        lines.append(f"         https://{_in_url(name)}:{ports['tls']}{ingest}")
    lines.append(f"Admin:   http://{host}:{ports['admin']}/admin/")
    lines.append(f"CA:      {service.authority.ca_pem_path}   (ca.der beside it)")
    if service.options.names and tls:
        name, der = _in_url(tls[1]), service.authority.ca_der_path
        lines.append(
            f"Board:   python -m tools provision --ca {der} --endpoint "
            f"https://{name}:{ports['tls']}{ingest}"
        )
        if service.options.host in _LOOPBACK:
            lines.append("         (only this computer can reach it: add --host 0.0.0.0)")
        if service.options.certs is None:
            lines.append("         (the next start has another CA: add --certs DIR to keep it)")
    keys = ", ".join(service.options.api_keys) or "any that starts with plx_"
    lines.append(f"Profile: {service.profile.name}; keys: {keys}; database: {service.options.db}")
    return "\n".join(lines)
