"""A stand-in for the Plexus API: strict, scriptable, for tests and for the eye."""

from typing import TYPE_CHECKING

from tools.mock_server.cli import register

if TYPE_CHECKING:
    from tools.mock_server.server import MockServer

__all__ = ["MockServer", "register"]


def __getattr__(name: str):
    # Lazy, so that `python -m tools <other command>` does not import aiohttp.
    if name == "MockServer":
        from tools.mock_server.server import MockServer

        return MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
