"""Write package.json, by which mip installs the library: python -m tools.artifacts.package."""

import json
import re
import sys

from tools.build import LIBRARY, REPOSITORY, device_files

TARGET = REPOSITORY / "package.json"


def version() -> str:
    """The version, from the one place that has it."""
    text = (LIBRARY / "plexus" / "__init__.py").read_text()
    match = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError('lib/plexus/__init__.py has no line like __version__ = "1.2.3"')
    return match[1]


def text() -> str:
    """What package.json has to be: each file's place on the board and in the repository."""
    pairs = [
        (path.relative_to(LIBRARY).as_posix(), path.relative_to(REPOSITORY).as_posix())
        for path in device_files(LIBRARY)
    ]
    lines = ",\n".join(f"    {json.dumps(pair)}" for pair in pairs)
    return f'{{\n  "version": "{version()}",\n  "urls": [\n{lines}\n  ]\n}}\n'


def main() -> int:
    TARGET.write_text(text())
    print(TARGET.read_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
