"""What an owner may declare as a command: its name, description and parameters."""

from ..port import const
from .command_params import checked, is_number
from .kinds import KINDS

_TYPES = ("number", "integer", "string", "boolean", "choice")
_KEYS = ("type", "description", "min", "max", "choices", "default", "required")
_TAKEN = ("timeout_seconds", "source_id")  # a server puts them beside a command's own
_NAMES = "abcdefghijklmnopqrstuvwxyz0123456789_"
_LONGEST = const(64)
_PARAMS = const(16)
_CHOICES = const(32)
_DESCRIPTION = const(256)
# What version 1 has besides, and what each may be.
_MORE = "title danger expires_in_s idempotent concurrency"
_DANGERS = "normal dangerous critical"
_CONCURRENCY = "accept reject"
_EXPIRES_S = (5, 3600)


def check_name(what, name, more=""):
    """ValueError unless `name` is a-z, then a-z, 0-9, _ or one of `more`; at most 64 characters."""
    good = isinstance(name, str) and 0 < len(name) <= _LONGEST and "a" <= name[0] <= "z"
    if not good or not all(char in _NAMES or char in more for char in name):
        raise ValueError(
            "%s: %r; give a-z, then a-z, 0-9 or one of _%s, at most %d"
            % (what, name, more, _LONGEST)
        )


def check_command(name, function, description, params, more):
    """ValueError names what is wrong with a command; see Agent.command()."""
    check_name("name", name, ".-")
    if name in KINDS:
        raise ValueError("name: %r is taken; give another" % name)
    if not isinstance(description, str) or len(description) > _DESCRIPTION:
        raise ValueError("description: give a text of at most %d characters" % _DESCRIPTION)
    if not callable(function):
        raise ValueError("function: %r; decorate a function" % (function,))
    if params:
        check_schema(params)
    for key in more:
        _check_more(key, more[key])


def _check_more(key, value):
    if key not in _MORE.split():
        raise TypeError("command has no option %r" % key)
    if key == "title":
        good, wanted = isinstance(value, str) and 0 < len(value) <= _LONGEST, "a text of 1 to 64"
    elif key == "idempotent":
        good, wanted = isinstance(value, bool), "True or False"
    elif key == "expires_in_s":
        good = is_number(value) and _EXPIRES_S[0] <= value <= _EXPIRES_S[1]
        wanted = "a number from %d to %d" % _EXPIRES_S
    else:
        choices = (_DANGERS if key == "danger" else _CONCURRENCY).split()
        good, wanted = value in choices, "one of: " + ", ".join(choices)
    if not good:
        raise ValueError("%s: %r; give %s" % (key, value, wanted))


def check_schema(params):
    """ValueError unless `params` is {name: {"type": ..., ...}}, and each default fits."""
    if not isinstance(params, dict) or len(params) > _PARAMS:
        raise ValueError("params: give a dict of at most %d parameters" % _PARAMS)
    for name, schema in params.items():
        check_name("params", name)
        if name in _TAKEN:
            raise ValueError("params: %r is taken; give another name" % name)
        if not isinstance(schema, dict) or schema.get("type") not in _TYPES:
            raise ValueError(
                'params: %s: give a dict with a "type": %s' % (name, ", ".join(_TYPES))
            )
        for key in schema:
            if key not in _KEYS:
                raise ValueError(
                    "params: %s: %r is unknown; there is: %s" % (name, key, ", ".join(_KEYS))
                )
        for bound in ("min", "max"):
            if schema.get(bound) is not None and not is_number(schema[bound]):
                raise ValueError(
                    "params: %s: %s is %r; give a number" % (name, bound, schema[bound])
                )
        choices = schema.get("choices")
        if schema["type"] == "choice" and not (
            isinstance(choices, (list, tuple))
            and 0 < len(choices) <= _CHOICES
            and all(isinstance(choice, str) for choice in choices)
        ):
            raise ValueError("params: %s: give 1 to %d texts as its choices" % (name, _CHOICES))
        if "default" in schema:
            checked(name, schema, schema["default"])
