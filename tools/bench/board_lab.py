"""Where a board's benchmarks run: files on the board, a server here, and what the programs say."""

import ast
import hashlib
import ipaddress
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Self
from urllib.parse import urlsplit

from tools.bench.board_files import DIRECTORY, KEY, SEAL, files, seal
from tools.bench.lab import DeviceFailed
from tools.bench.table import Unavailable
from tools.board_link import device
from tools.board_link.output import Console
from tools.board_link.ports import LinkError, printable
from tools.board_link.repl import BoardError, BoardLink
from tools.mock_server import MockServer, certs
from tools.time_server import TimeServer

_SILENT_S = 100.0  # a flush may take its timeout a few times
_WATCHDOG_MS = 180000  # of a whole program; it ends what stands still in C
_RESTART_S = 30.0
_JOIN_MS = 20000
Said = list[tuple[Any, ...]]


class ProgramFailed(DeviceFailed):
    """A program on the board ended in an error. said: what it had said before."""

    def __init__(self, words: str, said: Said):
        super().__init__(words)
        self.said = said


class BoardLab:
    """A context manager. device: what the board says of itself; server: the mock server here.

    address: of this computer, as the board reaches it; None: that of the default route. wifi: name
    and password of the network to join; None: one of the board's own configuration. keep: leave
    the files on the board, for the next time.
    """

    def __init__(
        self,
        link: BoardLink,
        console: Console,
        *,
        address: str | None = None,
        wifi: tuple[str, str | None] | None = None,
        keep: bool = False,
    ):
        self._link = link
        self._console = console
        self._given_address = address
        self._given_wifi = wifi
        self._keep = keep
        self._wifi: tuple[str, str | None] | None = None
        self._offline = ""  # why nothing can be measured over the network
        self._gone = ""  # why the board does not answer any more
        self._servers: tuple[str, MockServer, TimeServer] | None = None

    def __enter__(self) -> Self:
        self._resources = ExitStack()
        self._link.clean()
        self.device = device.ask(self._link)
        self.has_esp32 = self._has("esp32")
        wanted = files(device.architecture(self.device))
        try:
            self._place(wanted)
        except BaseException:
            if not self._keep:
                self._remove()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._resources.close()
            if not self._gone:
                self._restart()
                if not self._keep:
                    self._remove()
                self._link.hard_reset()  # its own program goes on, and no watchdog of ours
        except (LinkError, DeviceFailed) as error:
            self._gone = str(error)
        if self._gone:
            self._console.say(f"{DIRECTORY} may still be on the board: {self._gone}")

    def machine(self) -> str:
        """Which board this is, with which MicroPython, and today's date."""
        machine = printable(self.device.machine)
        return f"{machine}, MicroPython {self.device.release}, {datetime.now():%Y-%m-%d}"

    # --- running programs ---------------------------------------------------------------------

    def run(self, program: str, *arguments: object, online: bool = False) -> Said:
        """What a function of a device program says, "module.function", on a board just reset.

        online: it needs the network; Unavailable says why there is none. Raises ProgramFailed.
        """
        if online:
            self.go_online()
        return self._run(program, arguments, self._about_network() if online else {})

    def _run(self, program: str, arguments: tuple[object, ...], more: dict[str, Any]) -> Said:
        self._restart()
        module, _, function = program.partition(".")
        given = {
            "now": _now(),
            "watchdog_ms": _WATCHDOG_MS,
            "join_ms": _JOIN_MS,
            "directory": DIRECTORY,
            "key": KEY,
            "agent_url": "wss://app.plexus.company/ws/device",
            **more,
        }
        code = f"import sys\nsys.path.insert(0,{DIRECTORY!r})\nimport {module}\n"
        code += f"{module}.{function}(*{(given, *arguments)!r})\n"
        heard = bytearray()
        try:
            self._link.exec(code, _SILENT_S, heard.extend)
        except BoardError as error:
            words = error.traceback.rpartition("\n")[2].strip()
            raise ProgramFailed(_in_words(words), _said(heard)) from None
        except LinkError:
            raise ProgramFailed(
                f"the board stood still, and said nothing for {_SILENT_S:.0f} s", _said(heard)
            ) from None
        return _said(heard)

    def _restart(self) -> None:
        """A hard reset, and the raw REPL without the board's own program."""
        if self._gone:
            raise DeviceFailed(self._gone)
        # After a program that stands still, the watchdog has to bite first.
        deadline = time.monotonic() + _WATCHDOG_MS / 1000 + _RESTART_S
        try:
            try:
                self._answer(deadline)
                self._link.hard_reset()
            except LinkError:  # a program still ran there, left by Ctrl-C here
                self._answer(deadline)
                self._link.hard_reset()
            self._answer(time.monotonic() + _RESTART_S)
            self._link.clean()
        except LinkError as error:
            self._gone = str(error)
            raise DeviceFailed(self._gone) from None

    def _answer(self, deadline: float) -> None:
        while True:
            try:
                self._link.interrupt()
                return
            except LinkError:
                if time.monotonic() > deadline:
                    raise
            if not self._link.port.startswith("socket:"):
                self._link.reopen(deadline)  # a chip with USB of its own has a new port

    def _has(self, module: str) -> bool:
        try:
            self._link.exec(f"import {module}")
        except BoardError:
            return False
        return True

    # --- the files ----------------------------------------------------------------------------

    def _place(self, wanted: dict[str, bytes]) -> None:
        link = self._link
        sealed = seal(wanted)
        if link.hashes([SEAL])[SEAL] == _hash(sealed):
            return  # from the last time
        there = self._there(DIRECTORY)
        if SEAL in there:
            link.remove(SEAL)
            there.discard(SEAL)
        for path in there - wanted.keys():
            link.remove(path)
        hashes = link.hashes(sorted(there & wanted.keys()))
        missing = {path: data for path, data in wanted.items() if hashes.get(path) != _hash(data)}
        space = link.space()
        needed = sum(-(-len(data) // space.block) for data in missing.values()) * space.block
        if needed > space.free:
            raise LinkError(
                f"the board's file system has {space.free // 1024} KiB free and "
                f"{needed // 1024} KiB are needed; remove files of yours"
            )
        for directory in sorted({str(PurePosixPath(path).parent) for path in missing}):
            link.mkdir(directory)
        total = sum(map(len, missing.values()))
        if missing:
            self._console.say(f"{link.port}: writing {total // 1024} KiB to {DIRECTORY}")
        with self._console.progress("writing", total) as advance:
            for path, data in missing.items():
                link.write(path, data, advance)
        link.write(SEAL, sealed)

    def _there(self, directory: str) -> set[str]:
        found = set()
        for entry in self._link.list(directory):
            path = f"{directory}/{entry.name}"
            found |= self._there(path) if entry.is_directory else {path}
        return found

    def _remove(self) -> None:
        self._link.exec(_REMOVE.format(directory=DIRECTORY), 60)

    # --- the network --------------------------------------------------------------------------

    @property
    def server(self) -> MockServer:
        """The mock server here; after go_online()."""
        assert self._servers
        return self._servers[1]

    def go_online(self) -> None:
        """Start the servers, find a network that works. Unavailable says what stands against it."""
        if self._offline:
            raise Unavailable(self._offline)
        if self._wifi:
            return
        try:
            self._wifi = self._find_network()
        except Unavailable as error:
            self._offline = str(error)
            raise

    def _find_network(self) -> tuple[str, str | None]:
        self._restart()
        if not self._has("network"):
            raise Unavailable("this board's MicroPython has no module network, thus no WiFi")
        if self._servers is None:
            self._servers = self._start_servers()
        address = self._servers[0]
        reasons = []
        for wifi in [self._given_wifi] if self._given_wifi else self._own_networks():
            try:
                self._run("board_online.connect", (), self._about_network(wifi))
            except ProgramFailed as error:
                if ("joined",) in error.said:
                    raise Unavailable(
                        f"the board has joined {wifi[0]}, and does not reach this computer at "
                        f"{address} ({error}); let a firewall pass it, or give the address that "
                        "the board can reach with --address"
                    ) from None
                reasons.append(str(error))
            else:
                return wifi
        raise Unavailable(f"no WiFi: {'; '.join(reasons)}")

    def _own_networks(self) -> list[tuple[str, str | None]]:
        remedy = "give a network with --ssid and --password"
        try:
            found = self._run("board_online.networks", (), {})
        except ProgramFailed as error:
            missing = "Errno 2]" in str(error) or "ENOENT" in str(error)
            why = "has no plexus.json" if missing else f"has one that is refused ({error})"
            raise Unavailable(f"the board {why}; {remedy}") from None
        if not found:
            raise Unavailable(f"the board's plexus.json names no WiFi network; {remedy}")
        return [(ssid, password) for ssid, password in found]

    def _start_servers(self) -> tuple[str, MockServer, TimeServer]:
        address = self._given_address or default_address()
        if address is None:
            raise Unavailable(
                "this computer has no network that the board could reach it by; give its address "
                "with --address"
            )
        directory = self._resources.enter_context(tempfile.TemporaryDirectory())
        with _certificate_for(address):
            server = MockServer(tls=True, host="0.0.0.0", certs=directory, rate_limit=0)
            self._resources.enter_context(server)
        clock = self._resources.enter_context(TimeServer(chrony=False, host="0.0.0.0"))
        return address, server, clock

    def _about_network(self, wifi: tuple[str, str | None] | None = None) -> dict[str, Any]:
        assert self._servers
        address, server, clock = self._servers
        port = urlsplit(server.tls_url or "").port
        host = f"[{address}]" if ":" in address else address
        return {
            "wifi": wifi or self._wifi,
            "address": address,
            "port": port,
            "endpoint": f"https://{host}:{port}/api/ingest",
            "ca": server.ca_der,
            "ntp_port": clock.port,
        }


def default_address() -> str | None:
    """The address of this computer's interface that has the default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        return asking.getsockname()[0]


@contextmanager
def _certificate_for(address: str) -> Iterator[None]:
    """What the mock server shows meanwhile is valid for this address or name as well."""
    names, addresses = certs.HOST_NAMES, certs.ADDRESSES
    # An address among the names too: older firmware looks for it only there.
    certs.HOST_NAMES = (*names, address)
    with suppress(ValueError):  # it is a name
        certs.ADDRESSES = (*addresses, str(ipaddress.ip_address(address)))
    try:
        yield
    finally:
        certs.HOST_NAMES, certs.ADDRESSES = names, addresses


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _now() -> tuple[int, ...]:
    """UTC, as machine.RTC().datetime() takes it."""
    now = datetime.now(UTC)
    return (now.year, now.month, now.day, 0, now.hour, now.minute, now.second, now.microsecond)


def _said(heard: bytes | bytearray) -> Said:
    said = []
    for line in heard.decode("utf-8", "replace").replace("\x04", "").splitlines():
        if line.startswith("("):
            try:
                said.append(ast.literal_eval(line))
            except (ValueError, SyntaxError):
                continue  # a line that was cut off
    return said


def _in_words(words: str) -> str:
    kind, _, message = printable(words).partition(": ")
    return message if message and kind in ("PlexusError", "OSError") else words


# Only directories and files of ours are there.
_REMOVE = """
import os
def remove(path):
 for entry in os.ilistdir(path):
  name=path+'/'+entry[0]
  if entry[1]==0x4000:
   remove(name)
  else:
   os.remove(name)
 os.rmdir(path)
try:
 os.stat({directory!r})
except OSError:
 pass
else:
 remove({directory!r})
"""
