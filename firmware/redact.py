"""Keeps secrets out of texts that others read."""


def without(secrets, text):
    """The text with *** in place of each of these strings, also as repr() writes it."""
    for secret in secrets:
        for form in (secret, repr(secret)[1:-1]):
            text = text.replace(form, "***")
    return text
