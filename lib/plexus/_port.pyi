"""Types of _port: what the code below it may use on every interpreter."""

from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., Any])

def const(value: _T) -> _T: ...
def ticks_ms() -> int: ...
def ticks_diff(end: int, start: int) -> int: ...

class micropython:
    @staticmethod
    def viper(function: _Function) -> _Function: ...
    @staticmethod
    def native(function: _Function) -> _Function: ...
