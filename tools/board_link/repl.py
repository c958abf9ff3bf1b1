"""One connection to a board over its serial port: run code, files, resets, the console."""

import ast
import base64
import contextlib
import errno
import hashlib
import io
import re
import stat
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tools.board_link.ports import LinkError, port_problem, printable

BAUD = 115200
# What is being written has this name till it is whole; the next write does away with a left-over.
PART = "/.plexus-part"
_REBOOT = b"soft reboot"
_RAW = b"raw REPL; CTRL-B to exit\r\n"
_CHUNK_BYTES = 1536  # a string of 2 kB on the board's heap
_READ_S = 5.0  # how long one byte may be late in the middle of an exchange
_WATCHDOG_MS = 86400000  # a day; it cannot be stopped

# Where mpremote's file operations would not do. It writes a file in its place, where one that is
# cut off stays, and as Python literals, in which a third of the bytes are four characters each: a
# deploy of 272 kB to a blank board is 656 kB on the wire, and 392 kB here. It asks for hashes one
# by one: those of these 170 files take a virtual board 1.4 s with 44 kB sent, and 0.3 s with 6 kB
# here. Kept under one name on the board.
_HELPERS = f"""
class _plexus:
 import os,hashlib
 from binascii import a2b_base64,hexlify
 def open():
  s=_plexus
  s.file=open({PART!r},'wb')
  s.hash=s.hashlib.sha256()
 def write(text):
  s=_plexus
  data=s.a2b_base64(text)
  s.file.write(data)
  s.hash.update(data)
 def close(path,digest):
  s=_plexus
  s.file.close()
  if s.hexlify(s.hash.digest()).decode()!=digest:
   raise ValueError('damaged on the way')
  s.os.rename({PART!r},path)
 def sum(path):
  s=_plexus
  hash=s.hashlib.sha256()
  buffer=memoryview(bytearray(512))
  try:
   file=open(path,'rb')
  except OSError:
   return '-'
  with file:
   while True:
    n=file.readinto(buffer)
    if not n:
     break
    hash.update(buffer[:n])
  return s.hexlify(hash.digest()).decode()
"""


class BoardError(LinkError):
    """Code raised on the board. traceback: its text there; errno: of an OSError, else 0."""

    def __init__(self, traceback: str):
        self.traceback = traceback.strip()
        last = self.traceback.rsplit("\n", 1)[-1].strip() or "no traceback"
        number = re.match(r"OSError: (?:\[Errno )?(\d+)", last)
        self.errno = int(number[1]) if number else 0
        super().__init__(f"the board says: {printable(last)}")


@dataclass(frozen=True)
class Entry:
    """What a directory on the board has; size in bytes, 0 of a directory."""

    name: str
    is_directory: bool
    size: int


@dataclass(frozen=True)
class Space:
    """The board's file system; sizes in bytes."""

    total: int
    free: int
    block: int


class BoardLink:
    """A board at a serial port, for `with`. Whatever fails is a LinkError in words.

    Opening it leaves the board's program alone; exec() and all that is built on it stop it.
    """

    def __init__(self, port: str, baud: int = BAUD):
        from tools.board_link.files import Files

        self.port = port
        self._baud = baud
        self._raw = False  # the board is in its raw REPL
        self._helped = False  # and has the helpers
        self._files = Files(self.exec, self.eval)
        self._transport = self._open()

    def __enter__(self) -> "BoardLink":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the board at its prompt, if it was stopped, and give the port back."""
        try:
            if self._raw:
                self._serial.write(b"\r\x02")
            self._transport.close()
        except OSError:
            self._serial.close()  # the board has gone already
        self._raw = False

    @property
    def _serial(self) -> Any:
        return self._transport.serial

    def _open(self) -> Any:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport

        try:
            return SerialTransport(self.port, self._baud, timeout=_READ_S)
        except TransportError:
            raise LinkError(self._why_closed()) from None
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.port} cannot be opened: {error}") from None

    def _why_closed(self) -> str:
        # The transport has swallowed the reason.
        import serial

        try:
            serial.serial_for_url(self.port, exclusive=True).close()
        except OSError as error:
            return port_problem(self.port, error)
        return f"{self.port} could not be opened a moment ago; try again"

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        from mpremote.transport import TransportError, TransportExecError

        try:
            with contextlib.redirect_stdout(io.StringIO()):  # the transport prints what it saw
                yield
        except TransportExecError as error:
            raise BoardError(error.error_output) from None
        except OSError as error:
            self._raw = self._helped = False
            raise LinkError(
                f"{self.port}: the connection broke off ({error}); check cable and power, then "
                "start again"
            ) from None
        except (TransportError, struct.error) as error:
            self._raw = self._helped = False
            raise LinkError(
                f"{self.port}: the board stopped answering ({error}); press its reset button, then "
                "start again"
            ) from None

    # --- running code -----------------------------------------------------------------------

    def interrupt(self, timeout_s: float = 10) -> None:
        """Stop the board's program and enter the raw REPL, if it is not there yet."""
        if self._raw:
            return
        with self._in_words():
            heard = b""
            deadline = time.monotonic() + timeout_s
            while not heard.endswith(_RAW + b">"):
                if time.monotonic() > deadline:
                    raise LinkError(self._why_silent(heard))
                self._serial.write(b"\r\x03\x03")
                heard += self._heard(0.1)
                self._serial.write(b"\r\x01")
                heard = (heard + self._heard(0.3))[-4096:]
            # Answers to the tries before are out of the way: one prompt, and no more.
            self._serial.write(b"\x01")
            self._expect(_RAW, 5)
        self._raw = True

    def _why_silent(self, heard: bytes) -> str:
        if b"invalid header" in heard or b"flash read err" in heard:
            return f"{self.port}: the board has no firmware; python -m tools flash writes one"
        if not heard.strip():
            return (
                f"{self.port}: no MicroPython answers; press the board's reset button and try "
                "again, see that the port is the board's, or write MicroPython with "
                "python -m tools flash"
            )
        return (
            f"{self.port}: something is running there that does not stop for Ctrl-C; press the "
            "board's reset button and start this again at once, or python -m tools flash "
            "MicroPython (which erases the board)"
        )

    def _heard(self, quiet_s: float, max_s: float = 2) -> bytes:
        """What comes until there is silence for so long."""
        heard = b""
        deadline = time.monotonic() + max_s
        while time.monotonic() < deadline:
            data = self.read(quiet_s)
            if not data:
                break
            heard += data
        return heard

    def _expect(self, ending: bytes, timeout_s: float) -> bytes:
        from mpremote.transport import TransportError

        heard = self._transport.read_until(1, ending, timeout=timeout_s, timeout_overall=timeout_s)
        if not heard.endswith(ending):
            raise TransportError(f"no {ending.decode().strip()!r}")
        return heard

    def clean(self) -> None:
        """Restart MicroPython without main.py: an empty heap, no threads, the raw REPL.

        A hardware watchdog lives on through that: if the firmware was running, it gets more time.
        """
        self.interrupt()
        watched = self.eval("'firmware' in __import__('sys').modules")
        with self._in_words():
            self._expect(b">", 5)
            self._raw = self._helped = False
            self._serial.write(b"\x04")
            heard = self._transport.read_until(1, _RAW, timeout=10, timeout_overall=20)
        if heard.endswith(_RAW):
            self._raw = True
        else:
            self.interrupt()  # boot.py does not come to an end
        if watched:
            self.exec(
                "try:\n import machine\n"
                f" machine.WDT(timeout={_WATCHDOG_MS})\n"
                "except (ImportError,AttributeError,OSError,ValueError):\n pass"
            )

    def exec(
        self, code: str, timeout_s: float = 10, heard: Callable[[bytes], object] | None = None
    ) -> str:
        """Run code; returns what it printed. `timeout_s`: how long it may stay silent.

        heard: gets what it prints as it comes, also of code that fails; nothing is returned then.
        BoardError if it raised.
        """
        self.interrupt()
        with self._in_words():
            out, raised = self._transport.exec_raw(code, timeout_s, heard)
        text = out.decode("utf-8", "replace").replace("\r\n", "\n")
        if raised:
            raise BoardError(raised.decode("utf-8", "replace").replace("\r\n", "\n"))
        return text

    def eval(self, expression: str, timeout_s: float = 10) -> Any:
        """The value of an expression that has a literal as its repr()."""
        text = self.exec(f"print(repr({expression}))", timeout_s).strip()
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            shown = printable(text[:80])
            raise LinkError(f"{self.port}: the board answered {shown!r} for a value") from None

    def _help(self, code: str, timeout_s: float = 10) -> str:
        self.interrupt()
        if not self._helped:
            self.exec(_HELPERS)
            self._helped = True
        return self.exec(code, timeout_s)

    # --- files ------------------------------------------------------------------------------

    def write(self, path: str, data: bytes, wrote: Callable[[int], object] | None = None) -> None:
        """Put a file in place, whole or not at all; its directory has to be there.

        wrote: is called with the number of bytes of each piece that arrived.
        """
        digest = hashlib.sha256(data).hexdigest()
        pieces = [data[i : i + _CHUNK_BYTES] for i in range(0, len(data), _CHUNK_BYTES)]
        code = "_plexus.open()\n"
        try:
            for i, piece in enumerate(pieces):
                code += f"_plexus.write('{base64.b64encode(piece).decode()}')\n"
                if i < len(pieces) - 1:
                    self._help(code)
                    code = ""
                    if wrote:
                        wrote(len(piece))
            self._help(f"{code}_plexus.close({path!r},{digest!r})", 30)
            if wrote and pieces:
                wrote(len(pieces[-1]))
        except BoardError as error:
            raise _write_problem(path, error) from None

    def read_file(self, path: str) -> bytes:
        """A file's content. BoardError with its errno if there is none."""
        return bytes(self._files.fs_readfile(path, _CHUNK_BYTES))

    def hashes(self, paths: Iterable[str]) -> dict[str, str | None]:
        """The SHA-256 of files, in hexadecimal, computed there; None of one that is not there."""
        paths = list(paths)
        found: dict[str, str | None] = {}
        for i in range(0, len(paths), 50):
            some = paths[i : i + 50]
            answer = self._help(f"for p in {some!r}:\n print(_plexus.sum(p))", 30).split()
            if len(answer) != len(some):
                raise LinkError(f"{self.port}: the board gave {len(answer)} of {len(some)} hashes")
            for path, digest in zip(some, answer, strict=True):
                found[path] = None if digest == "-" else digest
        return found

    def list(self, path: str) -> list[Entry]:
        """What a directory has; nothing if it is not there."""
        try:
            rows = self._files.fs_listdir(path)
        except BoardError as error:
            if not error.errno:
                raise
            return []
        except (ValueError, SyntaxError, TypeError):
            raise LinkError(f"{path}: the board's answer about it is not readable") from None
        return [Entry(row.name, stat.S_ISDIR(row.st_mode), row.st_size) for row in rows]

    def remove(self, path: str) -> None:
        """Remove a file, or an empty directory; BoardError if there is none."""
        self._files.fs_rmfile(path)

    def rename(self, path: str, to: str) -> None:
        """Rename a file; it takes the place of another."""
        self.exec(f"import os\nos.rename({path!r},{to!r})")

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it, as far as they are not there yet."""
        try:
            self._files.fs_mkdir(path)
        except BoardError as error:
            if error.errno == errno.ENOENT:
                self.mkdir(str(PurePosixPath(path).parent))
                self._files.fs_mkdir(path)
            elif error.errno != errno.EEXIST:
                raise

    def space(self) -> Space:
        """How full the board's file system is."""
        size, _, blocks, free = self.eval("tuple(__import__('os').statvfs('/')[:4])")
        return Space(size * blocks, size * free, size)

    # --- resets and the console -------------------------------------------------------------

    def soft_reset(self) -> None:
        """Restart MicroPython with boot.py and main.py; the console is to be read then."""
        self.interrupt()
        with self._in_words():
            self._serial.write(b"\r\x02")
            self._expect(b">>> ", 5)
            # A port that sets up its terminal only after the prompt loses what came before that.
            for _ in range(2):
                self._serial.write(b"\x04")
                heard = self._transport.read_until(1, _REBOOT, timeout=8, timeout_overall=8)
                if heard.endswith(_REBOOT):
                    break
        self._raw = self._helped = False

    def hard_reset(self) -> None:
        """Restart the chip; the console is to be read then."""
        self.interrupt()
        with self._in_words():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        self._raw = self._helped = False

    def read(self, timeout_s: float) -> bytes:
        """What the console says; waits so long for the first byte. OSError if the port is gone."""
        port = self._serial
        port.timeout = timeout_s
        try:
            return port.read(max(1, port.in_waiting))
        finally:
            with contextlib.suppress(OSError):
                port.timeout = _READ_S

    def send(self, data: bytes) -> None:
        """Send to the console as a terminal would."""
        with self._in_words():
            self._serial.write(data)

    def lines(self, timeout_s: float) -> Iterator[str]:
        """The console's lines as they come, for so long in all.

        The port of a chip with USB of its own goes away while it restarts: it is opened again.
        """
        deadline = time.monotonic() + timeout_s
        rest = b""
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                data = self.read(min(left_s, 0.2))
            except OSError:
                self.reopen(deadline)
                continue
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield printable(line.decode("utf-8", "replace").rstrip("\r"))
            rest = rest[-4096:]
        if rest:
            yield printable(rest.decode("utf-8", "replace"))

    def reopen(self, deadline: float) -> None:
        with contextlib.suppress(OSError):
            self._serial.close()
        while True:
            time.sleep(0.2)
            try:
                self._transport = self._open()
                return
            except LinkError:
                if time.monotonic() > deadline:
                    raise


def _write_problem(path: str, error: BoardError) -> LinkError:
    if error.errno == errno.ENOSPC:
        return LinkError(f"{path}: the board's file system is full; remove files of yours")
    if error.errno == errno.EROFS:
        return LinkError(f"{path}: the board's file system is mounted read-only")
    if "damaged on the way" in error.traceback:
        return LinkError(f"{path}: damaged on the way; try again, with a shorter or better cable")
    return LinkError(f"{path}: cannot be written; {error}")
