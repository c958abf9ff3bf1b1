"""Keeps secrets out of texts that others read."""


def redact(secrets, text):
    """The text with *** in place of each of these strings, also as repr() writes it.

    The longest come first: one may be a part of another.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        for form in (secret, repr(secret)[1:-1]):
            text = text.replace(form, "***")
    return text
