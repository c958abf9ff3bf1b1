"""Characters that a JSON text escapes as two halves, made whole. Few servers write them so."""


def joined(text):
    """The same JSON with each such character as it is; `text` has passed frames.weigh().

    MicroPython's json makes a character of each half.
    """
    pieces = []
    start = at = 0
    while True:
        at = text.find("\\", at)
        if at < 0:
            return "".join(pieces) + text[start:]
        code = int(text[at + 2 : at + 6], 16) if text[at + 1] == "u" else 0
        if code >> 10 == 0x36:
            low = int(text[at + 8 : at + 12], 16)
            pieces.append(text[start:at])
            pieces.append(chr(0x10000 + ((code & 0x3FF) << 10 | low & 0x3FF)))
            start = at + 12
            at = start
        else:
            at += 2
