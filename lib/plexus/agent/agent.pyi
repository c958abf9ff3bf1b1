from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, Unpack

from ..client import Plexus
from ..sensors.sampling.sampler import Sampler
from ..tls import _Context
from .command_params import _Schemas
from .connection import _Socket
from .live import Live

_Function = TypeVar("_Function", bound=Callable[..., Any])

_Connect: TypeAlias = Callable[..., Awaitable[_Socket]]

class _More(TypedDict, total=False):
    title: str
    danger: Literal["normal", "dangerous", "critical"]
    expires_in_s: float
    idempotent: bool
    concurrency: Literal["accept", "reject"]

class Agent:
    live: Live
    def __init__(
        self,
        px: Plexus,
        sensors: Sampler | None = None,
        url: str | None = None,
        *,
        ready: Callable[[], bool] | None = None,
        ssl: _Context | None = None,
        live_bytes: int | bytearray = 4096,
        max_size: int = 8192,
        heartbeat_ms: int = 30000,
        stores: bool | None = None,
        connect: _Connect = ...,
        random: Callable[[int], bytes] = ...,
    ) -> None: ...
    def __repr__(self) -> str: ...
    def command(
        self,
        name: str,
        description: str = "",
        params: _Schemas | None = None,
        **more: Unpack[_More],
    ) -> Callable[[_Function], _Function]: ...
    @property
    def connected(self) -> bool: ...
    @property
    def connects(self) -> int: ...
    @property
    def messages(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def status(self) -> str: ...
    async def run(self) -> None: ...
