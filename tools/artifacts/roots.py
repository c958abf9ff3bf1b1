"""Write lib/plexus/tls/roots.py, the roots that https trusts: python -m tools.artifacts.roots.

They come from the pinned certifi package, which is Mozilla's list. A module of bytes serves a
file system and frozen firmware alike (no path to find, no heap at all if frozen); from .mpy it
takes 2 kB more heap than reading a file piece by piece would, for the moment of loading.
"""

import re
import ssl
import sys
from datetime import date
from pathlib import Path

import certifi
from cryptography import x509

TARGET = Path(__file__).parents[2] / "lib" / "plexus" / "tls" / "roots.py"

# The documented host is served by one of the usual hosts of web applications, whose certificates
# come from Let's Encrypt (ISRG) or Google Trust Services (GTS). Not more, since each root takes
# memory on the board. Mozilla's list has no GTS Root R2 since April 2026, Google's own still has:
# hence a certifi from before.
LABELS = (
    "ISRG Root X1",
    "ISRG Root X2",
    "GTS Root R1",
    "GTS Root R2",
    "GTS Root R3",
    "GTS Root R4",
)

_ENTRY = re.compile(
    r'^# Label: "(?P<label>[^"]+)"\n(?:# .*\n)*'
    r"(?P<pem>-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----)",
    re.MULTILINE,
)


def roots() -> dict[str, bytes]:
    """Each label's certificate in DER, in the order of LABELS."""
    bundle = Path(certifi.where()).read_text()
    known = {entry["label"]: entry["pem"] for entry in _ENTRY.finditer(bundle)}
    missing = [label for label in LABELS if label not in known]
    if missing:
        raise SystemExit(f"certifi {certifi.__version__} does not list {', '.join(missing)}")
    return {label: ssl.PEM_cert_to_DER_cert(known[label]) for label in LABELS}


def expiry(der: bytes) -> date:
    return x509.load_der_x509_certificate(der).not_valid_after_utc.date()


def module() -> str:
    """The text of lib/plexus/tls/roots.py."""
    lines = [
        '"""The root certificates (DER) that https trusts; written by tools/artifacts/roots.py."""',
        "",
    ]
    lines += ["ROOTS = ("]
    for label, der in roots().items():
        lines += [f"    # {label}, till {expiry(der)}", f"    {der!r},"]
    return "\n".join([*lines, ")", ""])


def main() -> int:
    TARGET.write_text(module())
    for label, der in roots().items():
        print(f"{label:14} {len(der):5} B  till {expiry(der)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
