"""ROMFS: its image, what a deploy puts there and leaves alone, and a board that runs from it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mpremote.romfs import VfsRomWriter

from tests.virtual_board import VirtualBoard
from tools.__main__ import main
from tools.artifacts import micropython, payload
from tools.board_link import romfs, target
from tools.board_link.ports import LinkError
from tools.board_link.repl import BoardLink

KIB = 1024
LARGE = 384 * KIB
Deploy = Callable[..., dict[str, Any]]


@pytest.fixture
def whole() -> None:
    """Asks for all files to be deployed."""


@pytest.fixture(autouse=True)
def few_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "whole" in request.fixturenames:
        return
    names = re.compile(
        r"/\w+\.py|/lib/(plexus/((port/)?__init__|delivery/verdict)|firmware/atomic_json)\.mpy"
    )
    for name in ("library", "program"):
        every = getattr(payload, name)
        monkeypatch.setattr(
            payload,
            name,
            lambda arch, lines=True, every=every: {
                path: data for path, data in every(arch).items() if names.fullmatch(path)
            },
        )


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard(tmp_path / "board", romfs_bytes=LARGE) as board:
        board.wait_repl()
        yield board


@pytest.fixture
def deploy(board: VirtualBoard, capsys: pytest.CaptureFixture[str]) -> Deploy:
    def deploy(*arguments: str) -> dict[str, Any]:
        words = ["deploy", "--port", board.port, "--json", "--no-reset", *arguments]
        if "--lib-only" not in arguments:
            words += ["--board", "simulated"]
        capsys.readouterr()
        main(words)
        return json.loads(capsys.readouterr().out)

    return deploy


def run(board: VirtualBoard, code: str) -> str:
    with BoardLink(board.port) as link:
        link.clean()
        return link.exec(code)


def where(board: VirtualBoard, module: str) -> str:
    return run(board, f"import {module}\nprint({module}.__file__)").strip()


def flash(board: VirtualBoard) -> set[str]:
    """The files in its file system; it is off after this."""
    board.stop()
    return set(board.files()) - {target.MANIFEST}


def put_rom(board: VirtualBoard, files: dict[str, bytes]) -> None:
    """A ROMFS of the user's."""
    writer = VfsRomWriter()
    romfs._add(writer, romfs._tree(files))
    board.stop()
    (board.directory / "rom.img").write_bytes(writer.finalise().ljust(LARGE, b"\xff"))
    board.start()
    board.wait_repl()


# --- the image ----------------------------------------------------------------------------------


def test_micropython_imports_the_library_from_the_image(tmp_path: Path, whole: None) -> None:
    (tmp_path / "rom.img").write_bytes(romfs.image(payload.library("x64")))
    (tmp_path / "program.py").write_text(
        "import vfs,sys\n"
        f"with open({str(tmp_path / 'rom.img')!r},'rb') as file:\n image=file.read()\n"
        "vfs.mount(vfs.VfsRom(memoryview(image)),'/rom')\n"
        "sys.path.append('/rom/lib')\n"
        "from plexus import Plexus\n"
        "px=Plexus('plx_a','dev-1')\n"
        "px.send('t',21.5)\n"
        "print(px.pending,sys.modules['plexus'].__file__)\n"
    )
    done = micropython.run("program", search_path=[tmp_path])
    assert done.stdout == "1 /rom/lib/plexus/__init__.mpy\n", done.stderr


def test_same_files_make_the_same_image() -> None:
    files = {"/lib/a.mpy": b"a", "/lib/b/c.mpy": b"c"}
    assert romfs.image(files) == romfs.image(dict(reversed(files.items())))


def test_packages_go_in_whole_while_there_is_room() -> None:
    large = {"/lib/large/a.mpy": bytes(5000), "/lib/large/b.mpy": bytes(5000)}
    small = {"/lib/small/a.mpy": bytes(3000), "/lib/tiny.mpy": bytes(100)}
    others = {"/main.py": b"", "/board.json": b"{}"}
    files = large | small | others
    assert romfs.split(files, 20_000) == (large | small, others)
    assert romfs.split(files, 9_000) == (small, large | others)
    assert romfs.split(files, 100) == ({}, files)


# --- deploying ----------------------------------------------------------------------------------


def test_library_and_program_run_from_the_romfs(
    board: VirtualBoard, deploy: Deploy, whole: None
) -> None:
    said = deploy()
    assert said["ok"], said
    assert where(board, "plexus") == "/rom/lib/plexus/__init__.mpy"
    assert where(board, "firmware.atomic_json") == "/rom/lib/firmware/atomic_json.mpy"
    assert len(said["romfs"]) > 100
    # The program may have begun, and noted that.
    assert flash(board) - {"/crash.json"} == {"/boot.py", "/main.py", payload.BOARD}


def test_second_deploy_writes_nothing(board: VirtualBoard, deploy: Deploy) -> None:
    first = deploy()
    before = (board.directory / "rom.img").read_bytes()
    board.set(cut_after_writes=1)  # the first write to the file system would be the end
    second = deploy()
    assert second["ok"], second
    assert (second["copied"], second["bytes"]) == ([], 0)
    assert second["romfs"] == first["romfs"]
    assert (board.directory / "rom.img").read_bytes() == before


def test_module_that_changes_is_written_anew(
    board: VirtualBoard, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    library = payload.library("x64")
    monkeypatch.setattr(
        payload,
        "library",
        lambda arch, lines=True: library | {"/lib/plexus/a.mpy": library[next(iter(library))]},
    )
    assert "/rom/lib/plexus/a.mpy" in deploy()["copied"]
    assert where(board, "plexus.a") == "/rom/lib/plexus/a.mpy"


def test_what_was_in_the_file_system_before_goes(
    board: VirtualBoard, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(romfs, "find", lambda link: None)
        deploy()
    assert where(board, "plexus") == "/lib/plexus/__init__.mpy"
    said = deploy()
    assert "/lib/plexus/__init__.mpy" in said["removed"]
    assert where(board, "plexus") == "/rom/lib/plexus/__init__.mpy"


def test_library_alone_keeps_the_program_in_the_romfs(
    board: VirtualBoard, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    library = payload.library("x64")
    del library["/lib/plexus/delivery/verdict.mpy"]
    monkeypatch.setattr(payload, "library", lambda arch, lines=True: library)
    said = deploy("--lib-only")
    assert said["ok"], said
    assert "/lib/plexus/delivery/verdict.mpy" not in said["romfs"]
    assert where(board, "firmware.atomic_json") == "/rom/lib/firmware/atomic_json.mpy"


def test_package_that_does_not_fit_goes_to_the_file_system(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = payload.library("x64")
    monkeypatch.setattr(
        payload,
        "library",
        lambda arch, lines=True: library | {"/lib/plexus/large.mpy": bytes(8 * KIB)},
    )
    with VirtualBoard(tmp_path / "board", romfs_bytes=8 * KIB) as board:
        board.wait_repl()
        words = ["deploy", "--port", board.port, "--json", "--no-reset", "--board", "simulated"]
        assert main(words) == 0
        said = json.loads(capsys.readouterr().out)
        assert any("8 KiB: plexus did not fit into it" in note for note in said["notes"]), said
        assert where(board, "plexus") == "/lib/plexus/__init__.mpy"
        assert where(board, "firmware.atomic_json") == "/rom/lib/firmware/atomic_json.mpy"


def test_romfs_of_the_user_is_left_alone(board: VirtualBoard, deploy: Deploy) -> None:
    put_rom(board, {"/lib/mine.py": b"x = 1\n"})
    before = (board.directory / "rom.img").read_bytes()
    said = deploy()
    assert said["ok"], said
    assert "the ROMFS on the board is yours, and is left alone" in said["notes"]
    assert where(board, "plexus") == "/lib/plexus/__init__.mpy"
    assert (board.directory / "rom.img").read_bytes() == before


def test_plexus_in_a_romfs_of_the_user_is_named(board: VirtualBoard, deploy: Deploy) -> None:
    put_rom(board, {"/lib/plexus/__init__.py": b""})
    said = deploy()
    assert not said["ok"]
    assert "/rom/lib/plexus on the board hides what is in /lib" in said["error"]
    assert flash(board) == {"/boot.py"}


@pytest.mark.parametrize("cut", [0, 1, -1])
def test_interrupted_write_leaves_no_romfs_and_can_be_repeated(
    cut: int, board: VirtualBoard, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    library = payload.library("x64")
    monkeypatch.setattr(
        payload, "library", lambda arch, lines=True: library | {"/lib/plexus/a.mpy": b"new"}
    )
    execute = BoardLink.exec
    count = -(-len(romfs.image(payload.library("x64"))) // 2048)
    cut %= count
    written = 0

    def write_and_break(link: BoardLink, code: str, *options: Any, **more: Any) -> str:
        nonlocal written
        if "writeblocks" in code:
            if written == cut:
                raise LinkError("the cable came off")
            written += 1
        return execute(link, code, *options, **more)

    monkeypatch.setattr(BoardLink, "exec", write_and_break)
    assert deploy()["error"] == "the cable came off"
    monkeypatch.setattr(BoardLink, "exec", execute)
    assert not (board.directory / "rom.img").read_bytes().startswith(b"\xd2\xcd\x31")
    assert deploy()["ok"]
    assert where(board, "plexus") == "/rom/lib/plexus/__init__.mpy"


def test_image_that_is_damaged_on_the_way_is_noticed(
    board: VirtualBoard, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = BoardLink.exec

    def damage(link: BoardLink, code: str, *options: Any, **more: Any) -> str:
        return execute(link, code.replace("a2b_base64('", "a2b_base64('AAAA"), *options, **more)

    monkeypatch.setattr(BoardLink, "exec", damage)
    said = deploy()
    assert "damaged on the way" in said["error"]
    assert flash(board) == {"/boot.py"}


def test_micropython_without_romfs_has_none(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "board") as board:
        board.wait_repl()
        with BoardLink(board.port) as link:
            link.clean()
            assert romfs.find(link) is None
