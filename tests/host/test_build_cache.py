"""Compiled files that are kept: what makes one of no more use, and what happens to it then."""

import subprocess
from pathlib import Path

import pytest

from tools import build, build_cache, short_names

SOURCE = "_VALUE = 1\n\n\ndef of(thing):\n    return thing._value\n"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The compiler's runs, with nothing kept at first."""
    monkeypatch.setattr(build_cache, "REPOSITORY", tmp_path)
    monkeypatch.setattr(build_cache, "KEPT", tmp_path / "kept")
    seen = []
    run = subprocess.run

    def counted(command: list[str], **options: object) -> object:
        seen.append(command)
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", counted)
    return seen


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "thing.py"
    path.write_text(SOURCE)
    return path


def test_same_again_is_not_compiled(source: Path, runs: list[list[str]]) -> None:
    first = build.compiled(source, "none")
    assert build.compiled(source, "none") == first
    assert len(runs) == 1


def test_changed_source_is_compiled_and_takes_the_place(
    source: Path, runs: list[list[str]], tmp_path: Path
) -> None:
    old = build.compiled(source, "none")
    source.write_text(SOURCE.replace("1", "2"))
    new = build.compiled(source, "none")
    assert new != old
    assert build.compiled(source, "none") == new
    assert len(runs) == 2
    assert len(list((tmp_path / "kept").iterdir())) == 1
    source.write_text(SOURCE)
    assert build.compiled(source, "none") == old


def test_each_way_to_compile_is_another(source: Path, runs: list[list[str]]) -> None:
    ways = [
        {"arch": "none"},
        {"arch": "xtensawin"},
        {"arch": "none", "name": "other"},
        {"arch": "none", "lines": True},
        {"arch": "none", "lines": True, "short": True},
    ]
    made = [build.compiled(source, **way) for way in ways]
    assert [build.compiled(source, **way) for way in ways] == made
    assert len(runs) == len(ways)


def test_other_short_names_are_compiled(
    source: Path, runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(*arguments: object) -> None:
        monkeypatch.setattr(short_names, "_sources", lambda: {source: str(arguments)})
        monkeypatch.setattr(
            short_names, "short_names", lambda: short_names.ShortNames({"_value": "x"}, {}, {}, {})
        )
        short_names.digest.cache_clear()

    with monkeypatch.context():
        choose("one file")
        build.compiled(source, "none", short=True)
        build.compiled(source, "none")
        choose("another")
        build.compiled(source, "none", short=True)
        build.compiled(source, "none")
    short_names.digest.cache_clear()
    assert len(runs) == 3


def test_another_compiler_compiles_anew(
    source: Path, runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.compiled(source, "none")
    monkeypatch.setattr(build, "_compiler", lambda: b"another")
    build.compiled(source, "none")
    assert len(runs) == 2


def test_names_are_chosen_for_what_their_digest_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a file may change between the two."""
    chosen_for = []
    monkeypatch.setattr(short_names, "shorten", lambda sources, rom: chosen_for.append(sources))
    short_names.short_names.__wrapped__()
    assert chosen_for[0] is short_names._sources()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-1] + b"?", lambda data: b""]
)
def test_damaged_one_is_compiled(damage, source: Path, runs: list[list[str]]) -> None:
    good = build.compiled(source, "none")
    (kept,) = build_cache.KEPT.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert build.compiled(source, "none") == good
    assert len(runs) == 2


def test_what_is_refused_is_refused_again(source: Path, runs: list[list[str]]) -> None:
    source.write_text("def\n")
    for _ in range(2):
        with pytest.raises(build.BuildError, match=r"thing\.py"):
            build.compiled(source, "none")
    assert not build_cache.KEPT.exists()


def test_file_from_elsewhere_is_not_kept(
    source: Path, runs: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_cache, "REPOSITORY", tmp_path / "repository")
    build.compiled(source, "none")
    assert not build_cache.KEPT.exists()


def test_without_a_place_to_keep_it_it_is_compiled(
    source: Path, runs: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("in the way")
    assert build.compiled(source, "none") == build.compiled(source, "none")
    assert len(runs) == 2
