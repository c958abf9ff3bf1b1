"""The parameters of a command that is to run: read from text, and checked by its schema."""

from ..port import const
from .message import refused

_STRING = const(256)
_LARGEST = 1e18  # of whole numbers, which a float may give many digits
_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0")


def split_command(text):
    """("name", {key: text}) of 'name key=value key="a value"'; ValueError if it is not that."""
    tokens = _tokens(text)
    if not tokens:
        raise ValueError("command: there is none in it; give a name")
    values = {}
    for token in tokens[1:]:
        key, equals, value = token.partition("=")
        if not equals or not key:
            raise ValueError("command: %r; give key=value behind the name" % token[:40])
        if key in values:
            raise ValueError("%s: it is there twice; give one" % key[:40])
        values[key] = value
    return tokens[0], values


def _tokens(text):
    # Split at blanks that are not in quotes; \ before a quote or another \ takes it as it is.
    tokens = []
    token = quote = ""
    inside = escaped = False
    for char in text + " ":
        if escaped:
            token += char if char in "\"'\\" else "\\" + char
            escaped = False
        elif char == "\\" and quote:
            escaped = True
        elif char == quote:
            quote = ""
        elif quote or char not in " \t\r\n\"'":
            token += char
            inside = True
        elif char in "\"'":
            quote = char
            inside = True
        elif inside:
            tokens.append(token)
            token = ""
            inside = False
    if quote:
        raise ValueError("command: a quote is not closed; close it with %s" % quote)
    return tokens


def values_of(schemas, given, texts):
    """The keywords to call a command with (dict), or ValueError. None: nothing given.

    given: values from JSON; texts: values written behind the name.
    """
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise ValueError("params: no object; give one, such as {}")
    for name in list(given) + list(texts):
        # The current server puts these beside a command's own.
        if name not in schemas and name not in ("source_id", "timeout_seconds"):
            known = ", ".join(schemas) or "none"
            raise ValueError("%s: no such parameter; there is: %s" % (str(name)[:40], known))
    values = {}
    for name, schema in schemas.items():
        if given.get(name) is not None:
            values[name] = checked(name, schema, given[name])
        elif name in texts:
            values[name] = checked(name, schema, _read(schema, texts[name]))
        elif "default" in schema:
            values[name] = schema["default"]
        elif schema.get("required"):
            raise ValueError("%s: missing; give %s" % (name, _wanted(schema)))
    return values


def _read(schema, text):
    # A value from text; what is not one of its type stays a text, which checked() refuses.
    kind = schema["type"]
    if kind == "boolean":
        return True if text.lower() in _YES else False if text.lower() in _NO else text
    if len(text) <= 32:
        try:
            if kind == "integer":
                return int(text)
            if kind == "number":
                return float(text) if "." in text or "e" in text.lower() else int(text)
        except ValueError:
            pass
    return text


def is_number(value):
    """Whether it is an int or a finite float."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0
    )  # neither NaN nor infinite


def checked(name, schema, value):
    """A value as a parameter has it; ValueError names it and what it should be."""
    kind = schema["type"]
    if kind == "boolean":
        good = isinstance(value, bool)
    elif kind == "choice":
        good = isinstance(value, str) and value in schema["choices"]
    elif kind == "string":
        good = isinstance(value, str) and len(value) <= _STRING
    else:
        good = is_number(value)
        if good and kind == "integer":
            good = abs(value) < _LARGEST and value == int(value)
            if good:
                value = int(value)
        if good:
            minimum, maximum = schema.get("min"), schema.get("max")
            good = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    if not good:
        raise refused(name, value, _wanted(schema))
    return value


def _wanted(schema):
    # What a parameter takes, in words.
    kind = schema["type"]
    if kind == "boolean":
        return "true or false"
    if kind == "choice":
        return "one of: " + ", ".join(schema["choices"])
    if kind == "string":
        return "a text of at most %d characters" % _STRING
    wanted = "a whole number" if kind == "integer" else "a number"
    minimum, maximum = schema.get("min"), schema.get("max")
    if minimum is not None:
        wanted += " from %s" % minimum
    return wanted + (" up to %s" % maximum if maximum is not None else "")
