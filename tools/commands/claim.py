"""A key without typing it: Plexus makes one when a person has approved a claim in a browser."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tools.board_link.ports import printable

_TIMEOUT_S = 15
_MAX_BYTES = 65536
_LEAST_S = 1.0  # from one question to the next, whatever the server says
_AGAIN = (429, 500, 502, 503, 504)


class ClaimError(Exception):
    """Why there is no key."""


def claim(endpoint: str, name: str, ca: Path | None, say: Callable[[str], None]) -> str:
    """The API key that a person has approved for the device `name`.

    endpoint: where readings go; the claim goes to the same server, of Plexus to its app. ca: root
    certificates of a server of one's own. say: tells the person what to do. Blocks until there is
    an answer, or the claim has expired. ClaimError: it was denied, or cannot be made.
    """
    address = f"{_app(endpoint)}/api/auth/claim"
    context = ssl.create_default_context()
    if ca is not None:
        data = ca.read_bytes()
        is_pem = data.lstrip().startswith(b"-----")
        context = ssl.create_default_context(cadata=data.decode("ascii") if is_pem else data)
    try:
        made = _ask(address, context, {"name": name})
    except urllib.error.HTTPError as error:
        what = "has no claims" if error.code in (404, 405) else "takes no claim now"
        raise ClaimError(f"{address}: the server {what} ({error.code}); give an API key") from None
    except (OSError, ValueError) as error:
        raise ClaimError(f"{address}: {getattr(error, 'reason', error)}") from None
    try:
        device_code, code = str(made["device_code"]), str(made["user_code"])
        url, lasts_s, wait_s = str(made["verification_url"]), made["expires_in"], made["interval"]
        ends = time.monotonic() + lasts_s
        say(printable(f"open {url} in a browser, and approve the code {code}"))
        return _wait(f"{address}/{quote(device_code, safe='')}", context, ends, wait_s)
    except (KeyError, TypeError):
        raise ClaimError(f"{address}: the server's answer is no claim") from None


def _wait(address: str, context: ssl.SSLContext, ends: float, wait_s: float) -> str:
    pause_s = wait_s
    while time.monotonic() < ends:
        time.sleep(max(pause_s, _LEAST_S))
        pause_s = wait_s
        try:
            answer = _ask(address, context)
        except urllib.error.HTTPError as error:
            if error.code not in _AGAIN:
                raise ClaimError(f"the server does not know the claim ({error.code})") from None
            asked = error.headers.get("Retry-After", "")
            pause_s = max(wait_s, float(asked) if asked.isdecimal() else 0)
            continue
        except (OSError, ValueError):
            continue  # the network; the claim goes on
        status = answer.get("status")
        if status == "approved":
            return str(answer["api_key"])
        if status == "denied":
            raise ClaimError("the claim was denied")
        if status != "pending":
            break
    raise ClaimError(
        "the claim has expired; if it was approved, its key was lost on the way: revoke that, and "
        "claim another"
    )


def _app(endpoint: str) -> str:
    from plexus.url import INGEST, PLATFORM_APP, PLATFORM_INGEST

    if endpoint in (INGEST, PLATFORM_INGEST):
        return f"https://{PLATFORM_APP}"
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _ask(
    address: str, context: ssl.SSLContext, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The JSON object of an answer; OSError, of which HTTPError is one, or ValueError."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(address, data, headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=context) as answer:
        found = json.loads(answer.read(_MAX_BYTES))
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
