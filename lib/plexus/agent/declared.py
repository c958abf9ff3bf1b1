"""What a server with version 1 of commands is told of each of them. Loaded for that alone."""

from ..port import const
from .command_params import checked

_STRING = const(256)
# Of ours, and what it is there.
_NUMBERS = (("min", "minimum"), ("max", "maximum"))


def names(commands):
    """Those that it can run: their names have no point and no hyphen."""
    return [name for name in commands.names() if "." not in name and "-" not in name]


def declared(commands, name):
    """The declaration of this one (dict)."""
    _, description, schemas, more = commands.find(name)
    about = {"name": name, "params": {param: _param(param, schemas[param]) for param in schemas}}
    if description:
        about["description"] = description
    about.update(more)
    return about


def _param(name, schema):
    kind = schema["type"]
    spec = {"type": kind, "required": bool(schema.get("required")) and "default" not in schema}
    if kind == "choice":
        spec["type"] = "string"
        spec["enum"] = list(schema["choices"])
    elif kind == "string":
        spec["maxLength"] = _STRING
    elif kind != "boolean":
        for ours, theirs in _NUMBERS:
            if schema.get(ours) is not None:
                spec[theirs] = schema[ours]
    if schema.get("description"):
        spec["description"] = schema["description"]
    if "default" in schema:
        spec["default"] = checked(name, schema, schema["default"])
    return spec
