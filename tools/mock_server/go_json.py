"""JSON as Go's encoding/json reads and writes it: that is what the gateway does with readings."""

import json
from decimal import Decimal
from typing import Any

# From here on a float64 does not tell integers apart.
_EXACT = 2**53
# Written as escapes, so that JSON is safe within HTML and JavaScript.
_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def parse(text: str) -> tuple[Any, str]:
    """The first value of a text, and what follows it.

    Numbers are float64, so large integers are rounded. Half of a surrogate pair becomes U+FFFD.
    Raises ValueError, or RecursionError.
    """
    decoder = json.JSONDecoder(parse_int=_int, parse_float=_float, parse_constant=_refuse_constant)
    text = text.lstrip(" \t\r\n")
    value, end = decoder.raw_decode(text)
    if "\\u" in text[:end]:
        written = json.dumps(value, ensure_ascii=False)
        value = json.loads(written.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value, text[end:].strip(" \t\r\n")


def size(value: Any) -> int:
    """Bytes of a value when Go writes it again."""
    return len(_write(value).encode("utf-8"))


def _write(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{_write(name)}:{_write(item)}" for name, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPED)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _write_number(float(value))
    return json.dumps(value)


def _write_number(value: float) -> str:
    """The shortest digits; with an exponent only below 1e-6 and from 1e21 on."""
    text = repr(value)
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(text), "f")
        return text.removesuffix(".0")
    return text.replace("e-0", "e-")


def _int(text: str) -> int:
    value = int(text)
    return value if -_EXACT <= value <= _EXACT else int(_float(text))


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is out of range")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
