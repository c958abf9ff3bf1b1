"""Decimal text of floats that the inner loops leave: very small or large. Loaded if one comes."""

import struct


def text(tmp, wide, single):
    """Shortest decimal (bytes) of the float in tmp[40:], a FLOAT64 if `wide`: see codec.digits.

    Free-format output of Steele and White ("How to print floating-point numbers accurately",
    1990, FPP^2), with integers of any size.
    """
    if wide:
        bits = struct.unpack_from("<Q", tmp, 40)[0]
        sign, exponent, mantissa, places = bits >> 63, bits >> 52 & 2047, bits & (1 << 52) - 1, 52
    else:
        bits = struct.unpack_from("<I", tmp, 40)[0]
        sign, exponent, mantissa, places = bits >> 31, bits >> 23 & 255, bits & (1 << 23) - 1, 23
    bias = 1075 if wide else 150
    if exponent:
        mantissa |= 1 << places
    else:
        exponent = 1
    exponent -= bias
    if not wide and not single:  # a FLOAT32 that stands for a double: the gaps are a double's
        while mantissa < 1 << 52:
            mantissa <<= 1
            exponent -= 1
        places = 52
    # value = r / s; up / s and down / s are half the gaps to the floats above and below.
    r, s, down = mantissa << 2, 4, 2
    up = 2
    if mantissa == 1 << places:
        down = 1
    if exponent > 0:
        r, up, down = r << exponent, up << exponent, down << exponent
    else:
        s <<= -exponent
    even = not mantissa & 1
    point = 0
    while r + up > s or (even and r + up == s):
        s *= 10
        point += 1
    while (r + up) * 10 < s or (not even and (r + up) * 10 == s):
        r, up, down = r * 10, up * 10, down * 10
        point -= 1
    out = ""
    while True:
        r, up, down = r * 10, up * 10, down * 10
        digit = r // s
        r -= digit * s
        low = r < down or (even and r == down)
        high = r + up > s or (even and r + up == s)
        if low or high:
            break
        out += str(digit)
    if high and (not low or 2 * r >= s):
        digit += 1
    out += str(digit)
    if 0 < point <= 16:
        out += "0" * (point - len(out))
        out = out[:point] + "." + (out[point:] or "0")
    elif -4 < point <= 0:
        out = "0." + "0" * -point + out
    else:
        out = out[0] + ("." + out[1:] if len(out) > 1 else "") + "e" + str(point - 1)
    return (("-" if sign else "") + out).encode()
