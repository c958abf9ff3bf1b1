"""The serial line of a virtual board: a PTY for its user, and one for MicroPython behind it."""

import contextlib
import os
import pty
import re
import select
import termios
import tty
from collections.abc import Callable

CHUNK = 4096
BACKLOG = 1 << 20  # bytes that a user who does not read may leave behind
RAW_REPL = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY_REPL = b'Type "help()" for more information.\r\n>>> '


class UserPort:
    """The end that mpremote opens, by `path`. What is said while nobody has it open is lost."""

    def __init__(self) -> None:
        self.fd, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.fd, False)
        self.waiting = bytearray()

    def is_open(self) -> bool:
        poll = select.poll()
        poll.register(self.fd, 0)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    def read(self) -> bytes | None:
        """What the user has typed; None: the port has been closed."""
        try:
            return os.read(self.fd, CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> None:
        self.waiting += data
        if not self.is_open() or len(self.waiting) > BACKLOG:
            self.waiting.clear()
        with contextlib.suppress(OSError):
            while self.waiting:
                del self.waiting[: os.write(self.fd, self.waiting)]

    def close(self) -> None:
        os.close(self.fd)


class ChipPort:
    """The end that MicroPython has as its terminal, `slave`, until detach(); ours is `fd`.

    interrupt: called for a Ctrl-C that a program is to be interrupted by. settle: called before
    anything is passed on while a program runs, and returns when something reads.
    """

    def __init__(self, interrupt: Callable[[], None], settle: Callable[[], None]) -> None:
        self.interrupt = interrupt
        self._settle = settle
        self.fd, self.slave = pty.openpty()
        self.path = os.ttyname(self.slave)
        # What holds while a program runs; for the REPL MicroPython makes it raw. A program that
        # reads gets a line's end as \n; Ctrl-C interrupts it.
        modes = termios.tcgetattr(self.slave)
        modes[0], modes[1], modes[3] = termios.ICRNL, 0, termios.ISIG | termios.NOFLSH
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        for character in (termios.VQUIT, termios.VSUSP):
            modes[6][character] = b"\0"
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        os.set_blocking(self.fd, False)
        self.waiting = bytearray()
        self.hold = True  # keep what is typed until MicroPython is there to read it

    def detach(self) -> None:
        """MicroPython has it: ours is no longer needed, and would hide its end."""
        os.close(self.slave)

    def read(self) -> bytes | None:
        """What MicroPython has printed; None: it is gone."""
        try:
            return os.read(self.fd, CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> None:
        if b"\x03" in data and self.waiting and not self.hold:
            # It does not read: an interrupt passes what it will never get.
            self.waiting.clear()
        self.waiting += data
        self.flush()

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            while self.waiting and not self.hold:
                if not self.is_raw():
                    self._settle()
                # The terminal would interrupt any thread of the program, a chip its main one.
                if self.waiting[:1] == b"\x03" and not self.is_raw():
                    del self.waiting[:1]
                    self.interrupt()
                    continue
                end = self.waiting.find(b"\x03", 1)
                del self.waiting[: os.write(self.fd, self.waiting[: None if end < 0 else end])]

    def is_raw(self) -> bool:
        """Whether the REPL reads, and no program runs."""
        return not termios.tcgetattr(self.fd)[3] & termios.ISIG

    def close(self) -> None:
        os.close(self.fd)


class Translator:
    """Gives lines the ends that a board's have, and knows which REPL was last spoken to."""

    _bare = re.compile(rb"(?<!\r)\n")

    def __init__(self) -> None:
        self.binary = False  # a program has turned off Ctrl-C: it speaks a protocol
        self.raw_repl = False
        self._return = b""  # what came last, if a line's end may follow it
        self._tail = b""

    def __call__(self, data: bytes) -> bytes:
        if not data:
            return data
        if not self.binary:
            data = self._bare.sub(b"\r\n", self._return + data)[len(self._return) :]
        self._return = b"\r" if data.endswith(b"\r") else b""
        text = self._tail + data
        raw, friendly = text.rfind(RAW_REPL), text.rfind(FRIENDLY_REPL)
        if raw != friendly:
            self.raw_repl = raw > friendly
        self._tail = text[-len(FRIENDLY_REPL) :]
        return data
