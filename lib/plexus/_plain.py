"""For a port whose compiler has no machine code: a module's source without those decorators."""

import sys


class _Module:
    pass


def load(name):
    """Load module `name` of this package, which has raised SyntaxError, as plain bytecode."""
    with open(__file__.rsplit("/", 1)[0] + "/" + name + ".py") as file:
        source = file.read()
    for decorator in ("@micropython.native", "@micropython.viper"):
        source = source.replace(decorator, "")
    names = {"__name__": "plexus." + name}
    exec(source, names)
    module = sys.modules["plexus." + name] = _Module()
    for key in names:
        setattr(module, key, names[key])
    setattr(sys.modules["plexus"], name, module)
    return module
