"""An NTP server on loopback for demo and benchmarks: chrony's, or a small one of its own."""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
CHRONYD = shutil.which("chronyd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
_UNIX_S = 2208988800  # seconds from 1900, NTP's epoch, to 1970
_PACKET = struct.Struct(">4B2I4s4Q")
_START_S = 10


class TimeServer:
    """Serves this machine's time in a `with`; `port` and, for a person, `name` say what it is.

    Both kinds serve the system's clock, so that what a client gets can be compared with it.
    chrony=None takes chronyd where it is installed and otherwise answers by itself. host: where to
    listen, "0.0.0.0" for boards too; chronyd serves this machine alone.
    """

    def __init__(self, chrony: bool | None = None, host: str = HOST) -> None:
        if chrony is None:
            chrony = CHRONYD is not None and host == HOST
        self._server = _Chrony() if chrony else _Responder(host)
        self.name = self._server.name
        self.port = 0

    def __enter__(self) -> Self:
        self.port = self._server.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.stop()


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

    def __init__(self, host: str) -> None:
        self._host = host

    def start(self) -> int:
        self._socket = _bound(self._host)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="sntp", daemon=True)
        self._thread.start()
        return self._socket.getsockname()[1]

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(512)
            if self._stopping.is_set():
                return
            received = _stamp(time.time_ns())
            if len(packet) < 48 or packet[0] & 7 != 3:
                continue
            originate = int.from_bytes(packet[40:48], "big")
            flags = packet[0] & 0x38 | 4  # the client's version, mode 4
            self._socket.sendto(
                _PACKET.pack(
                    *(flags, 2, 6, 0xEC, 0, 0, b"DEMO"),
                    *(received, originate, received, _stamp(time.time_ns())),
                ),
                client,
            )

    def stop(self) -> None:
        self._stopping.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"", (HOST, self._socket.getsockname()[1]))
        self._thread.join()
        self._socket.close()


def _bound(host: str = HOST) -> socket.socket:
    free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    free.bind((host, 0))
    return free


def _stamp(unix_ns: int) -> int:
    """Unix ns as a 64-bit NTP timestamp (RFC 4330 section 3)."""
    seconds, ns = divmod(unix_ns, 10**9)
    return ((seconds + _UNIX_S) % 2**32 << 32) + (ns << 32) // 10**9
