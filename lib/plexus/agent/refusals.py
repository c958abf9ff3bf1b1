"""What a server refuses because of the plan or the key, in words, with what still works."""

_WORDS = {
    "streaming_requires_plan": "the plan has no live connection; readings go on over HTTP",
    "commands_not_permitted": "the key or the plan permits no commands; all else goes on",
    "invalid_command": "a command was declared wrongly; all else goes on",
    "SOURCE_LIMIT": "live readings are over this device's limit; readings go on over HTTP",
    "DEVICE_LIMIT": "the plan has no room for one more device; remove one, or change the plan",
}


def words(code, said):
    """Of this code, with what the server said itself (str); "" if it is no refusal of the plan."""
    known = _WORDS.get(code) if isinstance(code, str) else None
    return "%s (%s)" % (known, said) if known else ""
