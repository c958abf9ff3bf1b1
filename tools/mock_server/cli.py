"""The command `python -m tools mock-server`."""

import argparse
import asyncio
import contextlib
import signal
import sys

DEFAULT_PORT = 8080


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subcommands.add_parser(
        "mock-server",
        help="a strict, scriptable stand-in for the Plexus API, with a live page",
        description="A stand-in for the Plexus API. See docs/mock-server.md.",
    )
    add = parser.add_argument
    add("--host", default="localhost", help="address to listen on (default: both loopbacks)")
    add("--port", type=int, default=DEFAULT_PORT, help="HTTP port, 0 for a free one (8080)")
    add("--tls-port", type=int, help="also speak HTTPS on this port, 0 for a free one")
    add("--admin-port", type=int, help="page and admin paths (default: the HTTP port + 1)")
    add("--profile", choices=("documented", "gateway", "platform"), default="documented",
        help="answer as the documentation says, as the open-source gateway does, or as the "
        "platform of today")  # fmt: skip
    add("--db", default=":memory:", metavar="FILE", help="SQLite file to keep (default: none)")
    add("--api-key", action="append", default=[], metavar="plx_...",
        help="an accepted key, may be repeated (default: any that starts with plx_)")  # fmt: skip
    add("--certs", metavar="DIR", help="directory that keeps the test CA (default: temporary)")
    add("--name", action="append", default=[], metavar="NAME",
        help="a DNS name or IP address of this server, besides localhost: for the TLS certificate, "
        "and for the page; may be repeated")  # fmt: skip
    add("--rate-limit", type=int, metavar="N",
        help="batches a second and source before points stop counting, 0: none")  # fmt: skip
    add("--plan", choices=("paid", "free"), default="paid",
        help="free: 3 devices, without the socket, commands and runs")  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    problem = _names_problem(options)
    if problem is not None:
        print(f"mock-server: --name: {problem}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        print(f"mock-server: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def _names_problem(options: argparse.Namespace) -> str | None:
    from tools.mock_server.certs import hosts_and_addresses

    try:
        hosts_and_addresses(options.name)
    except ValueError as error:
        return str(error)
    return None


async def _serve(options: argparse.Namespace) -> None:
    from tools.mock_server.service import Options, Service, describe

    admin_port = options.admin_port
    if admin_port is None:
        admin_port = options.port + 1 if options.port else 0
    service = Service(
        Options(
            profile=options.profile,
            host=options.host,
            port=options.port,
            tls_port=options.tls_port,
            admin_port=admin_port,
            db=options.db,
            api_keys=tuple(options.api_key),
            certs=options.certs,
            names=tuple(options.name),
            rate_limit=options.rate_limit,
            plan=options.plan,
        )
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers.
            loop.add_signal_handler(number, stopped.set)
    try:
        await service.start()
        print(describe(service), flush=True)
        await stopped.wait()
    finally:
        await service.stop()
