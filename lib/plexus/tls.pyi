"""Types of tls."""

import ssl
from collections.abc import Sequence

_Certificates = bytes | bytearray | memoryview | str

def verifying_context(
    ca: _Certificates | Sequence[_Certificates] | None = None,
) -> ssl.SSLContext: ...
def unverified_context() -> ssl.SSLContext: ...
