"""The hardware of a virtual board: MicroPython's process, terminal, resets, radio, flash, world.

One thread runs it all. It is told what to do by the methods of VirtualBoard, and by the modules of
modules/, which MicroPython finds in place of an ESP32's.
"""

import contextlib
import ctypes
import functools
import json
import os
import platform
import queue
import re
import selectors
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import interpreter
from tools import build

from . import flash
from .air import Air
from .console import CHUNK, FRIENDLY_REPL, ChipPort, Translator, UserPort

# Numbers of the kernel's calls in which a program sleeps or waits for a file: restart_syscall,
# poll, ppoll, select, pselect6, nanosleep, clock_nanosleep; and of read and write, in which it may
# wait for the terminal.
WAITS = {"x86_64": "219 7 271 23 270 35 230", "aarch64": "128 73 72 101 115"}
TERMINAL = {"x86_64": ("0 0x0", "1 0x1", "1 0x2"), "aarch64": ("63 0x0", "64 0x1", "64 0x2")}
LIBC = ctypes.CDLL(None)
COLLECT = signal.SIGRTMIN + 5  # by which MicroPython's collector stops the other threads
MODULES = Path(__file__).parent / "modules"
MODELS = Path(__file__).parent.parent / "models"
PWRON, HARD, WDT, DEEPSLEEP, SOFT = range(1, 6)  # as machine.reset_cause() gives them
# What the chip's own loader says.
LOADER_SAYS = {
    PWRON: "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
    HARD: "rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
    WDT: "rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
    DEEPSLEEP: "rst:0x5 (DEEPSLEEP_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
}
# How often to look for a moment at which a program can be interrupted. Not for how long: this
# computer may be busy.
INTERRUPT_LOOKS = 50
INTERRUPT_LOOK_S = 0.003
PORT_OFFSET = 10000  # a port below 1024 that the board listens at is this much higher here
ABSENT_POLL_S = 0.02  # how often to look whether somebody has opened the port
# Bytes of the heap that the simulation takes: enough to measure it, and when to measure anew.
OVERHEAD_GUESS = 500_000
OVERHEAD_TOLERANCE = 4096

WORLD: dict[str, Any] = {
    "networks": {},
    "join_ms": 30,
    "dhcp": True,
    "link_dead": False,
    "radio_fault": None,
    "lan": None,
    "dns": {},
    "routes": {},
    "dns_timeout_ms": 1000,
    "simulated": False,
    "sensors": [],
    "bus_faults": {},
    "pins": {},
    "sleep_scale": 1.0,
    "cut_after_writes": None,
    "chip_temperature": 41,
    "idf_heap_free": 95000,
}


@functools.cache
def _compiled() -> "tempfile.TemporaryDirectory[str]":
    """What MicroPython finds besides the board's files, compiled, as it starts often."""
    folder = tempfile.TemporaryDirectory()
    for tree in (MODULES, MODELS):
        target = Path(folder.name) / ("" if tree == MODULES else "others") / tree.name
        build.compile_tree(tree, target, build.host_arch(), lines=True)
    return folder


def _waits(task: Path) -> bool:
    """Whether a thread that is stopped waits for something, and handles no collection."""
    call = (task / "syscall").read_text().split()[:2]
    machine = platform.machine()
    waits = call[0] in WAITS.get(machine, "").split()
    talks = " ".join(call) in TERMINAL.get(machine, ())
    sets = re.findall(r"^(?:SigPnd|SigBlk):\s*(\w+)", (task / "status").read_text(), re.MULTILINE)
    collects = any(int(each, 16) >> COLLECT - 1 & 1 for each in sets)
    return (waits or talks) and not collects


def _is_stopped(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"


def _catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> number - 1 & 1)


class Chip:
    """What a VirtualBoard is made of; `_do` has its thread do something."""

    _overheads: dict[str, int] = {}  # bytes that the simulation takes, by what is simulated
    _count = 0

    def __init__(self, directory: Path, heap: int, flash_mb: int, world: dict[str, Any]) -> None:
        folder = _compiled().name
        self._search_path = f"{folder}/{MODULES.name}:{folder}/others:.frozen"
        self.directory = directory
        self.image = directory / "flash.img"
        self.heap = heap
        self.flash_mb = flash_mb
        self.romfs_blocks = 0  # of the partition; 0: its MicroPython has none
        Chip._count += 1
        self._number = Chip._count
        # An address for each board, for its own servers.
        self.address = f"127.{64 + os.getpid() % 128}.{os.getpid() // 128 % 256}."
        self.address += str(1 + self._number % 254)
        self.resets: list[int] = []  # the cause of each start, as machine.reset_cause() has it
        self.radio: dict[str, Any] = {}  # what the program has made of it, see modules/network.py
        self.pins: dict[int, int | None] = {}  # levels that the program drives; None: an input
        self.lights: dict[int, list[list[int]]] = {}  # the colours that NeoPixels show, by pin
        self.pin_log: list[tuple[float, int, int | None]] = []  # (s, pin, level) as they changed
        self.off = True
        self.asleep = False
        self.repl = False  # the program has ended, and the prompt is there

        self._world = dict(WORLD)
        self._kept: dict[str, Any] = {}  # what outlives some resets
        self._generation = self.directory / "world.generation"
        self._changes = 0
        self._text = ""
        self._changed = threading.Condition()
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._process: interpreter.Process | None = None
        self._write_world(world)

    def open(self) -> None:
        """Plug in the cable: there is a port, and nothing behind it until start()."""
        self._selector = selectors.DefaultSelector()
        self._air = Air(self._selector)
        self._user = UserPort()
        self.port = self._user.path
        self._user_open = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._woken)
        self._closing = False
        self._wdt_ms: int | None = None
        self._wdt_at: float | None = None
        self._wake_at: float | None = None
        self._wake_pins: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="virtual board", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._thread is None:
            return
        self.stop()

        def end() -> None:
            self._closing = True

        self._do(end)
        self._thread.join(10)
        self._thread = None
        self._selector.close()
        self._user.close()
        self._wake_reader.close()
        self._wake_writer.close()

    # The thread that all below runs in

    def _do(self, job: Callable[[], None]) -> None:
        assert self._thread, "open() it first"
        done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

        def run() -> None:
            try:
                job()
            except BaseException as error:
                done.put(error)
                raise
            done.put(None)

        self._jobs.put(run)
        self._wake_writer.send(b"\0")
        error = done.get(timeout=30)
        if error:
            raise error

    def _run(self) -> None:
        while not self._closing:
            now = time.monotonic()
            deadlines = [at for at in (self._wdt_at, self._wake_at) if at is not None]
            if not self._user_open:
                deadlines.append(now + ABSENT_POLL_S)
            timeout_s = max(0.0, min(deadlines) - now) if deadlines else None
            for key, events in self._selector.select(timeout_s):
                # What came before it may have closed this one.
                if self._selector.get_map().get(key.fd) is key:
                    key.data(events)
            self._look_at_user()
            self._expire()

    def _woken(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_reader.recv(CHUNK)
        while not self._jobs.empty():
            self._jobs.get()()

    def _expire(self) -> None:
        now = time.monotonic()
        if self._wake_at is not None and now >= self._wake_at:
            self._wake("timer")
        if self._wdt_at is not None and now >= self._wdt_at:
            self._read_control()  # it may be us who are late
            if self._wdt_at is not None and now >= self._wdt_at:
                self._say("E (task_wdt): Task watchdog got triggered.\r\n")
                self._reset(WDT)

    # The lines

    def _look_at_user(self) -> None:
        is_open = self._user.is_open()
        if is_open and not self._user_open:
            self._selector.register(self._user.fd, selectors.EVENT_READ, self._user_ready)
        elif self._user_open and not is_open:
            self._selector.unregister(self._user.fd)
            self._user.waiting.clear()
        self._user_open = is_open
        if is_open:
            events = selectors.EVENT_READ
            if self._user.waiting:
                events |= selectors.EVENT_WRITE
            if self._selector.get_key(self._user.fd).events != events:
                self._selector.modify(self._user.fd, events, self._user_ready)

    def _user_ready(self, _events: int) -> None:
        self._user.write(b"")
        data = self._user.read()
        if data:
            self._typed(data)

    def _typed(self, data: bytes) -> None:
        if self._process:  # else nobody is there to hear it
            self._chip.write(data)
            self._listen_to_chip()

    def _listen_to_chip(self) -> None:
        events = selectors.EVENT_READ
        if self._chip.waiting and not self._chip.hold:
            events |= selectors.EVENT_WRITE
        if self._selector.get_key(self._chip.fd).events != events:
            self._selector.modify(self._chip.fd, events, self._chip_ready)

    def _chip_ready(self, _events: int) -> None:
        self._chip.flush()
        data = self._chip.read()
        if data is None:
            self._ended()
        else:
            self._printed(data)
            self._listen_to_chip()

    def _printed(self, data: bytes) -> None:
        if self._hidden is not None:
            # The prompt that comes before the raw REPL, to which a raw soft reset returns.
            self._hidden += data
            _, found, data = self._hidden.partition(FRIENDLY_REPL)
            if not found:
                return
            self._hidden = None
            self._chip.hold = False
            self._chip.waiting[:0] = b"\x01"
            self._chip.flush()
        self._say(self._translate(data))

    def _say(self, data: bytes | str) -> None:
        if isinstance(data, str):
            data = data.encode()
        if data:
            self._user.write(data)
            with self._changed:
                self._text += data.decode(errors="replace")
                self._changed.notify_all()

    def _drain(self) -> None:
        """Take what MicroPython has printed until now."""
        while data := self._chip.read():
            self._printed(data)

    def _control_ready(self, _events: int) -> None:
        if not self._read_control():
            self._ended()

    def _read_control(self) -> bool:
        """Act on what MicroPython's modules ask for; False at their end."""
        process = self._process
        while process is not None and process is self._process:
            try:
                data = os.read(self._requests, CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            *lines, self._request = (self._request + data).split(b"\n")
            for line in lines:
                if process is not self._process:
                    break  # the rest was said by one who is no more
                message = json.loads(line)
                getattr(self, "_on_" + message.pop("op"))(**message)
        return True

    def _reply(self, id: int, **answer: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._replies, json.dumps({"id": id, **answer}).encode() + b"\n")

    # Resets

    def _reset(self, cause: int) -> None:
        raw_repl = cause == SOFT and self._translate.raw_repl
        self._kill()
        if cause == PWRON:
            self._kept = {}
        elif cause != SOFT:
            self._kept = {k: v for k, v in self._kept.items() if k.startswith("rtc_")}
        if cause == SOFT:
            self._say("MPY: soft reboot\r\n")
        else:
            self._say(LOADER_SAYS[cause] + "\r\n")
            self._wdt_at = self._wdt_ms = None
            self._set_radio({})
            self.pins.clear()
            self.lights.clear()
        self._wake_at = None
        if not self.asleep:
            self._wake_reason = None
        self.asleep = False
        self.off = False
        self._cause = cause
        self._spawn(raw_repl)
        with self._changed:
            self.resets.append(cause)
            self._changed.notify_all()

    def _spawn(self, raw_repl: bool) -> None:
        self._raw_at_start = raw_repl
        self.repl = False
        self._hidden: bytes | None = None
        self._translate = Translator()
        self._translate.raw_repl = raw_repl
        self._request = b""
        self._chip = ChipPort(self._interrupt, self._settle)
        self._requests, their_requests = os.pipe()
        their_replies, self._replies = os.pipe()
        os.set_blocking(self._requests, False)
        overhead = self._overheads.get(self._simulated(), OVERHEAD_GUESS)
        # Of the heap, a byte in 85 is the collector's own table.
        heap = (self.heap + overhead) * 85 // 84
        program = "import _board; _board.run(3, 4, globals())"
        terminal = dict.fromkeys((0, 1, 2), self._chip.slave)
        self._process = interpreter.Process(
            ["-X", f"heapsize={heap}", "-i", "-c", program],
            {"MICROPYPATH": self._search_path, "TZ": "UTC"},
            {**terminal, 3: their_replies, 4: their_requests},
        )
        self._chip.detach()
        os.close(their_requests)
        os.close(their_replies)
        self._selector.register(self._chip.fd, selectors.EVENT_READ, self._chip_ready)
        self._selector.register(self._requests, selectors.EVENT_READ, self._control_ready)
        start = {
            "tty": self._chip.path,
            "directory": str(self.directory.absolute()),
            "blocks": flash.block_count(self.flash_mb),
            "block_size": flash.BLOCK_SIZE,
            "romfs_blocks": self.romfs_blocks,
            "flash_bytes": self.flash_mb * 0x100000,
            "cause": self._cause,
            "wake_reason": self._wake_reason,
            "raw_repl": raw_repl,
            "kept": self._kept,
            "address": self.address,
            "port_offset": PORT_OFFSET,
            "unique_id": "240ac4%06x" % (self._number & 0xFFFFFF),
        }
        self._reply(0, **start)

    def _simulated(self) -> str:
        what = [self._world["simulated"], *(entry["model"] for entry in self._world["sensors"])]
        return f"{self._cause == SOFT} {self.romfs_blocks} {what}"

    def _kill(self) -> None:
        if not self._process:
            return
        self._process.kill()
        self._process.wait()
        if self._hidden is None:
            self._drain()
        for fd in (self._chip.fd, self._requests):
            self._selector.unregister(fd)
        self._chip.close()
        os.close(self._requests)
        os.close(self._replies)
        self._process = None
        self._air.drop()

    def _interrupt(self) -> None:
        """Ctrl-C for the main thread, whose id is the process's.

        If it can be, while that waits for the world: the interrupt leaves at once whatever it is
        in. From within a collection, its own or another thread's, that would stop all for good.
        From within a timer's callback it would not reach the program. So the process is stopped
        while we look.
        """
        if not self._process:
            return
        pid = self._process.pid
        task = Path(f"/proc/{pid}/task/{pid}")
        for _ in range(INTERRUPT_LOOKS):
            self._process.send_signal(signal.SIGSTOP)
            try:
                while not _is_stopped(task):
                    if self._process.poll() is not None:
                        return
                    time.sleep(0)
                if _waits(task):
                    self._send_interrupt(pid)
                    return
            finally:
                self._process.send_signal(signal.SIGCONT)
            time.sleep(INTERRUPT_LOOK_S)
        self._send_interrupt(pid)  # it computes

    @staticmethod
    def _send_interrupt(pid: int) -> None:
        if _catches(pid, signal.SIGINT):  # else the signal would be its end
            LIBC.tgkill(pid, pid, signal.SIGINT)

    def _settle(self) -> None:
        """Wait while one program has ended and the REPL is not there yet: it is a moment.

        MicroPython then throws away what was typed, and has no handler for Ctrl-C.
        """
        latest = time.monotonic() + 2
        while (
            self._process
            and self._process.poll() is None
            and not self._chip.is_raw()
            and not _catches(self._process.pid, signal.SIGINT)
            and time.monotonic() < latest
        ):
            time.sleep(0.001)

    def _power_off(self) -> None:
        self._kill()
        self._wdt_at = self._wdt_ms = self._wake_at = None
        self._kept = {}
        self._wake_reason = None
        self.asleep = False
        self.pins.clear()
        self.lights.clear()
        self._set_radio({})
        with self._changed:
            self.off = True
            self._changed.notify_all()

    def _ended(self) -> None:
        """MicroPython has ended by itself: Ctrl-D or SystemExit at the prompt, or a crash of it."""
        process = self._process
        if process is None:
            return
        try:
            status = process.wait(0.5)
        except subprocess.TimeoutExpired:
            status = 0  # it waits for its threads, which no soft reset does
        if status >= 0:
            self._reset(SOFT)
        else:
            self._drain()
            self._say(f"Guru Meditation Error: the interpreter died of signal {-status}\r\n")
            self._reset(HARD)

    def _wake(self, reason: str) -> None:
        self._wake_reason = reason
        self._reset(DEEPSLEEP)

    def _wake_by(self, pin: int, level: int) -> None:
        if self.asleep and self._wake_pins.get(str(pin)) == level:
            self._wake("pin")

    # What MicroPython's modules ask for

    def _on_ready(self, id: int, used: int) -> None:
        key = self._simulated()
        guess = self._overheads.setdefault(key, OVERHEAD_GUESS)
        if abs(used - guess) > OVERHEAD_TOLERANCE:
            # Only now it is known how much of the heap is the simulation's.
            self._overheads[key] = used
            self._kill()
            self._spawn(self._raw_at_start)
            return
        self._chip.hold = False
        self._reply(id)
        self._chip.flush()
        self._listen_to_chip()

    def _on_repl(self, id: int) -> None:
        self._drain()
        if self._raw_at_start:
            self._chip.hold = True
            self._hidden = b""
        self._reply(id)
        with self._changed:
            self.repl = True
            self._changed.notify_all()

    def _on_interrupted(self) -> None:
        """A timer's callback has caught the Ctrl-C that was meant for the program."""
        if not self._chip.is_raw():
            self._interrupt()

    def _on_binary(self, id: int, on: bool) -> None:
        self._drain()
        self._translate.binary = on
        self._reply(id)

    def _on_soft(self) -> None:
        self._reset(SOFT)

    def _on_reset(self) -> None:
        self._reset(HARD)

    def _on_cut(self) -> None:
        self._write_world({"cut_after_writes": None})
        self._power_off()

    def _on_sleep(self, ms: int | None, pins: dict[str, int]) -> None:
        self._kill()
        self._wdt_at = self._wdt_ms = None
        self._set_radio({})
        self._wake_pins = pins
        if ms is not None:
            self._wake_at = time.monotonic() + ms / 1000 * self._world["sleep_scale"]
        with self._changed:
            self.asleep = True
            self._changed.notify_all()
        for pin, level in pins.items():
            if self._world["pins"].get(pin) == level:
                self._wake("pin")
                break

    def _on_wdt(self, ms: int | None) -> None:
        self._wdt_ms = ms if ms is not None else self._wdt_ms
        if self._wdt_ms is not None:
            self._wdt_at = time.monotonic() + self._wdt_ms / 1000

    def _on_keep(self, name: str, value: Any) -> None:
        self._kept[name] = value

    def _on_radio(self, state: dict[str, Any]) -> None:
        self._kept["radio"] = state
        self._set_radio(state)

    def _on_cured(self) -> None:
        self._write_world({"radio_fault": None})

    def _on_pin(self, pin: int, level: int | None) -> None:
        with self._changed:
            self.pins[pin] = level
            self.pin_log.append((time.monotonic(), pin, level))
            self._changed.notify_all()

    def _on_neopixel(self, pin: int, colours: list[list[int]]) -> None:
        with self._changed:
            self.lights[pin] = colours
            self._changed.notify_all()

    def _on_resolve(self, id: int, host: str, port: int) -> None:
        route = self._world["routes"].get(f"{host}:{port}")
        if route:
            host, _, text = route.rpartition(":")
            port = int(text)
        host = self._world["dns"].get(host, host)
        if host == "localhost":
            host = "127.0.0.1"
        if not host.startswith("127."):
            # No test reaches out of this machine.
            self._reply(id, error="unreachable" if re.fullmatch(r"[\d.]+", host) else "unknown")
            return
        self._reply(id, port=self._air.relay_port(host, port))

    # The world

    def _write_world(self, world: dict[str, Any]) -> None:
        unknown = world.keys() - WORLD.keys()
        if unknown:
            raise ValueError(f"{sorted(unknown)}: the world has {sorted(WORLD)}")
        self._world = {**self._world, **world}
        new = self.directory / "world.new"
        new.write_text(json.dumps(self._world))
        new.replace(self.directory / "world.json")
        # Written last, in place: MicroPython looks only at this until it changes.
        self._changes += 1
        generation = self._changes.to_bytes(8, "little")
        fd = os.open(self._generation, os.O_WRONLY | os.O_CREAT)
        os.pwrite(fd, generation, 0)
        os.close(fd)

    def _set_radio(self, state: dict[str, Any]) -> None:
        with self._changed:
            self.radio = state
            self._changed.notify_all()
        self._world_changed()

    def _world_changed(self) -> None:
        by_wifi = self.radio.get("ssid") in self._world["networks"] and self.radio.get("connected")
        lan = self._world["lan"]
        by_lan = self.radio.get("lan") and lan and lan.get("cable")
        self._air.set_alive(bool(by_wifi or by_lan) and not self._world["link_dead"])
