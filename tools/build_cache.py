"""Compiled files that are kept, each with a digest of all that it was made of.

There is one for each source file and way to compile it, so a new one replaces the old. Nothing is
kept where build/ cannot be written.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
KEPT = REPOSITORY / "build" / "kept"
_DIGEST_SIZE = 32


class Entry:
    """The place of one compiled file.

    way: how it is compiled. made_of: everything that decides what comes out.
    """

    def __init__(self, source: Path, way: tuple[object, ...], made_of: tuple[object, ...]) -> None:
        # Others, as those of tests, would come and go.
        self._is_ours = source.is_relative_to(REPOSITORY)
        place = source.relative_to(REPOSITORY) if self._is_ours else source
        self._path = KEPT / digest(place, way).hex()
        self._made_of = digest(place, way, made_of)

    def read(self) -> bytes | None:
        """What was kept if it would come out the same again."""
        try:
            found = self._path.read_bytes()
        except OSError:
            return None
        data = found[2 * _DIGEST_SIZE :]
        return data if found == self._sealed(data) else None

    def keep(self, data: bytes) -> None:
        if not self._is_ours:
            return
        with contextlib.suppress(OSError):
            KEPT.mkdir(parents=True, exist_ok=True)
            # Another process may read or write the same now.
            number, name = tempfile.mkstemp(dir=KEPT)
            try:
                with open(number, "wb") as file:
                    file.write(self._sealed(data))
                os.replace(name, self._path)
            except OSError:
                os.unlink(name)
                raise

    def _sealed(self, data: bytes) -> bytes:
        return self._made_of + hashlib.sha256(data).digest() + data


def digest(*values: object) -> bytes:
    """The same for values that are written the same, in this process and in another."""
    return hashlib.sha256(repr(values).encode()).digest()
