from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, TypedDict

class _Schema(TypedDict, total=False):
    type: Literal["number", "integer", "string", "boolean", "choice"]
    description: str
    min: float
    max: float
    choices: Sequence[str]
    default: float | str | bool
    required: bool

_Schemas: TypeAlias = dict[str, _Schema]

def is_number(value: object) -> bool: ...
def split_command(text: str) -> tuple[str, dict[str, str]]: ...
def values_of(
    schemas: _Schemas, given: dict[str, Any] | None, texts: dict[str, str]
) -> dict[str, Any]: ...
def checked(name: str, schema: _Schema, value: Any) -> Any: ...
