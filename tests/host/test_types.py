"""The types beside the device files: each .pyi names what its .py defines, no more and no less.

What both have in common is compared as text, name by name: `Buffer.send` is `def (self, metric,
value, timestamp=None, ...)`. So a failure shows the line to change. In a .pyi a default that is a
literal stands there as it is, any other is `...`; a const() is `Final` with its value.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import plexus
import plexus.sensors
from plexus import client, extras
from tools.build import LIBRARY, REPOSITORY

PACKAGE = LIBRARY / "plexus"
FIRMWARE = REPOSITORY / "firmware"
# They start the firmware, or list its files: nobody imports them.
STARTERS = {"boot", "main", "manifest"}
MODULES = sorted(
    path.relative_to(root).with_suffix("").as_posix()
    for root, folder in ((PACKAGE, PACKAGE), (REPOSITORY, FIRMWARE))
    for path in folder.rglob("*.py")
    if path.stem not in STARTERS and len(ast.parse(path.read_text()).body) > 1  # more than a room
)
# What a driver overrides has the types of its base: driver.pyi and i2c.pyi.
INHERITED = {
    *("BUS", "METRICS", "RANGES", "NO_MEAN", "INTERVAL_MS", "ADDRESSES", "ready", "fault"),
    *("verify", "setup", "measure", "sample", "read", "close", "chip", "bus", "address"),
}


# Modules whose functions are a client's methods -> its class, by the name of their first parameter.
OWNERS = {"buffer": "Buffer", "px": "Plexus"}


def tree_of(module: str, suffix: str) -> ast.Module:
    return ast.parse(source_of(module).with_suffix(suffix).read_text())


def source_of(module: str) -> Path:
    return (REPOSITORY if module.startswith("firmware/") else PACKAGE) / module


def is_facade(module: str) -> bool:
    """Whether a module imports for others: what it imports is then its own."""
    return "# ruff: noqa: F401" in source_of(module).with_suffix(".py").read_text()


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, also those of feature tests."""
    for statement in body:
        if isinstance(statement, ast.Try):
            yield from statements(statement.body)
            for handler in statement.handlers:
                yield from statements(handler.body)
            yield from statements(statement.orelse)
        elif isinstance(statement, ast.If):
            yield from statements(statement.body)
            yield from statements(statement.orelse)
        else:
            yield statement


def is_public(name: str) -> bool:
    return not name.startswith("_") or name.endswith("__")


def surface(body: list[ast.stmt], prefix: str = "") -> dict[str, str]:
    """Each public name that is defined here -> what it is; those of classes with their members."""
    found: dict[str, str] = {}
    for statement in statements(body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            found[statement.name] = function(statement)
        elif isinstance(statement, ast.ClassDef):
            found[statement.name] = f"class({', '.join(bases(statement))})"
            if is_public(statement.name):
                members = surface(statement.body, statement.name + ".")
                stored = {f"{statement.name}.{name}": "value" for name in stored_names(statement)}
                found |= stored | members
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for name in (target.id for target in targets if isinstance(target, ast.Name)):
                if fields := namedtuple_fields(statement.value):
                    found |= {name: "class(NamedTuple)"}
                    found |= {f"{name}.{field}": "value" for field in fields}
                    continue
                alias = statement.value.id if isinstance(statement.value, ast.Name) else ""
                found[name] = found.get(alias) or value(statement)
    return {
        name if "." in name else prefix + name: what
        for name, what in found.items()
        if all(map(is_public, name.split(".")))
    }


def namedtuple_fields(given: ast.expr | None) -> tuple[str, ...]:
    """The fields of the class that `namedtuple("Name", (...))` makes; of anything else none."""
    if isinstance(given, ast.Call) and ast.unparse(given.func) == "namedtuple":
        return ast.literal_eval(given.args[1])
    return ()


def value(statement: ast.Assign | ast.AnnAssign) -> str:
    """A const() with its value, or just "value"."""
    given = statement.value
    if isinstance(statement, ast.AnnAssign):
        final = ast.unparse(statement.annotation) == "Final"
        return f"const {ast.unparse(given)}" if final and given is not None else "value"
    if isinstance(given, ast.Call) and ast.unparse(given.func) == "const":
        return f"const {ast.unparse(given.args[0])}"
    return "value"


def function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """What stands before it, and its parameters: their names, order, kinds and defaults."""
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    for decorator in map(ast.unparse, node.decorator_list):
        if decorator in ("property", "staticmethod", "classmethod"):
            kind = decorator
        elif decorator.endswith(".setter"):
            kind = "property to set"
    arguments = node.args
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    arguments.defaults = [literal(default) for default in arguments.defaults]
    arguments.kw_defaults = [default and literal(default) for default in arguments.kw_defaults]
    return f"{kind} ({ast.unparse(arguments)})"


def literal(default: ast.expr) -> ast.expr:
    try:
        ast.literal_eval(default)
    except ValueError:
        return ast.Constant(...)
    return default


def bases(node: ast.ClassDef) -> list[str]:
    """The names of a class's bases: Generic is there for types alone."""
    plain = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    names = [ast.unparse(base).rpartition(".")[2] for base in plain]
    return [name for name in names if name != "Generic"]


def stored_names(node: ast.ClassDef | ast.Module, owner: str = "self") -> set[str]:
    """The attributes that a class's methods, or a module's functions, set on their `owner`."""
    return {
        found.attr
        for method in statements(node.body)
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        for found in ast.walk(method)
        if isinstance(found, ast.Attribute)
        and isinstance(found.ctx, ast.Store)
        and isinstance(found.value, ast.Name)
        and found.value.id == owner
    }


def defined_in(module: str) -> dict[str, str]:
    """The surface of a module, with what its class has from others: see extras.find."""
    tree = tree_of(module, ".py")
    found = surface(tree.body)
    if module.endswith("__init__"):
        found.pop("__getattr__", None)  # the types would then let any name pass
    elif module == "readings/buffer":
        found |= loaded_methods("Buffer")
    elif module == "client":
        del found["Plexus.__getattr__"]  # the same
        setup = tree_of("assemble", ".py")
        given = {f"Plexus.{name}": "value" for name in filter(is_public, stored_names(setup, "px"))}
        found |= given | loaded_methods("Plexus")
        buffer = surface(tree_of("readings/buffer", ".py").body) | loaded_methods("Buffer")
        for name in (
            "send",
            "send_at",
            "send_batch",
            "event",
        ):  # the buffer's, as programs call them
            found[f"Plexus.{name}"] = buffer[f"Buffer.{name}"].replace(", add=None", "")
        found |= {f"Plexus.{name}": "property (self)" for name in client._OF_BUFFER}
        found["Plexus.__init__"] = with_options(tree, setup)
    elif module == "sensors/sampling/channel":
        del found["Channel.__getattr__"]
        for name, what in surface(tree_of("sensors/sampling/describe", ".py").body).items():
            found[f"Channel.{name}"] = what.replace("def (channel)", "property (self)")
    elif module == "sensors/sampling/sampler":
        made = surface(tree_of("sensors/sampling/adding", ".py").body)["made"]
        found["Sampler.add"] = made.replace("channels", "self")
    return found


def loaded_methods(owner: str) -> dict[str, str]:
    """What extras.find() finds for this class in modules of their own."""
    places = dict.fromkeys(extras._PROPERTIES, "explain") | extras._METHODS
    found: dict[str, str] = {}
    for name, module in places.items():
        node = next(
            statement
            for statement in tree_of((module or "extras").replace(".", "/"), ".py").body
            if isinstance(statement, ast.FunctionDef) and statement.name == name
        )
        first = node.args.args[0]
        if OWNERS[first.arg] == owner:
            first.arg = "self"
            kind = "property" if name in extras._PROPERTIES else "def"
            found[f"{owner}.{name}"] = kind + function(node).removeprefix("def")
    return found


def with_options(client: ast.Module, setup: ast.Module) -> str:
    """Plexus.__init__ with the options, and defaults, that assemble.py takes for `**options`."""
    init = next(
        method
        for node in client.body
        if isinstance(node, ast.ClassDef) and node.name == "Plexus"
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    )
    defaults = next(
        statement.value
        for statement in setup.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "_DEFAULTS"
    )
    assert isinstance(defaults, ast.Dict) and init.args.kwarg
    init.args.kwarg = None
    for key, default in zip(defaults.keys, defaults.values, strict=True):
        assert key is not None
        init.args.kwonlyargs.append(ast.arg(ast.literal_eval(key)))
        init.args.kw_defaults.append(default)
    return function(init)


def imported(tree: ast.Module) -> set[str]:
    """The names that a tree imports."""
    return {
        alias.asname or alias.name
        for statement in statements(tree.body)
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for alias in statement.names
    }


def handed_on(tree: ast.Module) -> set[str]:
    """Those of them that it does not use itself."""
    return imported(tree) - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def reexported(tree: ast.Module) -> dict[str, str]:
    """Each name that a .pyi hands on (`import X as X`) -> the module that it is from."""
    return {
        alias.name: statement.module or ""
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
        if alias.asname == alias.name
    }


def of_its_own(names: dict[str, str], module: str) -> dict[str, str]:
    """The names, for a driver without those that it has in common with all of them."""
    if not module.startswith("sensors/") or module == "sensors/driver":
        return names
    return {name: what for name, what in names.items() if name.partition(".")[2] not in INHERITED}


def test_every_device_file_has_its_types_and_there_are_no_others() -> None:
    types = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.pyi")]
    types += [path.relative_to(REPOSITORY) for path in FIRMWARE.rglob("*.pyi")]
    assert sorted(path.with_suffix("").as_posix() for path in types) == MODULES


@pytest.mark.parametrize("module", [name for name in MODULES if not is_facade(name)])
def test_types_name_what_the_module_defines(module: str) -> None:
    defined = of_its_own(defined_in(module), module)
    assert of_its_own(surface(tree_of(module, ".pyi").body), module) == defined


@pytest.mark.parametrize("module", [name for name in MODULES if is_facade(name)])
def test_types_name_what_a_module_that_imports_for_others_hands_on(module: str) -> None:
    source, types = tree_of(module, ".py"), tree_of(module, ".pyi")
    typed = {name for name in surface(types.body) if "." not in name} | set(reexported(types))
    defined = set(surface(source.body))
    assert defined | handed_on(source) <= typed <= defined | imported(source)


def test_the_packages_types_list_its_lazy_names_with_their_modules() -> None:
    assert reexported(tree_of("__init__", ".pyi")) == plexus._NAMES
    assert reexported(tree_of("sensors/__init__", ".pyi")) == plexus.sensors._NAMES


@pytest.mark.parametrize(
    ("source", "types"),
    [
        ("def f(a): 0", "def f(b): ..."),
        ("def f(a, b): 0", "def f(b, a): ..."),
        ("def f(a, b=1): 0", "def f(a, b): ..."),
        ("def f(a, b=1): 0", "def f(a, b=2): ..."),
        ("def f(a, b=1): 0", "def f(a, *, b=1): ..."),
        ("def f(*a): 0", "def f(**a): ..."),
        ("async def f(): 0", "def f(): ..."),
        ("try: x\nexcept ImportError:\n def f(): 0", ""),
        ("A = const(1)", "A: Final = 2"),
        ("class A(B): 0", "class A: ..."),
        ("class A:\n def f(self): 0", "class A: ..."),
        ("class A:\n def f(self): self.a, b = 1, 2", "class A:\n def f(self): ..."),
        ("class A:\n @property\n def f(self): 0", "class A:\n def f(self): ..."),
        ("class A:\n def f(self): 0\n g = f", "class A:\n def f(self): ...\n g: int"),
        ("", "def f(): ..."),
    ],
)
def test_a_difference_between_source_and_types_is_seen(source: str, types: str) -> None:
    assert surface(ast.parse(source).body) != surface(ast.parse(types).body)


def test_what_only_types_have_is_no_difference() -> None:
    source = """
_B = 1
class A(C):
    def __init__(self, n=1, *, m=B): self.n = n
    def f(self): self._p = self.n.q = 0
    g = f
"""
    types = """
_T = TypeVar("_T")
class _P(Protocol): ...
class A(C[int], Generic[_T]):
    n: int
    def __init__(self, n: int = 1, *, m: _P = ...) -> None: ...
    def f(self) -> None: ...
    def g(self) -> None: ...
"""
    assert surface(ast.parse(source).body) == surface(ast.parse(types).body)
