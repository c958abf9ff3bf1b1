"""Commands as a device declares them in version 1 of the protocol: which are good."""

import re
from typing import Any

from tools.mock_server.contract import ContractError, is_number

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_PARAMS = 16
_MAX_CHOICES = 64
_MAX_EXPIRES_IN_S = 3600
_CHOICES = {
    "danger": ("normal", "dangerous", "critical"),
    "concurrency": ("accept", "reject"),
}
_TEXTS = ("title", "description", "unit")
# What a parameter of each type may say of itself besides.
_KEYWORDS = {
    "string": ("maxLength", "enum"),
    "integer": ("minimum", "maximum", "unit"),
    "number": ("minimum", "maximum", "unit"),
    "boolean": (),
}
_COMMON = ("type", "title", "description", "default", "required")
_TYPES: dict[str, Any] = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: type(v) is int,
    "number": is_number,
    "boolean": lambda v: isinstance(v, bool),
}


def check_declaration(command: dict[str, Any], at: str) -> None:
    """Raises ContractError that names the bad field of a command."""
    name = command.get("name")
    _check_name(name, f"{at}name")
    for field in ("title", "description"):
        _check_text(command, field, at)
    for field, known in _CHOICES.items():
        if command.get(field, known[0]) not in known:
            raise ContractError(f"{at}{field} must be one of: " + ", ".join(known))
    if not isinstance(command.get("idempotent", False), bool):
        raise ContractError(f"{at}idempotent must be true or false")
    expires_in_s = command.get("expires_in_s", 1)
    if not is_number(expires_in_s) or not 0 < expires_in_s <= _MAX_EXPIRES_IN_S:
        raise ContractError(f"{at}expires_in_s must be a number up to {_MAX_EXPIRES_IN_S}")
    params = command.get("params", {})
    if not isinstance(params, dict):
        raise ContractError(f"{at}params must be an object")
    if len(params) > MAX_PARAMS:
        raise ContractError(f"{at}params has {len(params)} entries, more than {MAX_PARAMS}")
    for name, spec in params.items():
        here = f"{at}params.{name}"
        _check_name(name, here)
        if not isinstance(spec, dict):
            raise ContractError(f"{here} must be an object")
        _check_param(spec, f"{here}.")


def _check_param(spec: dict[str, Any], at: str) -> None:
    kind = spec.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ContractError(f"{at}type must be one of: " + ", ".join(_TYPES))
    strange = spec.keys() - {*_COMMON, *_KEYWORDS[kind]}
    if strange:
        raise ContractError(f"{at}{sorted(strange)[0]} does not go with {kind}")
    for field in _TEXTS:
        _check_text(spec, field, at)
    for bound in ("minimum", "maximum"):
        if not is_number(spec.get(bound, 0)):
            raise ContractError(f"{at}{bound} must be a number")
    if spec.get("minimum", 0) > spec.get("maximum", spec.get("minimum", 0)):
        raise ContractError(f"{at}minimum must not be over maximum")
    length = spec.get("maxLength", 1)
    if type(length) is not int or length < 1:
        raise ContractError(f"{at}maxLength must be an integer from 1")
    choices = spec.get("enum", [""])
    if not isinstance(choices, list) or not 0 < len(choices) <= _MAX_CHOICES:
        raise ContractError(f"{at}enum must be an array of 1 to {_MAX_CHOICES} strings")
    if not all(isinstance(choice, str) for choice in choices):
        raise ContractError(f"{at}enum must be an array of 1 to {_MAX_CHOICES} strings")
    if not isinstance(spec.get("required", False), bool):
        raise ContractError(f"{at}required must be true or false")
    if "default" in spec:
        if spec.get("required"):
            raise ContractError(f"{at}default does not go with required")
        if not _TYPES[kind](spec["default"]):
            raise ContractError(f"{at}default must be of type {kind}")


def _check_name(name: object, at: str) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ContractError(f"{at} must match {NAME.pattern}")


def _check_text(item: dict[str, Any], field: str, at: str) -> None:
    if not isinstance(item.get(field, ""), str):
        raise ContractError(f"{at}{field} must be a string")
