"""The inner loops over a WebSocket frame's bytes: masking, and the strict check of UTF-8.

Machine code by viper where the port has it, the same statements as plain Python elsewhere.
"""

from ._port import micropython

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
    least = state >> 2 & 255
    most = state >> 10
    i = 0
    while i < end:
        byte = p[i]
        i += 1
        if lacks:
            if byte < least or byte > most:
                return -1
            lacks -= 1
            least = 0x80
            most = 0xBF
        elif byte > 0x7F:
            if byte < 0xC2 or byte > 0xF4:
                return -1
            lacks = 1
            least = 0x80
            most = 0xBF
            if byte > 0xDF:
                lacks = 2
                if byte == 0xE0:
                    least = 0xA0
                elif byte == 0xED:
                    most = 0x9F
                elif byte > 0xEF:
                    lacks = 3
                    if byte == 0xF0:
                        least = 0x90
                    elif byte == 0xF4:
                        most = 0x8F
    if lacks:
        return most << 10 | least << 2 | lacks
    return 0
