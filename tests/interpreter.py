"""MicroPython for tests: its processes are forked from one that has it loaded.

What PyPI has of it is a module of CPython, and the program `micropython` starts CPython first. That
takes most of the time of a short test. Here CPython starts once, as the program of this file.
"""

import atexit
import contextlib
import fcntl
import importlib.util
import json
import os
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MODULE = "micropython_run"
_NUMBER = struct.Struct("<i")
_MAX_FILES = 16  # that one process gets


class Process:
    """A MicroPython that runs, much as a subprocess.Popen. With this object it ends."""

    def __init__(
        self, arguments: Sequence[str], environment: dict[str, str], files: dict[int, int]
    ) -> None:
        """files: what it has open, as {its number: ours}, and that is all."""
        self.returncode: int | None = None
        self._end, theirs = socket.socketpair()
        request = {
            "arguments": ["micropython", *arguments],
            "environment": environment,
            "directory": os.getcwd(),
            "files": list(files),
        }
        with theirs:
            _starter().send(request, [theirs.fileno(), *files.values()])
        self.pid = self._read()

    def poll(self) -> int | None:
        """Its exit status, or of the signal that ended it the negative; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout_s: float | None = None) -> int:
        """Its exit status once it has ended; subprocess.TimeoutExpired if that takes longer."""
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._end, select.POLLIN)
            if not poll.poll(None if timeout_s is None else timeout_s * 1000):
                raise subprocess.TimeoutExpired("micropython", timeout_s or 0)
            self.returncode = self._read()
            self._end.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        # No other process gets its pid before our end is closed.
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self) -> int:
        data = self._end.recv(_NUMBER.size, socket.MSG_WAITALL)
        if len(data) < _NUMBER.size:
            raise RuntimeError("the process that MicroPython is forked from has ended")
        return _NUMBER.unpack(data)[0]


def run(
    arguments: Sequence[str], environment: dict[str, str], given: bytes, timeout_s: float
) -> tuple[int, bytes]:
    """Run MicroPython to its end: its exit status, and what stdout and stderr have got.

    given: what it reads from stdin. subprocess.TimeoutExpired has the output until then.
    """
    with (
        open(os.memfd_create("stdin"), "w+b") as stdin,
        open(os.memfd_create("output"), "w+b") as output,
    ):
        stdin.write(given)
        stdin.seek(0)
        files = {0: stdin.fileno(), 1: output.fileno(), 2: output.fileno()}
        process = Process(arguments, environment, files)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired as expired:
            process.kill()
            process.wait()
            output.seek(0)
            expired.output = output.read()
            raise
        output.seek(0)
        return status, output.read()


class _Starter:
    """The other process, from here; it ends with this one."""

    def __init__(self) -> None:
        module = importlib.util.find_spec(_MODULE)
        assert module and module.origin, f"{_MODULE} is not installed; run make setup"
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            # It has a session of its own, as Ctrl-C at the terminal is not for it.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(theirs.fileno()), module.origin],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self._stop)

    def send(self, request: dict[str, Any], files: list[int]) -> None:
        data = json.dumps(request).encode()
        with self._lock:
            socket.send_fds(self._control, [_NUMBER.pack(len(data))], files)
            self._control.sendall(data)

    def _stop(self) -> None:
        self._control.close()
        self._process.wait()


_the_starter: list[_Starter] = []
_starting = threading.Lock()


def _starter() -> _Starter:
    with _starting:
        if not _the_starter:
            _the_starter.append(_Starter())
        return _the_starter[0]


# --- the process that has MicroPython loaded --------------------------------------------------


class _Forks:
    """Forks when `control` asks for it, tells who asked how that ended, and kills for him."""

    def __init__(self, control: socket.socket, run_main: Any) -> None:
        self._control = control
        self._run_main = run_main
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self._asked)

    def serve(self) -> None:
        while True:
            # One at a time: it may be that of a process that the next of them is about.
            key, _ = self._selector.select()[0]
            key.data()

    def _asked(self) -> None:
        head, files, _, _ = socket.recv_fds(self._control, _NUMBER.size, _MAX_FILES)
        if not head:
            self._end()
        (size,) = _NUMBER.unpack(head)
        request = json.loads(self._control.recv(size, socket.MSG_WAITALL))
        pid = os.fork()
        if pid == 0:
            self._become(request, files[1:])
        for fd in files[1:]:
            os.close(fd)
        asker = socket.socket(fileno=files[0])
        ended = os.pidfd_open(pid)

        def say(number: int) -> None:
            with contextlib.suppress(OSError):  # whoever asked may have gone
                asker.send(_NUMBER.pack(number))

        def tell() -> None:
            # It stays a zombie until forget(), so that no other process gets its pid.
            result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert result
            say(result.si_status if result.si_code == os.CLD_EXITED else -result.si_status)
            self._selector.unregister(ended)

        def forget() -> None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(ended)
            self._selector.unregister(asker)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(ended)
            asker.close()

        say(pid)
        self._selector.register(ended, selectors.EVENT_READ, tell)
        self._selector.register(asker, selectors.EVENT_READ, forget)

    def _become(self, request: dict[str, Any], files: list[int]) -> None:
        """Be what was asked for. Does not return."""
        try:
            os.setsid()
            os.chdir(request["directory"])
            os.environ.clear()
            os.environ.update(request["environment"])
            # First out of the way of the numbers that they are to have.
            free = max(request["files"], default=-1) + 1
            moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, free) for fd in files]
            os.closerange(0, free)
            for number, fd in zip(request["files"], moved, strict=True):
                os.dup2(fd, number)
            os.closerange(free, os.sysconf("SC_OPEN_MAX"))
            os._exit(self._run_main(request["arguments"]))
        except BaseException:  # noqa: BLE001 -- this process ends, whatever it was
            traceback.print_exc()
            os._exit(70)

    def _end(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj is not self._control:
                key.data()
        sys.exit()


def _main(control: str, module: str) -> None:
    sys.path.append(str(Path(module).parent))
    run_main = importlib.import_module(_MODULE).run_main
    _Forks(socket.socket(fileno=int(control)), run_main).serve()


if __name__ == "__main__":
    _main(*sys.argv[1:])
