"""Private names on a board: which there are, what stands for them, and what compiled files hold."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tools import short_names
from tools.artifacts import payload
from tools.build import LIBRARY, REPOSITORY, compiled
from tools.short_names import RomNames, ShortNames, module_name, rom_names, shorten

NO_ROM = RomNames([], [], [])
CLIENT = Path("plexus/client.py")


def of(source: str, rom: RomNames = NO_ROM, path: Path = CLIENT) -> ShortNames:
    return shorten({path: source}, rom)


def renamed(source: str, rare: str, private: str = "") -> str:
    """The source, where `rare` are the names in ROM that nobody has."""
    return of(source, RomNames(rare.split(), rare.split()[::-1], private.split())).renamed(
        source, CLIENT
    )


def names_in(compiled: bytes) -> set[str]:
    """The names and strings that a .mpy file has to be interned, besides those every port has."""
    at = 4

    def number() -> int:
        nonlocal at
        value = 0
        while True:
            byte = compiled[at]
            at += 1
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value

    count, _ = number(), number()
    found = set()
    for _ in range(count):
        length = number()
        if not length & 1:
            found.add(compiled[at : at + (length >> 1)].decode())
            at += (length >> 1) + 1
    return found


@pytest.fixture(scope="module")
def ours() -> ShortNames:
    return short_names.short_names()


@pytest.fixture(scope="module")
def sources() -> dict[Path, str]:
    return {path: path.read_text() for tree in short_names.TREES for path in tree.rglob("*.py")}


# --- what is renamed --------------------------------------------------------------------------


def test_attribute_gets_a_name_in_rom_wherever_it_is() -> None:
    source = "class A:\n    def f(self):\n        self._count = 1\n        return self._count\n"
    assert renamed(source, "AUTH_WEP") == source.replace("_count", "AUTH_WEP")


@pytest.mark.parametrize(
    "source",
    [
        "def _f():\n    pass\n",
        "def f(_f):\n    return _f\n",
        "_f = []\n",
        "import time as _f\n",
        "class A:\n    def _f(self):\n        pass\n",
        "def f():\n    global _f\n    _f = 1\n",
    ],
)
def test_what_a_private_name_may_be_bound_to(source: str) -> None:
    assert renamed(source, "AUTH_WEP") == source.replace("_f", "AUTH_WEP")


@pytest.mark.parametrize(
    "source",
    [
        "from micropython import const\n_LIMIT = const(8)\n",  # compiled away
        "import _thread\n",
        "from ._port import const\n",
        "from . import _viper\n",
        "from sys import _name\n",
        "import sys\nprint(sys.implementation._mpy)\n",  # bound nowhere here
        "class A:\n    def _f(self):\n        return getattr(self, '_f')\n",
        "class A:\n    def _f(self):\n        return getattr(self, '_' + kind)\nKINDS = ('f',)\n",
        "NAMES = 'ring _viper'\ndef _viper():\n    pass\n",
        "class _Probe:\n    pass\n",  # type(probe).__name__
        "class A:\n    def f(self):\n        self._f = 1\n        return f'{self._f}'\n",
        "def f():\n    for _ in range(3):\n        pass\n",
        "def f():\n    _local = 1\n    return _local\n",  # has no name when compiled
        "class A:\n    __x = 1\n    def __len__(self):\n        return 0\n",
    ],
)
def test_what_stays_as_it_is(source: str) -> None:
    assert renamed(source, "AUTH_WEP AUTH_OWE") == source


def test_text_stays_as_it_is() -> None:
    source = "def _f():\n    'Of _f.'\n    return 1  # as _f\n"
    assert renamed(source, "AUTH_WEP") == source.replace("def _f", "def AUTH_WEP")


def test_keyword_is_renamed_with_its_parameter() -> None:
    source = "def f(_quiet=False):\n    pass\nf(_quiet=True)\n"
    assert renamed(source, "AUTH_WEP") == source.replace("_quiet", "AUTH_WEP")


def test_constant_of_one_file_that_is_an_attribute_in_another_stays() -> None:
    files = {
        Path("plexus/a.py"): "_SIZE = const(1)\n",
        Path("plexus/b.py"): "class B:\n    def f(self):\n        self._SIZE = 1\n",
    }
    names = shorten(files, RomNames(["AUTH_WEP"], [], []))
    assert all(names.renamed(text, path) == text for path, text in files.items())


def test_member_of_an_internal_module_is_renamed_where_programs_have_none_of_its_name() -> None:
    source = "class A:\n    def f(self):\n        self.last_try = self.status_code = 1\n"
    files = {
        Path("plexus/delivery/verdict.py"): source,
        Path("plexus/client.py"): "class B:\n    def f(self):\n        self.status_code = 1\n",
    }
    names = shorten(files, RomNames(["AUTH_WEP"], [], []))
    path = Path("plexus/delivery/verdict.py")
    assert names.renamed(source, path) == source.replace("last_try", "AUTH_WEP")


def test_function_of_an_internal_module_is_renamed_where_its_module_is_asked_for_it() -> None:
    files = {
        Path("plexus/readings/sweep.py"): "def oldest_end():\n    pass\n",
        Path("plexus/client.py"): "from .readings import sweep\nsweep.oldest_end()\n",
    }
    names = shorten(files, RomNames(["AUTH_WEP"], [], []))
    for path, source in files.items():
        assert names.renamed(source, path) == source.replace("oldest_end", "AUTH_WEP")


def test_parameters_of_a_class_that_programs_use_stay_and_its_longer_attributes_do_not() -> None:
    source = (
        "class Buffer:\n    def send(self, tags=None):\n"
        "        self.plain_end = self.pending = tags\n"
    )
    path = Path("plexus/readings/buffer.py")
    names = shorten({path: source}, RomNames(["AUTH_WEP"], [], []))
    assert names.renamed(source, path) == source.replace("plain_end", "AUTH_WEP")


def test_private_name_that_is_in_rom_stays() -> None:
    source = "class A:\n    def f(self):\n        self._data = 1\n"
    assert renamed(source, "AUTH_WEP", "_data") == source


def test_name_in_rom_that_is_used_for_something_stands_for_nothing_else() -> None:
    source = "import network\nprint(network.AUTH_WEP)\ndef _f():\n    pass\n"
    assert renamed(source, "AUTH_WEP") == source


def test_without_names_in_rom_a_long_name_becomes_a_short_one() -> None:
    source = "class A:\n    def f(self):\n        self._buffered = self._at = 1\n"
    names = of(source)
    assert names.shared.keys() == {"_buffered"}
    assert re.fullmatch("_[a-z0-9]{2}", names.shared["_buffered"])


def test_what_the_client_has_gets_the_names_in_rom_first() -> None:
    files = {
        Path("plexus/another.py"): "class B(A):\n    def f(self):\n        self._first = 1\n",
        CLIENT: "class A:\n    def f(self):\n        self._second = 1\n",
    }
    assert shorten(files, RomNames(["AUTH_WEP"], [], [])).shared["_second"] == "AUTH_WEP"


@pytest.mark.parametrize(
    ("others", "apart"),
    [
        ("class B:\n    def f(self):\n        self._second = 1\n", False),
        # The same object may have both:
        ("class B(A):\n    def f(self):\n        self._second = 1\n", True),
        ("def f(a):\n    a._second = 1\n", True),
        # The same file has:
        ("class B:\n    def f(self):\n        self._second = a._first\n", True),
    ],
)
def test_two_names_share_one_only_if_they_never_meet(others: str, apart: bool) -> None:
    files = {
        CLIENT: "class A:\n    def f(self):\n        self._first = 1\n",
        Path("plexus/another.py"): others,
    }
    shared = shorten(files, RomNames(["AUTH_WEP"], [], [])).shared
    assert "AUTH_WEP" in shared.values()
    assert (shared["_second"] != shared["_first"]) is apart


def test_original_of_a_shared_name_is_the_one_that_its_file_has() -> None:
    files = {
        CLIENT: "class A:\n    def _first(self):\n        pass\n",
        Path("plexus/another.py"): "class B:\n    def _second(self):\n        pass\n",
    }
    names = shorten(files, RomNames(["AUTH_WEP"], [], []))
    assert [names.original("AUTH_WEP", path) for path in files] == ["_first", "_second"]


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        ("class A:\n    def f(self, torn=1):\n        self.torn = torn\na.f(torn=2)\n", False),
        ("print('the line is torn')\na.torn = 1\n", False),
        ("NAMES = ('torn',)\na.torn = 1\n", True),  # getattr() may be given it
        ("import torn\n", True),
        ("print(a.torn)\n", True),  # bound nowhere here
    ],
)
def test_listed_name_of_one_word_is_renamed_wherever_it_is(source: str, stays: bool) -> None:
    expected = source if stays else re.sub(r"\btorn\b(?!')", "AUTH_WEP", source)
    assert renamed(source, "AUTH_WEP") == expected


def test_new_name_moves_few_others() -> None:
    rom = RomNames([f"AUTH_{n}" for n in range(300)], [], [])
    attributes = [f"_name_{n}" for n in range(100)]

    def shared(names: list[str]) -> dict[str, str]:
        lines = "".join(f"        self.{name} = 1\n" for name in names)
        return of("class A:\n    def f(self):\n" + lines, rom).shared

    before, after = shared(attributes), shared([*attributes, "_a_new_one"])
    assert sum(before[name] != after[name] for name in attributes) < 10


def test_lines_stay_where_they_are() -> None:
    source = "x = (\n    1,\n)\n\ndef _f(\n    a,\n): pass\n"
    assert renamed(source, "AUTH_WEP").count("\n") == source.count("\n")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("plexus/client.py", "plexus.client"),
        ("plexus/__init__.py", "plexus"),
        ("plexus/sensors/bme280.py", "plexus.sensors.bme280"),
    ],
)
def test_compiled_file_has_the_name_of_its_module(path: str, name: str) -> None:
    assert module_name(Path(path)) == name


# --- this repository --------------------------------------------------------------------------


def test_no_two_names_of_a_file_become_one(ours: ShortNames) -> None:
    for path, own in ours.own.items():
        shared = {name: ours.shared[name] for name in ours.present[path]}
        both = shared | own
        assert len(set(both.values())) == len(both)
        assert len(both) == len(shared) + len(own)
        assert not set(own.values()) & set(ours.shared.values())


def test_no_example_uses_an_internal_name() -> None:
    texts = [*REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("examples/**/*.py")]
    texts.remove(REPOSITORY / "docs" / "architecture.md")  # of the inside
    for path in (*texts, REPOSITORY / "README.md"):
        used = set(re.findall(r"(?<=\w\.)[a-z]\w*\b(?!\.)|\b\w+(?==[^=])", path.read_text()))
        assert not used & set(short_names._INTERNAL_NAMES.split()), path


def test_no_object_of_micropython_has_an_internal_name() -> None:
    program = importlib.util.find_spec("micropython_run")
    assert program is not None and program.origin is not None
    binary = Path(program.origin).read_bytes()
    names = {name.decode() for name in re.findall(rb"(?<=\0)\w+(?=\0)", binary)}
    assert "readinto" in names
    in_rom = {*rom_names().rare, *rom_names().ordinary}
    assert not [name for name in short_names._INTERNAL_NAMES.split() if name in names | in_rom]


def test_names_are_the_same_every_time(ours: ShortNames) -> None:
    short_names.short_names.cache_clear()
    assert short_names.short_names() == ours


def test_no_name_of_the_rom_has_a_meaning_here(ours: ShortNames, sources: dict[Path, str]) -> None:
    used = set().union(*[re.findall(r"\w+", _code(text)) for text in sources.values()])
    given = set(ours.shared.values()).union(*[own.values() for own in ours.own.values()])
    assert not used & given


def test_no_renamed_name_is_in_a_string(ours: ShortNames, sources: dict[Path, str]) -> None:
    said = set().union(*[_strings(text) for text in sources.values()])
    assert not said & (set(ours.shared) - set(short_names._INTERNAL_NAMES.split()))
    # What one file alone sees, a parameter, may be a word of another's.
    for path, names in ours.own.items():
        assert not _strings(sources[path]) & set(names), path


def test_methods_that_are_found_by_a_name_put_together_stay(ours: ShortNames) -> None:
    from plexus.agent.kinds import KINDS

    assert not {"_" + kind for kind in KINDS} & ours.shared.keys()


def test_no_private_name_of_ours_costs_a_boards_heap(ours: ShortNames) -> None:
    in_rom = {*rom_names().rare, *rom_names().ordinary, *rom_names().private}
    # Names that are said, of classes and modules.
    kept = short_names._kept({path: short_names._File(path, path.read_text()) for path in ours.own})
    for path in ours.own:
        if path.name in ("boot.py", "main.py", "manifest.py"):
            continue
        private = {
            name
            for name in names_in(compiled(path, "xtensawin", "plexus", short=True))
            if re.fullmatch(r"_[A-Za-z]\w*", name)
        }
        # The ROM's names are for what is always loaded; the rest is at least short.
        assert not [name for name in private - in_rom - kept if len(name) > 3], path


def test_what_a_board_runs_as_source_uses_no_renamed_name(ours: ShortNames) -> None:
    for name in payload.STARTERS:
        path = REPOSITORY / "firmware" / name[1:]
        assert ours.renamed(path.read_text(), path) == path.read_text()


def test_without_being_asked_for_nothing_is_renamed() -> None:
    source = LIBRARY / "plexus" / "delivery" / "verdict.py"
    names = names_in(compiled(source, "none", "plexus/delivery/verdict.py"))
    assert "plexus/delivery/verdict.py" in names
    assert _private(source) & set(names)


def _private(path: Path) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }


def _strings(text: str) -> set[str]:
    tree = ast.parse(text)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        for word in re.findall(r"\w+", node.value)
    }


def _code(text: str) -> str:
    """The source without its comments and docstrings."""
    return ast.unparse(ast.parse(re.sub(r'"""(?:.|\n)*?"""', '""', text)))
