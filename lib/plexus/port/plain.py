"""For a port whose compiler has no machine code: a module's source without those decorators."""

import sys


class _Module:
    pass


def load(name):
    """Load the module of this full name, which has raised SyntaxError, as plain bytecode."""
    root = __file__[: -len("plexus/port/plain.py")]
    with open(root + name.replace(".", "/") + ".py") as file:
        source = file.read()
    for decorator in ("@micropython.native", "@micropython.viper"):
        source = source.replace(decorator, "")
    package, _, leaf = name.rpartition(".")
    names = {"__name__": name, "__package__": package}
    exec(source, names)
    module = sys.modules[name] = _Module()
    for key in names:
        setattr(module, key, names[key])
    setattr(sys.modules[package], leaf, module)
    return module
