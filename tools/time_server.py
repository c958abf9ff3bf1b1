"""An NTP server on loopback for tools: chrony's, or a small one that can be told to misbehave."""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
CHRONYD = shutil.which("chronyd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
_UNIX_S = 2208988800  # seconds from 1900, NTP's epoch, to 1970
_PACKET = struct.Struct(">4B2I4s4Q")
_START_S = 10


@dataclass(frozen=True)
class Behaviour:
    """What a server says: `offset_ms` from the time; how far it may be off itself (root dispersion,
    RFC 5905 section 7.3); that it has no time; a kiss-o'-death's code (section 7.4); or nothing.
    """

    offset_ms: int = 0
    dispersion_ms: int = 0
    synchronised: bool = True
    kiss: str = ""
    silent: bool = False


class TimeServer:
    """Serves this machine's time in a `with`; `port` and, for a person, `name` say what it is.

    Both kinds serve the system's clock, so that what a client gets can be compared with it.
    chrony=None takes chronyd where it is installed and otherwise answers by itself. host: where to
    listen, "0.0.0.0" for boards too; chronyd serves this machine alone. port: 0 for a free one, or
    that of another server at another address.
    """

    def __init__(self, chrony: bool | None = None, host: str = HOST, port: int = 0) -> None:
        if chrony is None:
            chrony = CHRONYD is not None and host == HOST and not port
        self._server = _Chrony() if chrony else _Responder(host, port)
        self.name = self._server.name
        self.port = port

    def __enter__(self) -> Self:
        self.port = self._server.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.stop()

    @property
    def asked(self) -> int:
        """How many requests the built-in server has got."""
        return self._responder.asked

    def behave(self, behaviour: Behaviour) -> None:
        """Have the built-in server answer like that from now on."""
        self._responder.behaviour = behaviour

    @property
    def _responder(self) -> "_Responder":
        if not isinstance(self._server, _Responder):
            raise TypeError("only the built-in server does as it is told: TimeServer(chrony=False)")
        return self._server


class _Chrony:
    name = "chronyd"

    def __init__(self) -> None:
        if CHRONYD is None:
            raise FileNotFoundError("chronyd is not installed: apt-get install chrony")
        self._program = CHRONYD

    def start(self) -> int:
        self._directory = tempfile.TemporaryDirectory(prefix="plexus-ntp-")
        with _bound() as free:
            port = free.getsockname()[1]
        directory = Path(self._directory.name)
        configuration = directory / "chrony.conf"
        configuration.write_text(
            f"local stratum 2\nallow {HOST}\nbindaddress {HOST}\nport {port}\n"
            f"cmdport 0\nbindcmdaddress /\npidfile {directory}/chronyd.pid\n"
        )
        # -x leaves the machine's clock alone, -U does without root, -d stays in the foreground.
        command = [self._program, "-x", "-d", "-U", "-f", str(configuration)]
        if os.geteuid() == 0:
            command += ["-u", "root"]
        if shutil.which("setpriv"):  # it ends with this process, however that ends
            command[:0] = ["setpriv", "--pdeathsig", "TERM"]
        with (directory / "log").open("wb") as log:
            # In a session of its own, so that Ctrl-C does not reach it.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_answer(port, directory / "log")
        except BaseException:
            self.stop()
            raise
        return port

    def _await_answer(self, port: int, log: Path) -> None:
        deadline = time.monotonic() + _START_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            asking.connect((HOST, port))
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    asking.send(b"\x23" + b"\0" * 39 + os.urandom(8))
                    if asking.recv(512)[0] >> 6 != 3:
                        return
                except TimeoutError:
                    pass
                except ConnectionRefusedError:
                    time.sleep(0.02)  # it does not listen yet
        raise OSError(f"chronyd serves no time: {log.read_text().strip()}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()


class _Responder:
    """The server's half of SNTP (RFC 4330 section 6), in a thread."""

    name = "built-in SNTP responder"

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.asked = 0
        self.behaviour = Behaviour()

    def start(self) -> int:
        self._socket = _bound(self._host, self._port)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="sntp", daemon=True)
        self._thread.start()
        return self._socket.getsockname()[1]

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(512)
            if self._stopping.is_set():
                return
            if len(packet) < 48 or packet[0] & 7 != 3:
                continue
            self.asked += 1
            does = self.behaviour
            if does.silent:
                continue
            received = _stamp(time.time_ns() + does.offset_ms * 1_000_000)
            originate = int.from_bytes(packet[40:48], "big")
            flags = packet[0] & 0x38 | 4  # the client's version, mode 4
            if does.kiss or not does.synchronised:
                flags |= 0xC0
            stratum, code = (0, does.kiss.encode()) if does.kiss else (2, b"DEMO")
            dispersion = (does.dispersion_ms << 16) // 1000
            sent = _stamp(time.time_ns() + does.offset_ms * 1_000_000)
            self._socket.sendto(
                _PACKET.pack(
                    *(flags, stratum, 6, 0xEC, 0, dispersion, code),
                    *(received, originate, received, sent),
                ),
                client,
            )

    def stop(self) -> None:
        self._stopping.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


def _bound(host: str = HOST, port: int = 0) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((host, port))
    return bound


def _stamp(unix_ns: int) -> int:
    """Unix ns as a 64-bit NTP timestamp (RFC 4330 section 3)."""
    seconds, ns = divmod(unix_ns, 10**9)
    return ((seconds + _UNIX_S) % 2**32 << 32) + (ns << 32) // 10**9
