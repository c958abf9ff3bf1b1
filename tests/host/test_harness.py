"""The harness itself: outcomes of device tests on both interpreters, and the fault proxy."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import support
from tests import interpreter
from tests.fixtures.proxy import ProxyView
from tools import build_cache
from tools.fault_proxy import Proxy

REPOSITORY = Path(__file__).parent.parent.parent

# --- device tests ---------------------------------------------------------------------------


@pytest.fixture
def run_device_test(tmp_path: Path) -> Callable[..., tuple[dict[str, str], str]]:
    """Run the text of a device test file in a copy of the harness: outcomes by item, output."""
    device = tmp_path / "tests" / "device"
    device.mkdir(parents=True)
    for name in ("conftest.py", "run.py", "support.py"):
        shutil.copy(REPOSITORY / "tests" / "device" / name, device)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for name in ("lib", "tools", "tests/fixtures", "tests/interpreter.py"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    # What is compiled here is, but for the sample, what other tests compile.
    build_cache.KEPT.mkdir(parents=True, exist_ok=True)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "kept").symlink_to(build_cache.KEPT)

    def run(text: str, *options: str) -> tuple[dict[str, str], str]:
        (device / "test_sample.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-v", *options, "tests/device/test_sample.py"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        lines = [line.split() for line in result.stdout.splitlines() if "%]" in line]
        return {words[0].rpartition("::")[2]: words[1] for words in lines}, result.stdout

    return run


def test_device_test_runs_on_both_interpreters(run_device_test) -> None:
    outcomes, _ = run_device_test("def test_x():\n    import plexus")
    assert outcomes == {"test_x[cpython]": "PASSED", "test_x[micropython]": "PASSED"}


def test_micropython_result_is_micropythons_own(run_device_test) -> None:
    outcomes, _ = run_device_test("import micropython\ndef test_x():\n    pass")
    assert outcomes == {}  # CPython cannot even collect it
    outcomes, _ = run_device_test("def test_x():\n    import micropython")
    assert outcomes == {"test_x[cpython]": "FAILED", "test_x[micropython]": "PASSED"}


def test_failure_on_micropython_shows_its_traceback_and_source_line(run_device_test) -> None:
    _, output = run_device_test("def test_x():\n    value = 3\n    assert value == 4  # marked")
    report = output.partition("test_x[micropython] __")[2]
    assert 'test_sample.py", line 3, in test_x' in report
    assert "assert value == 4  # marked" in report


def test_skip_is_reported_with_its_reason(run_device_test) -> None:
    outcomes, output = run_device_test(
        "import support\ndef test_x():\n    raise support.Skip('no radio')"
    )
    assert outcomes == {"test_x[cpython]": "SKIPPED", "test_x[micropython]": "SKIPPED"}
    assert output.count("no radio") >= 2


def test_skip_fails_where_skipping_is_forbidden(run_device_test, tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "virtual_board").symlink_to(REPOSITORY / "tests" / "virtual_board")
    text = "import support\ndef test_x():\n    raise support.Skip('no radio')"
    outcomes, output = run_device_test(text, "--no-skip")
    assert outcomes == {"test_x[cpython]": "FAILED", "test_x[micropython]": "FAILED"}
    assert "no radio" in output


def test_only_restricts_a_test_to_one_interpreter(run_device_test) -> None:
    outcomes, _ = run_device_test(
        "import support\n@support.only('micropython')\ndef test_x():\n    pass"
    )
    assert outcomes == {"test_x[micropython]": "PASSED"}


def test_endless_test_fails_at_its_deadline(run_device_test) -> None:
    outcomes, output = run_device_test(
        "TIMEOUT_S = 1\ndef test_x():\n    while True:\n        pass"
    )
    assert outcomes == {"test_x[cpython]": "FAILED", "test_x[micropython]": "FAILED"}
    assert len(re.findall(r"still running after \d+ s", output)) >= 2


def test_deadline_is_not_swallowed_by_the_code_under_test(run_device_test) -> None:
    outcomes, _ = run_device_test(
        "TIMEOUT_S = 1\n"
        "def test_x():\n"
        "    while True:\n"
        "        try:\n"
        "            import time; time.sleep(5)\n"
        "        except Exception:\n"
        "            pass\n"
    )
    assert outcomes == {"test_x[cpython]": "FAILED", "test_x[micropython]": "FAILED"}


def test_micropythons_heap_is_what_the_file_says(run_device_test) -> None:
    outcomes, output = run_device_test("HEAP = '100k'\ndef test_x():\n    bytearray(200000)")
    assert outcomes == {"test_x[cpython]": "PASSED", "test_x[micropython]": "FAILED"}
    assert "MemoryError" in output


@pytest.mark.parametrize(("constant", "end"), [("", ".mpy"), ("COMPILED = False\n", ".py")])
def test_library_is_compiled_unless_the_file_says_no(
    constant: str, end: str, run_device_test
) -> None:
    outcomes, _ = run_device_test(
        "import support\n"
        f"{constant}"
        "@support.only('micropython')\n"
        "def test_x():\n"
        "    import plexus\n"
        f"    assert plexus.__file__.endswith({end!r}), plexus.__file__\n"
    )
    assert outcomes == {"test_x[micropython]": "PASSED"}


def test_fixture_reaches_the_device_test_through_json(run_device_test, tmp_path: Path) -> None:
    conftest = tmp_path / "tests" / "conftest.py"
    conftest.write_text(
        "import pytest, types\n"
        "@pytest.fixture\n"
        "def thing():\n"
        "    return types.SimpleNamespace(device={'pair': (1, 'é'), 'port': 80})\n"
    )
    outcomes, _ = run_device_test(
        "def test_x(thing):\n    assert thing.pair == [1, 'é'] and thing.port == 80"
    )
    assert outcomes == {"test_x[cpython]": "PASSED", "test_x[micropython]": "PASSED"}


# --- MicroPython's processes ----------------------------------------------------------------


def test_process_has_what_it_was_given_and_no_more() -> None:
    program = (
        "import os, sys\n"
        "print(*sys.argv[1:], os.getenv('HERE'), os.getenv('PATH'), sys.stdin.read())\n"
        "print(sorted(os.listdir('/proc/self/fd')), os.getcwd())\n"
        "sys.stderr.write('to stderr')\n"
        "sys.exit(77)"
    )
    status, output = interpreter.run(["-c", program, "a b", "ü"], {"HERE": "é"}, b"given", 20)
    said, there, error = output.decode().splitlines()
    assert status == 77
    assert said == "a b ü é None given"
    # The last of its files is the folder that it reads.
    assert there == f"['0', '1', '2', '3'] {Path.cwd()}"
    assert error == "to stderr"


def test_processes_share_nothing() -> None:
    program = "import sys; print(hasattr(sys, 'mark'), len(sys.modules)); sys.modules['mark'] = 1"
    outputs = [interpreter.run(["-c", program], {}, b"", 20) for _ in range(2)]
    assert outputs[0] == outputs[1]


def test_process_that_a_signal_ends_has_its_negative_as_status() -> None:
    process = interpreter.Process(["-c", "while True: pass"], {}, {})
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == process.poll() == -signal.SIGTERM
    process.kill()  # which is nothing now
    support.wait_until(lambda: not Path(f"/proc/{process.pid}").exists())


def test_process_that_nobody_holds_is_killed() -> None:
    process = interpreter.Process(["-c", "while True: pass"], {}, {})
    place = Path(f"/proc/{process.pid}")
    assert place.exists()
    del process
    support.wait_until(lambda: not place.exists())


def test_processes_end_with_the_program_that_started_them() -> None:
    program = (
        "from tests import interpreter\n"
        "process = interpreter.Process(['-c', 'while True: pass'], {}, {})\n"
        "print(process.pid, flush=True)\n"
        "import os; os.kill(os.getpid(), 9)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    place = Path(f"/proc/{int(result.stdout)}")
    support.wait_until(lambda: not place.exists())


# --- the fault proxy ------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A TCP server that sends back what it gets, and ends a connection when the client does."""

    def serve(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(65536):
                    client.sendall(data)
            except OSError:
                pass  # the proxy reset it

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RD)
    listener.close()


@pytest.fixture
def fault_proxy(echo: tuple[str, int]) -> Iterator[Proxy]:
    proxy = Proxy(echo)
    yield proxy
    proxy.close()


def connect(proxy: Proxy) -> socket.socket:
    host, port = proxy.authority.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def receive(connection: socket.socket, size: int) -> bytes:
    """Up to so many bytes, fewer only at the end of the stream."""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def test_proxy_passes_both_ways(fault_proxy: Proxy) -> None:
    with connect(fault_proxy) as client:
        client.sendall(b"x" * 100_000)
        assert receive(client, 100_000) == b"x" * 100_000
    assert fault_proxy.stats == {"connections": 1, "up_bytes": 100_000, "down_bytes": 100_000}


def test_proxy_passes_the_clients_end_on(fault_proxy: Proxy) -> None:
    with connect(fault_proxy) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 100) == b"hello"


def test_proxy_resets_after_bytes_upstream(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="reset", direction="up", after_bytes=10)
    with connect(fault_proxy) as client, pytest.raises(ConnectionResetError):
        client.sendall(b"x" * 20)
        receive(client, 20)
    assert fault_proxy.stats["up_bytes"] == 10


def test_proxy_cuts_after_bytes_downstream(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="cut", direction="down", after_bytes=7)
    with connect(fault_proxy) as client:
        client.sendall(b"0123456789")
        assert receive(client, 10) == b"0123456"


def test_proxy_half_closes(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="half_close", direction="down", after_bytes=3)
    with connect(fault_proxy) as client:
        client.sendall(b"12345")
        assert receive(client, 5) == b"123"
        client.sendall(b"still open upwards")
        support.wait_until(lambda: fault_proxy.stats["up_bytes"] == 23)


def test_proxy_has_reset_what_it_dropped(fault_proxy: Proxy) -> None:
    with connect(fault_proxy) as client:
        client.sendall(b"x")
        receive(client, 1)
        fault_proxy.drop()
        client.setblocking(False)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_proxy_stalls_and_stays_open(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="stall", direction="down", after_bytes=4)
    with connect(fault_proxy) as client:
        client.sendall(b"12345678")
        assert receive(client, 4) == b"1234"
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_proxy_says_something_in_place_of_the_server(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="say", text="SSH-2.0-x\r\n", connections=1)
    assert connect(fault_proxy).recv(100) == b"SSH-2.0-x\r\n"
    assert fault_proxy.struck == 1
    client = connect(fault_proxy)
    client.sendall(b"abc")
    assert client.recv(3) == b"abc"


def test_proxy_refuses_and_listens_again_on_the_same_port(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="refuse")
    with pytest.raises(ConnectionRefusedError):
        connect(fault_proxy)
    fault_proxy.set()
    with connect(fault_proxy) as client:
        client.sendall(b"back")
        assert receive(client, 4) == b"back"


def test_proxy_strikes_only_so_many_connections(fault_proxy: Proxy) -> None:
    fault_proxy.set(mode="cut", direction="up", after_bytes=0, connections=1)
    with connect(fault_proxy) as client:
        assert receive(client, 1) == b""
    with connect(fault_proxy) as client:
        client.sendall(b"ok")
        assert receive(client, 2) == b"ok"


def test_proxy_trickles_in_chunks(fault_proxy: Proxy) -> None:
    fault_proxy.set(chunk_bytes=1, delay_ms=50)
    with connect(fault_proxy) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        client.sendall(b"abc")
        assert receive(client, 3) == b"abc"
    # A reader that is late gets them in one piece: what shows is that each has waited. Three wait
    # on their way there, and the last once more on its way back; in one chunk it would be 0.1 s.
    assert time.monotonic() - start >= 0.2


def test_proxy_is_told_by_a_device_test_over_http(fault_proxy: Proxy) -> None:
    view = ProxyView(fault_proxy, "http://server/")
    control = support.Proxy(view.device["control_url"])
    control.set(mode="cut", direction="down", after_bytes=1)
    with connect(fault_proxy) as client:
        client.sendall(b"abc")
        assert receive(client, 3) == b"a"
    assert control.stats() == {"connections": 1, "up_bytes": 3, "down_bytes": 1}
    control.clear()
    assert control.stats() == {"connections": 0, "up_bytes": 0, "down_bytes": 0}
    with pytest.raises(support.HttpError, match="no such plan"):
        control.set(mode="explode")
