from collections.abc import Iterator
from typing import TypeAlias

_Certificate: TypeAlias = bytes | bytearray | memoryview | str  # DER, or PEM
_Certificates: TypeAlias = (
    _Certificate | list[bytes] | list[str] | list[_Certificate] | tuple[_Certificate, ...]
)

def certificates(ca: _Certificates) -> Iterator[bytes]: ...
