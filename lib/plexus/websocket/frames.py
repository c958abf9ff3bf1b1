"""The inner loops over what comes by a WebSocket: masking, strict UTF-8, and the weight of JSON.

Machine code by viper where the port has it, the same statements as plain Python elsewhere.
"""

from ..port import micropython

try:
    ptr8
except NameError:

    def ptr8(buffer):
        return buffer


@micropython.viper
def mask(data, start: int, key):
    """XOR data[start:] (bytearray) with the four bytes of `key`, again and again."""
    p = ptr8(data)
    k = ptr8(key)
    end = int(len(data))
    i = start
    while i < end:
        p[i] ^= k[i - start & 3]
        i += 1


@micropython.viper
def utf8(data, state: int) -> int:
    """The state after `data`, a piece of a text: 0 between characters, -1 if it is no UTF-8.

    `state`: that after the piece before it, 0 at first. It says how many bytes the character still
    lacks, and from which to which the next may be: that keeps out overlong forms, surrogates and
    what lies above U+10FFFF (RFC 3629 section 4), and says so at the first byte that is wrong.
    """
    p = ptr8(data)
    end = int(len(data))
    lacks = state & 3
    minimum = state >> 2 & 255
    maximum = state >> 10
    i = 0
    while i < end:
        byte = p[i]
        i += 1
        if lacks:
            if byte < minimum or byte > maximum:
                return -1
            lacks -= 1
            minimum = 0x80
            maximum = 0xBF
        elif byte > 0x7F:
            if byte < 0xC2 or byte > 0xF4:
                return -1
            lacks = 1
            minimum = 0x80
            maximum = 0xBF
            if byte > 0xDF:
                lacks = 2
                if byte == 0xE0:
                    minimum = 0xA0
                elif byte == 0xED:
                    maximum = 0x9F
                elif byte > 0xEF:
                    lacks = 3
                    if byte == 0xF0:
                        minimum = 0x90
                    elif byte == 0xF4:
                        maximum = 0x8F
    if lacks:
        return maximum << 10 | minimum << 2 | lacks
    return 0


@micropython.viper
def weigh(data) -> int:
    """0, or why a JSON text (bytes) is not to be read: it would take too much memory or time.

    1: more than 64 objects and arrays, and so nested deeper; 2: more than 1024 values and keys, by
    their beginnings; 3: more than 24 digits in a row, of which a number as long as the text could
    be made; 4: a string has an escape of half a character, or none that is right.
    """
    p = ptr8(data)
    end = int(len(data))
    opened = 0
    values = 0
    digits = 0
    inside = 0
    half = 0
    i = 0
    while i < end:
        byte = p[i]
        i += 1
        if inside:
            if byte == 0x22:
                inside = 0
            elif byte == 0x5C and i < end:
                byte = p[i]
                i += 1
                if byte == 0x75:
                    if i + 4 > end:
                        return 4
                    code = 0
                    for _ in range(4):
                        byte = p[i]
                        i += 1
                        if byte > 0x60:
                            byte -= 0x20
                        if byte >= 0x41 and byte <= 0x46:
                            byte -= 7
                        elif byte < 0x30 or byte > 0x39:
                            return 4
                        code = code << 4 | byte - 0x30
                    # The first half of a character, and nothing else, is before the second.
                    code >>= 10
                    if half + 0x36 != code and (half or code == 0x37):
                        return 4
                    half = 0
                    if code == 0x36:
                        half = 1
                        if i + 2 > end or p[i] != 0x5C or p[i + 1] != 0x75:
                            return 4
        elif byte >= 0x30 and byte <= 0x39:
            if digits == 0:
                values += 1
            digits += 1
            if digits > 24:
                return 3
        else:
            digits = 0
            if byte == 0x22:
                inside = 1
                values += 1
            elif byte == 0x5B or byte == 0x7B:
                opened += 1
                if opened > 64:
                    return 1
            elif byte == 0x66 or byte == 0x6E or byte == 0x74:  # false, null, true
                values += 1
        if values > 1024:
            return 2
    return 0
