"""What a handler of the HTTP API gets of a request, and where its paths are listed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.mock_server.contract import Check
from tools.mock_server.faults import Answer


@dataclass(frozen=True)
class Call:
    """What a handler needs of a request whose key and JSON were accepted."""

    document: dict[str, Any]
    request_id: int
    received_ms: int
    # The last segment of a path that takes one.
    argument: str
    key: str = field(repr=False)
    # Where the client found this server.
    base_url: str
    check: Check


Handler = Callable[[Call], Answer]
# Path (less /api) to method to handler; a path that ends in a slash takes one more segment.
Routes = dict[str, dict[str, Handler]]
