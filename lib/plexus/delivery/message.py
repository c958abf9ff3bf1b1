"""What an answer says, for people: bounded, without control characters, and without the key."""

from ..port import const

_MAX_MESSAGE = const(120)


def clean(text, key):
    """A server's text with *** in place of the key, cut to 120 characters, in one line."""
    return "".join(
        [
            " " if c < " " or "\x7f" <= c < "\xa0" else c
            for c in text.replace(key, "***")[:_MAX_MESSAGE]
        ]
    )


def message_of(status, answer, content, key):
    """The server's message (str); of an answer that is no JSON object, its first 2 bytes.

    answer: its JSON, None if it is none. content: its first bytes.
    """
    if not isinstance(answer, dict):
        return bytes(content[:2])
    if status < 300:
        return "count %s" % clean(str(answer.get("count")), key)
    message = answer.get("error") or answer.get("message")
    return clean(message, key) if isinstance(message, str) else ""
