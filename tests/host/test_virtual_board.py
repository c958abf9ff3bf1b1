"""The virtual board: as a board with MicroPython behaves, seen by mpremote and by a program."""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.server import ServerView, TlsView
from tests.fixtures.virtual_board import Boards
from tests.virtual_board import VirtualBoard, flash
from tools import build

PWRON, HARD, WDT, DEEPSLEEP, SOFT = range(1, 6)
HOME = {"home": {"password": "12345678", "rssi": -61}}
JOIN = """
import network, time
sta = network.WLAN(network.STA_IF)
def join(ssid="home", key="12345678"):
    sta.active(True)
    sta.connect(ssid, key)
    while not sta.isconnected():
        time.sleep_ms(5)
"""


# Fills the heap when a machine is powered on, and then does this.
FULL = """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    hoard = None
    for size in (4096, 64):
        try:
            while True:
                hoard = (hoard, bytearray(size))
        except MemoryError:
            pass
    try:
        while True:
            hoard = (hoard, None)
    except MemoryError:
        pass
    %s
"""


@pytest.fixture
def board(virtual_board: Boards) -> VirtualBoard:
    return virtual_board()


def run(board: VirtualBoard, program: str) -> str:
    """What a program prints that mpremote runs, without a soft reset before it."""
    return board.mpremote("resume", "exec", program)


# A full heap


def test_a_program_that_has_filled_the_heap_can_reset_the_board(virtual_board: Boards) -> None:
    board = virtual_board({"main.py": FULL % "machine.reset()"})
    board.wait_reset(HARD)


def test_in_a_full_heap_the_line_to_the_computer_is_free_after_use(virtual_board: Boards) -> None:
    use = """
    try:
        with machine._host._telling:
            pass
    except MemoryError:
        pass
    free = not machine._host._telling._lock.locked()
    hoard = None
    print("free", free)
    """
    virtual_board({"main.py": FULL % use}).wait_for("free True")


# mpremote


def test_exec_prints_and_fails_as_on_a_board(board: VirtualBoard) -> None:
    assert board.mpremote("exec", "print(6 * 7)") == "42\n"
    failed = board.mpremote("exec", "1 / 0", check=False)
    assert "ZeroDivisionError" in failed


def test_run_runs_a_file_of_the_computer(board: VirtualBoard, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys\nfor i in range(3):\n    print('line', i)\n")
    assert board.mpremote("run", str(program)) == "line 0\nline 1\nline 2\n"


def test_lines_end_on_the_wire_as_a_boards_do(board: VirtualBoard) -> None:
    board.wait_repl()
    board.type("print('a\\nb')\r")
    assert "\r\na\r\nb\r\n>>> " in board.wait_for(r"b\s+>>> $").string


def test_cp_ls_cat_and_rm(board: VirtualBoard, tmp_path: Path) -> None:
    content = bytes(range(256)) * 33
    (tmp_path / "data.bin").write_bytes(content)
    board.mpremote("cp", str(tmp_path / "data.bin"), ":data.bin")
    assert "8448 data.bin" in board.mpremote("ls")
    board.mpremote("cp", ":data.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == content
    board.mpremote("rm", ":data.bin")
    assert "data.bin" not in board.mpremote("ls")


def test_cp_of_a_tree(board: VirtualBoard, tmp_path: Path) -> None:
    for name in ("app/a.py", "app/deep/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    board.mpremote("cp", "-r", str(tmp_path / "app"), ":")
    board.stop()
    files = board.files()
    assert files["/app/a.py"] == b"# app/a.py\n"
    assert files["/app/deep/b.py"] == b"# app/deep/b.py\n"


def test_df_tells_the_size_of_the_partition(board: VirtualBoard) -> None:
    (line,) = [line for line in board.mpremote("df").splitlines() if line.endswith(" /")]
    assert line.split()[1] == str(0x200000)


def test_mount_lets_a_program_use_the_computers_files(board: VirtualBoard, tmp_path: Path) -> None:
    binary = bytes(range(256)) * 4
    (tmp_path / "mounted.py").write_text("print('from the computer')\n")
    (tmp_path / "binary").write_bytes(binary)
    output = board.mpremote(
        "mount",
        str(tmp_path),
        "exec",
        "import mounted; open('copy', 'wb').write(open('binary', 'rb').read())",
    )
    assert "from the computer" in output
    assert (tmp_path / "copy").read_bytes() == binary


def test_mip_installs_this_library(board: VirtualBoard) -> None:
    board.mpremote("mip", "install", "--no-mpy", str(build.REPOSITORY / "package.json"))
    program = "import plexus; print(plexus.__name__)"
    assert board.mpremote("exec", program) == "plexus\n"
    assert "client.py" in board.mpremote("ls", ":lib/plexus")


def test_reset_of_mpremote_is_a_hard_reset(board: VirtualBoard) -> None:
    board.mpremote("reset")
    board.wait_reset(HARD)
    board.wait_repl()
    assert run(board, "import machine; print(machine.reset_cause())") == f"{HARD}\n"


def test_soft_reset_of_mpremote_forgets_the_program(board: VirtualBoard) -> None:
    run(board, "x = 1")
    assert run(board, "print(x)") == "1\n"
    board.mpremote("soft-reset")
    board.wait_repl()
    assert "NameError" in board.mpremote("resume", "exec", "print(x)", check=False)
    assert run(board, "import machine; print(machine.reset_cause())") == f"{SOFT}\n"


# boot.py, main.py and resets

SAY = {"boot.py": "print('this is boot')\n", "main.py": "print('this is main')\n"}


def test_boot_and_main_run_in_this_order_at_power_on(virtual_board: Boards) -> None:
    board = virtual_board(files=SAY)
    board.wait_for(r"POWERON_RESET[^>]*this is boot\r\nthis is main\r\n[^>]*>>> ")


def test_both_run_again_after_a_soft_reset_at_the_prompt(virtual_board: Boards) -> None:
    board = virtual_board(files=SAY)
    board.wait_for(">>> ")
    board.type("\x04")
    board.wait_for(r">>> \r\nMPY: soft reboot\r\nthis is boot\r\nthis is main\r\n[^>]*>>> ")
    assert board.resets == [PWRON, SOFT]


def test_a_soft_reset_in_the_raw_repl_runs_boot_alone(virtual_board: Boards) -> None:
    board = virtual_board(files=SAY)
    board.wait_for(">>> ")
    start = len(board.console())
    board.type("\x01")
    board.wait_for("raw REPL", start=start)
    board.type("\x04")
    board.wait_for(r"soft reboot\r\nthis is boot\r\n\s*raw REPL; CTRL-B to exit\r\n>", start=start)
    assert "main" not in board.console()[start:]


def test_ctrl_c_stops_main_and_gives_the_prompt(virtual_board: Boards) -> None:
    board = virtual_board(files={"main.py": "print('busy')\nwhile True:\n    pass\n"})
    board.wait_for("busy")
    assert not board.repl
    board.type("\x03")
    text = board.wait_for(r"KeyboardInterrupt: \r\n[^>]*>>> ").string
    assert 'File "main.py", line ' in text
    assert "_board" not in text


def test_ctrl_c_at_any_moment_of_a_start_resets_no_board(board: VirtualBoard) -> None:
    starts = 10
    for _ in range(starts):
        board.power_cycle()
        while not board.repl:
            board.type("\x03")
    board.type("\x03")
    assert board.resets == [PWRON] * (1 + starts)


def test_ctrl_c_interrupts_the_main_thread_while_another_collects(virtual_board: Boards) -> None:
    program = (
        "import _thread, gc, time\n"
        "def collect():\n    while True:\n        gc.collect()\n        time.sleep_ms(1)\n"
        "_thread.start_new_thread(collect, ())\nn = 0\n"
        "while True:\n    try:\n        print('round', n)\n        while True:\n"
        "            time.sleep_ms(3)\n    except KeyboardInterrupt:\n        n += 1\n"
    )
    board = virtual_board(files={"main.py": program})
    for count in range(20):
        board.wait_for(rf"round {count}\b")
        board.type("\x03")
    board.wait_for(r"round 20\b")


def test_ctrl_c_while_a_timers_callback_runs_interrupts_main(virtual_board: Boards) -> None:
    program = (
        "import machine, time\n"
        "def call(_):\n    print('called')\n    time.sleep_ms(300)\n"
        "machine.Timer(0, period=600, callback=call)\n"
        "while True:\n    time.sleep_ms(3)\n"
    )
    board = virtual_board(files={"main.py": program})
    board.wait_for("called")
    board.type("\x03")
    board.wait_for(r"KeyboardInterrupt: \r\n[^>]*>>> ")
    assert board.console().count("KeyboardInterrupt") == 1


def test_mpremote_interrupts_a_busy_main(virtual_board: Boards) -> None:
    board = virtual_board(files={"main.py": "while True:\n    pass\n"})
    assert board.mpremote("exec", "print('mine')") == "mine\n"


def test_a_soft_reset_ends_other_threads(board: VirtualBoard) -> None:
    board.wait_repl()
    board.type("import _thread, time\r")
    board.type("f = lambda: [time.sleep_ms(1) for _ in iter(int, 1)]\r")
    board.type("_thread.start_new_thread(f, ())\r\x04")
    board.wait_reset(SOFT)
    board.wait_repl()
    assert run(board, "print('there')") == "there\n"


def test_a_program_reads_lines_from_the_serial_line(virtual_board: Boards) -> None:
    program = (
        "import select, sys\np = select.poll()\np.register(sys.stdin, select.POLLIN)\n"
        "print('ready')\np.poll()\nprint('read', repr(sys.stdin.readline()))\n"
    )
    board = virtual_board(files={"main.py": program})
    board.wait_for("ready")
    board.type("PLEXUS:key=value\r")
    board.wait_for(r"read 'PLEXUS:key=value\\n'")


def test_the_names_of_main_are_there_at_the_prompt_and_nothing_else(virtual_board: Boards) -> None:
    board = virtual_board(files={"main.py": "found = 5\n"})
    board.wait_repl()
    names = run(board, "print(sorted(dir()))")
    assert names == "['__file__', '__name__', 'found']\n"


def test_main_does_not_run_if_boot_fails(virtual_board: Boards) -> None:
    board = virtual_board(files={**SAY, "boot.py": "1 / 0\n"})
    text = board.wait_for(">>> ").string
    assert 'File "boot.py", line 1' in text
    assert "this is main" not in text


def test_sys_exit_in_main_is_a_soft_reset(virtual_board: Boards) -> None:
    once = "import machine, sys\nif machine.reset_cause() == 1:\n    sys.exit()\nprint('again')\n"
    board = virtual_board(files={"main.py": once})
    board.wait_for("soft reboot\r\nagain")


def test_machine_reset_in_main_is_a_hard_reset(virtual_board: Boards) -> None:
    program = (
        "import machine\nif machine.reset_cause() == 1:\n    machine.reset()\nprint('again')\n"
    )
    board = virtual_board(files={"main.py": program})
    board.wait_for(r"rst:0xc[^\n]*\r\nagain")
    assert board.resets == [PWRON, HARD]


def test_the_reset_button_looks_like_power_on(board: VirtualBoard) -> None:
    board.wait_repl()
    board.reset()
    board.wait_repl()
    assert run(board, "import machine; print(machine.reset_cause())") == "1\n"


def test_a_watchdog_that_is_not_fed_resets_the_chip(virtual_board: Boards) -> None:
    program = (
        "import machine, time\n"
        "if machine.reset_cause() == 1:\n"
        "    wdt = machine.WDT(timeout=300)\n"
        "    for i in range(20):\n        wdt.feed()\n        time.sleep_ms(30)\n"
        "    print('fed')\n"
        "    while True:\n        pass\n"
        "print('cause', machine.reset_cause())\n"
    )
    board = virtual_board(files={"main.py": program})
    board.wait_for(r"POWERON[^>]*fed\r\n[^>]*cause 3")
    assert board.resets == [PWRON, WDT]


def test_a_watchdog_outlives_a_soft_reset(board: VirtualBoard) -> None:
    board.wait_repl()
    board.type("import machine; w = machine.WDT(timeout=1000)\r\x04")
    board.wait_reset(SOFT)
    board.wait_reset(WDT)


def test_unique_id_differs_between_boards(virtual_board: Boards) -> None:
    program = "import machine; print(machine.unique_id().hex())"
    one, other = virtual_board(), virtual_board()
    first = run(one, program)
    assert re.fullmatch("[0-9a-f]{12}\n", first)
    assert run(other, program) != first
    one.power_cycle()
    assert run(one, program) == first


def test_the_heap_is_as_large_as_asked_for(virtual_board: Boards) -> None:
    bench = {"model": "bme280", "bus": "i2c0", "address": 118}
    for world in ({}, {"simulated": True}, {"sensors": [bench]}):
        board = virtual_board(heap="100k", **world)
        board.wait_repl()
        free = int(run(board, "import gc; gc.collect(); print(gc.mem_free())"))
        assert 95_000 < free < 108_000, world


def test_a_timer_calls_back_while_the_program_runs(board: VirtualBoard) -> None:
    output = run(
        board,
        "import machine, time\nn = []\n"
        "t = machine.Timer(0)\nt.init(period=5, callback=n.append)\n"
        "while len(n) < 3: time.sleep_ms(1)\n"
        "t.deinit(); print(n[0] is t)",
    )
    assert output == "True\n"


# The flash


def test_files_outlive_a_power_cycle(board: VirtualBoard) -> None:
    run(board, "with open('kept.txt', 'w') as file: file.write('kept')")
    board.power_cycle()
    board.wait_repl()
    assert run(board, "print(open('kept.txt').read())") == "kept\n"


def test_an_erased_flash_is_formatted_and_gets_a_boot_file(board: VirtualBoard) -> None:
    board.wait_repl()
    board.stop()
    assert list(board.files()) == ["/boot.py"]
    assert len(board.image.read_bytes()) == 512 * 4096


def test_an_image_made_on_the_computer_is_mounted(virtual_board: Boards) -> None:
    image = flash.with_files(flash.erased(8), {"/main.py": b"print('from the image')\n"})
    board = virtual_board(flash_mb=8, filesystem=image)
    board.wait_for("from the image")
    assert len(image) == 1536 * 4096


def test_an_image_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exactly 2097152"):
        VirtualBoard(tmp_path / "board", filesystem=b"\xff" * 4096)


def test_an_image_with_another_block_count_is_not_mounted(virtual_board: Boards) -> None:
    short = flash.with_files(b"\xff" * 4096 * 500, {"/main.py": b"print('mounted')\n"})
    board = virtual_board(filesystem=short + b"\xff" * 4096 * 12)
    text = board.wait_for(">>> ").string
    assert "no LittleFS of 512 blocks" in text
    assert "mounted" not in text


def test_power_that_is_cut_at_any_write_leaves_the_old_or_the_new_file(
    virtual_board: Boards,
) -> None:
    old, new = b"old" * 700, b"new" * 700
    board = virtual_board(files={"config": old, "boot.py": ""})
    program = (
        "f = open('config.new', 'w'); f.write('new' * 700); f.close()\n"
        "import os; os.rename('config.new', 'config'); print('saved')"
    ).replace("\n", "\r")
    found = []
    for write in range(1, 1000):
        board.wait_repl()
        start = len(board.console())
        board.cut_power_after(write)
        board.type(program + "\r")
        board.wait(lambda start=start: board.off or "\nsaved" in board.console()[start:])
        saved = not board.off
        board.set(cut_after_writes=None)
        board.stop()
        found.append(board.files()["/config"])
        if saved:
            break
        board.start()
        board.wait_repl()
        start = len(board.console())
        board.type("print('length', len(open('config').read()))\r")
        board.wait_for("\nlength 2100", start=start)
        board.stop()
        board.write_files({"/config": old})
        board.start()
    assert set(found) == {old, new}
    assert len(found) > 5


# Sleep


def test_deep_sleep_ends_after_its_time_with_memory_and_clock_kept(virtual_board: Boards) -> None:
    program = (
        "import machine, time\n"
        "rtc = machine.RTC()\n"
        "if machine.reset_cause() == machine.DEEPSLEEP_RESET:\n"
        "    print('woke', machine.wake_reason() == machine.TIMER_WAKE, rtc.memory(),"
        " rtc.datetime()[0])\n"
        "else:\n"
        "    rtc.memory(b'kept')\n"
        "    rtc.datetime((2026, 3, 1, 0, 12, 0, 0, 0))\n"
        "    machine.deepsleep(60000)\n"
    )
    board = virtual_board(files={"main.py": program}, sleep_scale=0.001)
    board.wait_for("DEEPSLEEP_RESET[^>]*woke True b'kept' 2026")
    assert board.resets == [PWRON, DEEPSLEEP]


def test_a_pin_ends_a_deep_sleep(board: VirtualBoard) -> None:
    board.wait_repl()
    board.type(
        "import machine, esp32; esp32.wake_on_ext0(machine.Pin(0), 0); machine.deepsleep()\r"
    )
    board.wait(lambda: board.asleep)
    board.press(0)
    board.wait_reset(DEEPSLEEP)
    board.release(0)
    board.wait_repl()
    program = "import machine; print(machine.wake_reason() == machine.PIN_WAKE)"
    assert run(board, program) == "True\n"


def test_light_sleep_returns(virtual_board: Boards) -> None:
    board = virtual_board(sleep_scale=0.001)
    assert run(board, "import machine; machine.lightsleep(60000); print('on')") == "on\n"


def test_the_clock_stands_in_2000_at_power_on_and_rtc_sets_it(board: VirtualBoard) -> None:
    program = (
        "import time, machine\nprint(time.gmtime(0)[0], time.localtime()[:3])\n"
        "machine.RTC().datetime((2026, 2, 3, 0, 4, 5, 6, 0))\n"
        "print(time.localtime()[:5], time.mktime((2000, 1, 2, 0, 0, 0, 0, 0)))"
    )
    assert run(board, program) == "2000 (2000, 1, 1)\n(2026, 2, 3, 4, 5) 86400\n"


# The radio


def test_a_scan_lists_the_networks_in_the_air(board: VirtualBoard) -> None:
    board.set(networks={**HOME, "cafe": {"rssi": -40, "channel": 11}})
    program = JOIN + "sta.active(True)\nfor n in sta.scan(): print(n[0], n[2:5])"
    assert run(board, program) == "b'cafe' (11, -40, 0)\nb'home' (6, -61, 3)\n"


def test_joining_gives_an_address_and_a_signal(board: VirtualBoard) -> None:
    board.set(networks=HOME)
    program = JOIN + "join(); print(sta.status(), sta.ifconfig()[0], sta.status('rssi'))"
    assert run(board, program) == "1010 192.168.1.50 -61\n"
    assert board.radio["connected"]


@pytest.mark.parametrize(
    ("ssid", "key", "status"),
    [("home", "wrong-key", 202), ("elsewhere", "12345678", 201), ("busy", "12345678", 203)],
)
def test_the_status_tells_why_it_does_not_join(
    board: VirtualBoard, ssid: str, key: str, status: int
) -> None:
    board.set(networks={**HOME, "busy": {"password": "12345678", "refuse": 203}})
    program = (
        JOIN + f"sta.active(True); sta.connect({ssid!r}, {key!r}); print(sta.status())\n"
        "while sta.status() == network.STAT_CONNECTING: time.sleep_ms(5)\n"
        "print(sta.status(), sta.isconnected())"
    )
    assert run(board, program) == f"1001\n{status} False\n"


def test_connecting_while_it_is_connecting_is_an_internal_error(board: VirtualBoard) -> None:
    program = JOIN + "sta.active(True); sta.connect('none', ''); sta.connect('none', '')"
    assert "OSError: Wifi Internal Error" in board.mpremote("exec", program, check=False)


@pytest.mark.parametrize(
    ("fault", "cure"),
    [("disconnect", "sta.disconnect()"), ("restart", "sta.active(False); sta.active(True)")],
)
def test_a_radio_fault_lasts_until_it_is_cured(board: VirtualBoard, fault: str, cure: str) -> None:
    board.set(networks=HOME, radio_fault=fault)
    program = (
        JOIN + "def fails():\n    try: sta.connect('home', '12345678')\n"
        "    except OSError as e: return str(e)\n"
        f"sta.active(True); print(fails(), fails())\n{cure}\n"
        "while fails(): time.sleep_ms(5)\nprint('cured')"
    )
    assert run(board, program) == "Wifi Internal Error Wifi Internal Error\ncured\n"


def test_a_network_that_goes_is_noticed_and_rejoined_when_it_returns(board: VirtualBoard) -> None:
    board.set(networks=HOME)
    board.wait_repl()
    board.type(
        "exec(%r)\r"
        % (
            JOIN + "join(); print('joined')\nwhile sta.isconnected(): pass\n"
            "print('lost', sta.status())\nwhile not sta.isconnected(): pass\n"
            "print('back')"
        )
    )
    board.wait_for("\njoined")
    board.set(networks={})
    board.wait_for("\nlost 20[01]")
    board.set(networks=HOME)
    board.wait_for("\nback")


def test_the_radio_outlives_a_soft_reset_but_no_hard_one(board: VirtualBoard) -> None:
    board.set(networks=HOME)
    run(board, JOIN + "join()")
    program = JOIN + "print(sta.active(), sta.isconnected())"
    assert board.mpremote("exec", program) == "True True\n"
    board.reset()
    board.wait_repl()
    assert board.mpremote("exec", program) == "False False\n"


class Echo:
    """A TCP server that sends back what it gets, and a UDP one at the same port."""

    def __init__(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        threading.Thread(target=self.serve_tcp, daemon=True).start()
        threading.Thread(target=self.serve_udp, daemon=True).start()

    def serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    def echo(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(4096):
                connection.sendall(data)

    def serve_udp(self) -> None:
        while True:
            try:
                data, sender = self.udp.recvfrom(4096)
            except OSError:
                return
            self.udp.sendto(data, sender)

    def close(self) -> None:
        for end in (self.tcp, self.udp):
            end.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


TALK = (
    JOIN
    + """
import socket
def talk(host, port, kind=socket.SOCK_STREAM, timeout=0.3):
    s = None
    try:
        address = socket.getaddrinfo(host, port)[0][-1]
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(timeout)
        s.connect(address)
        s.send(b'hello')
        return s.recv(5)
    except OSError as e:
        return e.errno
    finally:
        if s: s.close()
"""
)


def test_sockets_reach_servers_only_while_connected(board: VirtualBoard, echo: Echo) -> None:
    board.set(networks=HOME)
    talk = f"print(talk('127.0.0.1', {echo.port}), talk('localhost', {echo.port}))"
    program = f"{TALK}{talk}\njoin(); {talk}\nsta.disconnect(); {talk}"
    assert run(board, program) == "101 -202\nb'hello' b'hello'\n101 -202\n"


def test_datagrams_pass_both_ways(board: VirtualBoard, echo: Echo) -> None:
    board.set(networks=HOME)
    program = f"{TALK}join(); print(talk('localhost', {echo.port}, socket.SOCK_DGRAM))"
    assert run(board, program) == "b'hello'\n"


def test_names_and_routes_lead_to_servers_of_the_test(board: VirtualBoard, echo: Echo) -> None:
    board.set(
        networks=HOME,
        dns={"time.example": "127.0.0.1"},
        routes={"api.example:443": f"127.0.0.1:{echo.port}"},
    )
    program = (
        f"{TALK}join(); print(talk('time.example', {echo.port}), talk('api.example', 443),"
        " talk('unknown.example', 443), talk('192.0.2.1', 80))"
    )
    assert run(board, program) == "b'hello' b'hello' -202 101\n"


def test_a_server_that_is_not_there_resets_the_connection(board: VirtualBoard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    board.set(networks=HOME)
    output = run(board, f"{TALK}join(); print(talk('127.0.0.1', {port}))")
    assert output.strip() in ("104", "32", "b''")


def test_a_dead_link_claims_to_be_up_and_lets_nothing_pass(board: VirtualBoard, echo: Echo) -> None:
    board.set(networks=HOME, dns_timeout_ms=50)
    port = echo.port
    run(
        board,
        f"{TALK}join(); s = socket.socket(); s.settimeout(0.3)\n"
        f"s.connect(socket.getaddrinfo('127.0.0.1', {port})[0][-1])",
    )
    board.set(link_dead=True)
    silent = (
        f"print(sta.isconnected(), talk('127.0.0.1', {port}), talk('localhost', {port}))\n"
        "s.send(b'x')\ntry: s.recv(1)\nexcept OSError as e: print(e.errno)"
    )
    assert run(board, silent) in ("True 110 -202\n110\n", "True 110 -202\n11\n")
    board.set(link_dead=False)
    alive = f"s.settimeout(5); print(s.recv(1), talk('127.0.0.1', {port}, timeout=5))"
    assert run(board, alive) == "b'x' b'hello'\n"


def test_requests_reach_the_mock_server_by_wifi(board: VirtualBoard, server: ServerView) -> None:
    board.set(networks=HOME)
    url = server.device["url"]
    program = JOIN + f"join()\nimport requests; print(requests.get({url!r} + '/').status_code)"
    assert re.fullmatch(r"\d{3}\n", run(board, program))


def test_tls_is_verified_through_the_air(board: VirtualBoard, tls_server: TlsView) -> None:
    board.set(networks=HOME)
    program = (
        JOIN + "import socket, tls\njoin()\n"
        "def shake(url):\n    host, port = url.split('/')[2].split(':')\n"
        "    s = socket.socket(); s.connect(socket.getaddrinfo(host, int(port))[0][-1])\n"
        "    c = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT); c.verify_mode = tls.CERT_REQUIRED\n"
        f"    c.load_verify_locations(bytes.fromhex({tls_server.device['ca']!r}))\n"
        "    try: c.wrap_socket(s, server_hostname=host); return 'verified'\n"
        "    except (OSError, ValueError): return 'refused'\n"
        f"print(shake({tls_server.device['good']!r}), shake({tls_server.device['other_ca']!r}))"
    )
    assert run(board, program) == "verified refused\n"


def test_asyncio_streams_go_through_the_air(board: VirtualBoard, echo: Echo) -> None:
    board.set(networks=HOME)
    program = (
        JOIN + "import asyncio\njoin()\nasync def main():\n"
        f"    r, w = await asyncio.open_connection('localhost', {echo.port})\n"
        "    await asyncio.sleep_ms(5)\n    w.write(b'hello'); await w.drain()\n"
        "    print(await r.readexactly(5)); w.close(); await w.wait_closed()\n"
        "asyncio.run(main())"
    )
    assert run(board, program) == "b'hello'\n"


def test_what_the_board_serves_is_found_at_its_address(board: VirtualBoard) -> None:
    board.wait_repl()
    program = (
        "import network, socket\nap = network.WLAN(network.AP_IF); ap.active(True)\n"
        "ap.config(ssid='setup')\n"
        "s = socket.socket(); s.bind(socket.getaddrinfo('0.0.0.0', 80)[0][-1]); s.listen(1)\n"
        "print('listening')\nc, a = s.accept(); c.send(b'hello'); c.close()"
    )
    board.type(f"exec({program!r})\r")
    board.wait_for("\nlistening")
    board.wait(lambda: board.radio.get("ap_active"))
    board.wait(lambda: board.radio["ap"]["ssid"] == "setup")
    with socket.create_connection((board.address, board.server_port(80)), 5) as connection:
        assert connection.recv(5) == b"hello"


def test_ethernet_is_up_while_its_cable_is_in(board: VirtualBoard, echo: Echo) -> None:
    board.set(lan={"cable": True, "address": "10.0.0.7"})
    start = (
        TALK + "lan = network.LAN(23, 18, power=None, phy_type=network.PHY_LAN8720, phy_addr=1)\n"
        "lan.active(True)\n"
        f"print(lan.isconnected(), lan.ifconfig()[0], talk('localhost', {echo.port}))"
    )
    assert run(board, start) == "True 10.0.0.7 b'hello'\n"
    board.set(lan={"cable": False})
    assert run(board, f"print(lan.isconnected(), talk('localhost', {echo.port}))") == "False -202\n"


# Pins, lights, sensors, NVS


def test_the_program_sees_a_button_that_is_pressed(board: VirtualBoard) -> None:
    program = "import machine; print(machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP).value())"
    assert run(board, program) == "1\n"
    board.press(0)
    assert run(board, program) == "0\n"
    board.release(0)
    assert run(board, program) == "1\n"


def test_a_pressed_button_interrupts(board: VirtualBoard) -> None:
    board.wait_repl()
    board.type(
        "import machine, time; p = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)\r"
        "p.irq(lambda pin: print('edge', pin.value()), machine.Pin.IRQ_FALLING)\r"
        "while True: time.sleep_ms(5)\r\r"
    )
    board.wait_for(r"\.\.\. \r\n$")
    board.press(0)
    board.wait_for("edge 0")


def test_leds_are_seen(board: VirtualBoard) -> None:
    run(
        board,
        "import machine, neopixel\nmachine.Pin(2, machine.Pin.OUT).on()\n"
        "n = neopixel.NeoPixel(machine.Pin(8), 2); n[0] = (1, 2, 3); n.write()",
    )
    board.wait(lambda: board.lights)
    assert board.pins[2] == 1
    assert board.lights[8] == [[1, 2, 3], [0, 0, 0]]


def test_the_voltage_at_a_pin_is_the_worlds(board: VirtualBoard) -> None:
    board.set(pins={"35": {"uv": 1500000}})
    program = "import machine; print(machine.ADC(35, atten=machine.ADC.ATTN_11DB).read_uv())"
    assert run(board, program) == "1500000\n"


def test_sensors_are_plugged_in_and_out_while_the_program_runs(board: VirtualBoard) -> None:
    scan = "import machine; print(machine.I2C(0).scan())"
    assert run(board, scan) == "[]\n"
    sensors = [
        {"model": "bme280", "bus": "i2c0", "address": 0x76},
        {"model": "bh1750", "bus": "i2c0", "address": 0x23, "set": {"illuminance": 77}},
    ]
    board.set(sensors=sensors)
    assert run(board, scan) == "[35, 118]\n"
    board.set(sensors=sensors[1:])
    assert run(board, scan) == "[35]\n"
    board.set(bus_faults={"i2c0": {"absent": [35]}})
    assert run(board, scan) == "[]\n"
    board.set(bus_faults={"i2c0": {}})
    assert run(board, scan) == "[35]\n"


def test_one_wire_and_serial_sensors_are_attached(virtual_board: Boards) -> None:
    board = virtual_board(
        sensors=[
            {"model": "ds18b20", "bus": "pin", "pin": 4, "options": {"serial": 7}},
            {"model": "gps", "bus": "uart1", "options": {"period_ms": 200}},
        ]
    )
    program = (
        "import machine, onewire, time\nprint(len(onewire.OneWire(machine.Pin(4)).scan()))\n"
        "u = machine.UART(1, 9600)\nwhile not u.any(): time.sleep_ms(5)\nprint('GPS')"
    )
    assert run(board, program) == "1\nGPS\n"


def test_the_simulated_board_has_its_sensors(virtual_board: Boards) -> None:
    board = virtual_board(simulated=True)
    program = "import machine; print([hex(a) for a in machine.I2C(0).scan()])"
    assert run(board, program) == "['0x23', '0x40', '0x68', '0x76']\n"


def test_nvs_keeps_what_was_committed(board: VirtualBoard) -> None:
    run(
        board,
        "import esp32; n = esp32.NVS('plexus'); n.set_blob('key', b'secret'); n.set_i32('n', -5)\n"
        "n.commit(); n.set_i32('n', 6)",
    )
    board.power_cycle()
    board.wait_repl()
    program = (
        "import esp32; n = esp32.NVS('plexus'); b = bytearray(9)\n"
        "print(n.get_blob('key', b), b[:6], n.get_i32('n'))\n"
        "try: n.get_i32('none')\nexcept OSError as e: print(e.errno)"
    )
    assert run(board, program) == "6 bytearray(b'secret') -5\n-4354\n"


def test_the_chip_tells_its_temperature_and_memory(board: VirtualBoard) -> None:
    board.set(chip_temperature=55, idf_heap_free=70000)
    program = (
        "import esp, esp32; print(esp32.mcu_temperature(), esp32.idf_heap_info(4)[0][1],"
        " esp.flash_size())"
    )
    assert run(board, program) == "55 70000 4194304\n"


def test_an_unknown_key_of_the_world_is_refused(board: VirtualBoard) -> None:
    with pytest.raises(ValueError, match="netwerks"):
        board.set(netwerks={})


def test_no_interpreter_is_left_behind(virtual_board: Boards) -> None:
    board = virtual_board()
    board.wait_repl()
    process = board._process
    assert process
    board.close()
    assert process.poll() is not None
