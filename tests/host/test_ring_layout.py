"""The layout of records, cursors and time maps: one number for each name, in whatever file it is.

Each file has its own const(), since mpy-cross puts the number in place of the name only within a
file, and a name that is looked up costs a board RAM and time.
"""

import ast
from collections import defaultdict

from tools.build import LIBRARY as LIB

LIBRARY = LIB / "plexus"
FILES = [
    *sorted((LIBRARY / "readings").glob("*.py")),
    *sorted((LIBRARY / "clock").glob("*.py")),
    LIBRARY / "agent" / "live.py",
    LIBRARY / "delivery" / "narrowing.py",
]
LAYOUT = {"HI", "LO", "SEQ", "FLOAT_BYTES", "TICKS", "RATE", "WRAP", "RAW", "FLOAT64", "TEXT"}


def constants() -> dict[str, dict[str, int]]:
    """name without underscore -> file -> number"""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            match node:
                case ast.Assign(
                    targets=[ast.Name(name)],
                    value=ast.Call(ast.Name("const"), [ast.Constant(int(number))]),
                ):
                    where = str(path.relative_to(LIBRARY))
                    found[name.removeprefix("_")][where] = number
    return found


def test_a_name_of_the_layout_is_the_same_number_in_every_file() -> None:
    found = constants()
    assert {name for name in LAYOUT if len(found[name]) > 1} == LAYOUT
    for name in LAYOUT:
        assert len(set(found[name].values())) == 1, f"{name}: {found[name]}"
