"""The inner loops over the ring's bytes: append a record, walk records into JSON, float digits.

Machine code by viper where the port has it, the same statements as plain Python elsewhere
(`kernel` chooses). To give the same bytes everywhere every number here stays a signed 32-bit
int, nothing negative is put into an array (a 64-bit viper loads those unsigned), and floor
division is done on non-negative numbers only.

A record, at any place of the ring and across its end:

    head    bits 0-3 kind, bits 4-7 series (15: the next byte + 15)
    time    varint 1 + 2 * zigzag(step) + 0, the step in ms from the record before on the same
            time line; or 1 + 2 * zigzag(change) + 1, how much longer it is than the step
            before it (readings at a steady rate: one byte). Before it, if need be, 0 and a byte:
            bit 0 explicit time; bit 1 a step of days, as varint millions and varint rest; bit 2
            that one backwards. All of it relative: the whole ring moves with its first time
    value   kinds 0 to 7 a float as varint decimal digits: bits 0-1 their places (0: an integral
            float), bit 2 negative; DECIMAL the same as varint digits << 4 | negative << 3 |
            places; FLOAT32 4 B; FLOAT64 8 B; INT and NEGATIVE a varint magnitude; TEXT a varint
            length and JSON text; FALSE and TRUE nothing

A float is kept as the decimal digits that read back as it, if that takes fewer bytes.

A cursor is array('i', [pos, hi, lo, step, xhi, xlo, xstep, seq, float_bytes]): where a record
starts; time and step + 2^28 of the one before it on both time lines (the clock's, the explicit
one); its number mod 2^30; and the bytes of a float that walk() leaves to its caller, or 0.

A time map is array('i', [ticks, hi, lo, fraction, rate]), see append().
"""

from ..port import const, micropython

_DECIMAL = const(8)
_FLOAT32 = const(9)
_FLOAT64 = const(10)
_NEGATIVE = const(12)
_TEXT = const(13)
_FALSE = const(14)

# Of a cursor; the explicit time line's three lie behind the clock's.
_POS = const(0)
_HI = const(1)
_LO = const(2)
_STEP = const(3)
_EXPLICIT_LINE = const(3)
_SEQ = const(7)
_FLOAT_BYTES = const(8)
_ZERO_STEP = const(0x10000000)
_WRAP = const(0x3FFFFFFF)  # numbers and ticks count modulo 2^30
# Of a time map, whose hi and lo are at the same places.
_TICKS = const(0)
_FRACTION = const(3)
_RATE = const(4)

_MILLION = const(1000000)
_LONG = const(200000000)  # a longer step than this, in ms, does not count as one
_MASK27 = const(0x7FFFFFF)

# Layout of the scratch bytes: [0:40] a value's digits, its point at 16, its raw bytes at 40;
# [48:61] the text ',"timestamp":', which the owner writes once, and behind it a time's digits;
# [80:112] a record's head, made linear.
_POINT = const(16)
_RAW = const(40)
_STAMP = const(48)
_DIGITS = const(61)
_LINE = const(80)

try:
    ptr8
except NameError:

    def ptr8(buffer):
        return buffer

    ptr32 = ptr8


# The largest function comes first: on an ESP32 they go, in this order, into RAM that is for code
# alone, as long as they fit there.


@micropython.viper
def walk(
    i: int,
    j: int,
    end: int,
    ring,
    cur,
    series,
    last_use,
    tmp,
    out,
    mode: int,
    n: int,
    pos: int,
    room: int,
    limit: int,
    text,
) -> int:
    """Advance `cur` over up to `n` records and write their JSON to `out`: where that ended.

    `i`, `j`, `end` are of no meaning: viper keeps a function's first three names in registers,
    and these are the ones that copy bytes.

    The JSON of the records starts at `pos` (negative: so much of it is already out); what
    falls into out[0:room] is written. A record that would end behind `limit` is left, with
    the position of its start as the result: the next call goes on from there.

    series[i] is series i's text: the lengths (2 B each, big-endian) of that which stands before
    a value and of that which stands behind its time, then both. `mode` bit 0: single precision;
    bit 1: leave out the clock's times (they are not known); bit 2: set last_use[i] to the seq of
    i's last record. `text`, if not empty, takes the place of every FLOAT32 and FLOAT64. A float
    that is not in the range of `digits` stops the walk: cur's float_bytes is their number, and they
    are in tmp[40:48].
    """
    r = ptr8(ring)
    c = ptr32(cur)
    use = ptr32(last_use)
    b = ptr8(tmp)
    o = ptr8(out)
    x = ptr8(text)
    given = int(len(text))
    size = int(len(ring))
    c[_FLOAT_BYTES] = 0
    old = -1
    while n > 0:
        p = c[_POS]
        # The head in one piece: where it lies across the end of the ring, in tmp.
        src = r
        at = p
        if p + 32 > size:
            k = 0
            while k < 32:
                b[_LINE + k] = r[at]
                at += 1
                if at == size:
                    at = 0
                k += 1
            src = b
            at = int(_LINE)
        begin = at
        kind = src[at] & 15
        number = src[at] >> 4
        at += 1
        if number == 15:
            number = 15 + src[at]
            at += 1
        mark = 0
        if src[at] == 0:
            mark = src[at + 1]
            at += 2
        explicit = mark & 1
        line = _EXPLICIT_LINE * explicit
        hi = c[line + _HI]
        lo = c[line + _LO]
        step = 0
        days = 0
        if mark & 2:
            k = 0
            while src[at] > 127:
                days |= (src[at] & 127) << k
                k += 7
                at += 1
            days |= src[at] << k
            at += 1
        z = 0
        k = 0
        while src[at] > 127:
            z |= (src[at] & 127) << k
            k += 7
            at += 1
        z |= src[at] << k
        at += 1
        if mark & 4:
            lo -= z
            hi -= days
        elif mark & 2:
            lo += z
            hi += days
        else:
            z -= 1
            step = z >> 2
            if z & 2:
                step = -1 - step
            if z & 1:
                step += c[line + _STEP] - _ZERO_STEP
            lo += step
            if step > _LONG or step < -_LONG:
                step = 0
        if lo >= _MILLION or lo < 0:
            carry = (lo + 512 * _MILLION) // _MILLION - 512
            lo -= carry * _MILLION
            hi += carry

        # The value: vsrc[vat:vat + length], and if it lies across the end of the ring, r[0:rest].
        vsrc = b
        vat = 0
        length = 0
        rest = 0
        if kind == _FLOAT32 or kind == _FLOAT64:
            wide = kind - _FLOAT32
            if given:
                vsrc = x
                length = given
            else:
                length = 4 + 4 * wide
                k = 0
                while k < length:
                    b[_RAW + k] = src[at + k]
                    k += 1
                k = int(digits(tmp, wide, mode & 1, 30))
                if k == 0:
                    c[_FLOAT_BYTES] = length
                    return pos
                vat = k >> 8
                length = (k & 255) - vat
            at += 4 + 4 * wide
        elif kind >= _FALSE:
            # "false" and "true" stand behind each other at the end of the scratch bytes
            vat = 112
            length = 5
            if kind != _FALSE:
                vat = 117
                length = 4
        else:
            z = 0
            k = 0
            while src[at] > 127:
                z |= (src[at] & 127) << k
                k += 7
                at += 1
            z |= src[at] << k
            at += 1
            if kind == _TEXT:
                vsrc = r
                vat = p + at - begin
                if vat >= size:
                    vat -= size
                length = z
                if vat + length > size:
                    rest = vat + length - size
                    length -= rest
            else:
                vat = int(_POINT)
                length = vat
                places = 0
                minus = 0
                if kind <= _DECIMAL:
                    places = kind & 3
                    minus = kind & 4
                    if kind == _DECIMAL:
                        places = z & 7
                        minus = z & 8
                        z >>= 4
                    if places == 0:
                        b[_POINT] = 46
                        b[_POINT + 1] = 48
                        length += 2
                elif kind == _NEGATIVE:
                    minus = 1
                while True:
                    vat -= 1
                    if z < 32768:
                        k = z * 52429 >> 19  # z // 10, quicker
                    else:
                        k = z // 10
                    b[vat] = 48 + (z - k * 10)
                    z = k
                    if places:
                        places -= 1
                        if places == 0:
                            vat -= 1
                            b[vat] = 46
                            if z == 0:
                                vat -= 1
                                b[vat] = 48
                    if z == 0 and places == 0:
                        break
                if minus:
                    vat -= 1
                    b[vat] = 45
                length -= vat

        # The time: ms since 1970, or s with three decimals before 10^12 ms, which the API would
        # take for seconds. Its first digits seldom change from record to record.
        stamp = 0
        if explicit or mode & 2 == 0:
            stamp = int(_DIGITS)
            if hi >= _MILLION and hi < 10 * _MILLION:
                stamp += 13
                if room:
                    if hi != old:
                        old = hi
                        k = int(_DIGITS) + 7
                        while k > _DIGITS:
                            k -= 1
                            b[k] = 48 + hi % 10
                            hi //= 10
                        hi = old
                    z = lo // 1000
                    k = z * 41 >> 12
                    b[_DIGITS + 7] = 48 + k
                    z -= k * 100
                    k = z * 205 >> 11
                    b[_DIGITS + 8] = 48 + k
                    b[_DIGITS + 9] = 48 + z - k * 10
                    z = lo - lo // 1000 * 1000
                    k = z * 41 >> 12
                    b[_DIGITS + 10] = 48 + k
                    z -= k * 100
                    k = z * 205 >> 11
                    b[_DIGITS + 11] = 48 + k
                    b[_DIGITS + 12] = 48 + z - k * 10
            else:
                old = -1
                z = hi
                if hi < _MILLION:
                    z = hi * 1000 + lo // 1000
                k = 1
                while z // k > 9:
                    k *= 10
                while k > 0:
                    b[stamp] = 48 + z // k % 10
                    stamp += 1
                    k //= 10
                k = 100000
                if hi < _MILLION:
                    b[stamp] = 46
                    stamp += 1
                    k = 100
                while k > 0:
                    b[stamp] = 48 + lo // k % 10
                    stamp += 1
                    k //= 10
            stamp -= _STAMP

        sp = ptr8(series[number])
        split = sp[0] << 8 | sp[1]
        tail = sp[2] << 8 | sp[3]
        total = split + length + rest + stamp + tail
        start = pos
        if start < room and start + total > 0:
            part = 0
            while part < 5:
                if part == 0:
                    q = sp
                    j = 4
                    k = split
                elif part == 1:
                    q = vsrc
                    j = vat
                    k = length
                elif part == 2:
                    q = r
                    j = 0
                    k = rest
                elif part == 3:
                    q = b
                    j = int(_STAMP)
                    k = stamp
                else:
                    q = sp
                    j = 4 + split
                    k = tail
                i = start
                start += k
                end = start
                if end > room:
                    end = room
                if i < 0:
                    j -= i
                    i = 0
                k = end - 3
                while i < k:
                    o[i] = q[j]
                    o[i + 1] = q[j + 1]
                    o[i + 2] = q[j + 2]
                    o[i + 3] = q[j + 3]
                    i += 4
                    j += 4
                while i < end:
                    o[i] = q[j]
                    i += 1
                    j += 1
                part += 1
        if pos + total > limit:
            return pos
        pos += total

        if mode & 4:
            use[number] = c[_SEQ]
        p += at - begin
        if kind == _TEXT:
            p += length + rest
        if p >= size:
            p -= size
        c[_POS] = p
        c[line + _HI] = hi
        c[line + _LO] = lo
        c[line + _STEP] = step + _ZERO_STEP
        c[_SEQ] = c[_SEQ] + 1 & _WRAP
        n -= 1
    return pos


@micropython.viper
def append(
    ring, size: int, tail, head, tmp, kind: int, series: int, time_map, ticks: int, data, n: int
) -> int:
    """Write one record at `head` and advance it: the bytes taken, -(bytes needed) if too few
    are free, or 0 for a float that is infinite or no number.

    The record's time is that of `ticks` on `time_map`: array('i', [ticks, hi, lo, fraction, rate]),
    at those ticks hi * 10^6 + lo ms and fraction / 2^24, and each ms (rate - 2^14) / 2^24 longer
    than a tick; or, with 16 added to `kind`, explicit. `data[:n]` is the value's bytes (FLOAT64:
    8 B, `n` is 1 where floats have single precision); for INT and NEGATIVE `n` is the magnitude.
    """
    r = ptr8(ring)
    h = ptr32(head)
    t = ptr32(tail)
    b = ptr8(tmp)
    w = ptr32(time_map)
    hi = w[_HI]
    lo = (((ticks - w[_TICKS]) & _WRAP) ^ 0x20000000) - 0x20000000
    rate = w[_RATE] - 0x4000
    if rate:
        # lo * rate + fraction >> 24, in two steps that stay below 2^31
        step = (lo >> 14) * rate
        rest = (lo & 16383) * rate + ((step & 1023) << 14) + w[_FRACTION]
        lo += (step >> 10) + (rest >> 24)
    lo += w[_LO]
    if lo < 0 or lo >= _MILLION:
        step = (lo + 1000 * _MILLION) // _MILLION - 1000
        lo -= step * _MILLION
        hi += step
    i = int(_LINE) + 1
    first = series << 4
    if series > 14:
        first = 0xF0
        b[i] = series - 15
        i += 1
    mark = kind >> 4
    line = _EXPLICIT_LINE * mark
    kind &= 15
    step = hi - h[line + _HI]
    if step > 500 or step < -500:
        other = lo - h[line + _LO]
        mark |= 2
        if step < 0:
            step = 0 - step
            other = 0 - other
            mark |= 4
        if other < 0:
            other += _MILLION
            step -= 1
        b[i] = 0
        b[i + 1] = mark
        i += 2
        while step > 127:
            b[i] = step & 127 | 128
            step >>= 7
            i += 1
        b[i] = step
        i += 1
        step = 0
        rest = other
    else:
        if mark:
            b[i] = 0
            b[i + 1] = mark
            i += 2
        step = step * _MILLION + lo - h[line + _LO]
        rest = 4 * step + 1
        if step < 0:
            rest = -4 * step - 1
        if step > _LONG or step < -_LONG:
            step = 0
        else:
            change = step + _ZERO_STEP - h[line + _STEP]
            other = 4 * change + 2
            if change < 0:
                other = -4 * change
            if other < rest:
                rest = other
    while rest > 127:
        b[i] = rest & 127 | 128
        rest >>= 7
        i += 1
    b[i] = rest
    i += 1

    number = -1
    d = ptr8(data)
    if kind == _FLOAT64:
        # Its decimal digits, if they are few; else in single precision, if it has no more.
        k = 0
        while k < 8:
            b[_RAW + k] = d[k]
            k += 1
        span = int(digits(tmp, 1, n, 7))
        end = span & 255
        k = span >> 8
        n = 8
        sign = 0
        if b[k] == 45:
            sign = 4
            k += 1
        places = end - _POINT - 1
        if places == 1 and b[end - 1] == 48:
            places = 0
            end = int(_POINT)
        if span and end - k < 11:
            number = 0
            while k < end:
                if k != _POINT:
                    number = number * 10 + b[k] - 48
                k += 1
            if places < 4:
                kind = sign | places
            elif number < 1 << 27:
                kind = int(_DECIMAL)
                number = number << 4 | sign << 1 | places
            else:
                number = -1
        if number < 0 or number >= 1 << 21:
            exponent = (b[_RAW + 7] & 127) << 4 | b[_RAW + 6] >> 4
            mantissa = (
                (b[_RAW + 6] & 15) << 19 | b[_RAW + 5] << 11 | b[_RAW + 4] << 3 | b[_RAW + 3] >> 5
            )
            lost = b[_RAW + 3] & 31 | b[_RAW + 2] | b[_RAW + 1] | b[_RAW + 0]
            if exponent == 2047:
                return 0
            if 873 < exponent and exponent < 897:  # a subnormal of single precision
                mantissa |= 1 << 23
                lost |= mantissa & ((1 << (897 - exponent)) - 1)
                mantissa >>= 897 - exponent
                exponent = 896
            if lost == 0 and 895 < exponent and exponent < 1151:
                exponent -= 896
                kind = int(_FLOAT32)
                b[i] = mantissa & 255
                b[i + 1] = mantissa >> 8 & 255
                b[i + 2] = (exponent & 1) << 7 | mantissa >> 16 & 127
                b[i + 3] = b[_RAW + 7] & 128 | exponent >> 1
                i += 4
                n = 0
                number = -1
    elif kind < _FALSE:
        number = n
    else:
        n = 0
    if number >= 0:
        while number > 127:
            b[i] = number & 127 | 128
            number >>= 7
            i += 1
        b[i] = number
        i += 1
        if kind != _TEXT:
            n = 0
    b[_LINE] = first | kind

    pos = h[_POS]
    used = pos - t[_POS]
    if used < 0:
        used += size
    i -= _LINE
    if used + i + n >= size:  # one byte stays free: it tells full from empty
        return 0 - i - n
    k = 0
    while k < i:
        r[pos] = b[_LINE + k]
        pos += 1
        if pos == size:
            pos = 0
        k += 1
    k = 0
    while k < n:
        r[pos] = d[k]
        pos += 1
        if pos == size:
            pos = 0
        k += 1
    h[_POS] = pos
    h[line + _HI] = hi
    h[line + _LO] = lo
    h[line + _STEP] = step + _ZERO_STEP
    h[_SEQ] = h[_SEQ] + 1 & _WRAP
    return i + n


@micropython.viper
def digits(tmp, wide: int, single: int, maximum: int) -> int:
    """Shortest decimal of a float: start << 8 | end of its digits in `tmp`, or 0 if out of range.

    Also 0 if it has more than `maximum` places. tmp[40:] holds a FLOAT32 or, if `wide`, a FLOAT64.
    `single`: shortest among those that read back as the same single-precision float. In range
    are 0 and 2^-13 <= |value| < 2^31 (2^24 if single), where no exponent is needed.

    Fixed-point free-format output of Steele and White ("How to print floating-point numbers
    accurately", 1990, (FP)^3): the fraction and half the gap to the next float, as 81-bit
    fixed-point numbers in limbs of 27 bits, are multiplied by 10 until what is left is less
    than the gap.
    """
    b = ptr8(tmp)
    if wide:
        exponent = (b[_RAW + 7] & 127) << 4 | b[_RAW + 6] >> 4
        high = (b[_RAW + 6] & 15) << 21 | b[_RAW + 5] << 13 | b[_RAW + 4] << 5 | b[_RAW + 3] >> 3
        low = (b[_RAW + 3] & 7) << 24 | b[_RAW + 2] << 16 | b[_RAW + 1] << 8 | b[_RAW]
        sign = b[_RAW + 7] & 128
        zero = exponent | high | low
        exponent -= 1023
    else:
        exponent = (b[_RAW + 3] & 127) << 1 | b[_RAW + 2] >> 7
        high = (b[_RAW + 2] & 127) << 18 | b[_RAW + 1] << 10 | b[_RAW] << 2
        low = 0
        sign = b[_RAW + 3] & 128
        zero = exponent | high
        exponent -= 127
    f2 = 0
    f1 = 0
    f0 = 0
    g2 = 0
    g1 = 0
    g0 = 0
    whole = 0
    up = 1
    even = 1
    if zero:
        limit = 31
        if single:
            limit = 24
        if exponent < -13 or exponent >= limit:
            return 0
        even = 1 - (low & 1)
        gap = exponent + 28  # the bit of half a unit in the last place
        if single:
            even = 1 - (high >> 2 & 1)
            gap += 29
        if (high | low) == 0:  # a power of two: the gap below is half the gap above
            gap -= 1
            up = 2
        high |= 1 << 25
        shift = exponent + 29
        limbs = shift // 27
        shift = shift - limbs * 27
        mask = (1 << (27 - shift)) - 1
        f2 = high >> (27 - shift)
        f1 = (high & mask) << shift | low >> (27 - shift)
        f0 = (low & mask) << shift
        if limbs > 1:
            whole = f2 << 27 | f1
            f2 = f0
            f1 = 0
            f0 = 0
        elif limbs:
            whole = f2
            f2 = f1
            f1 = f0
            f0 = 0
        if gap > 53:
            g2 = 1 << (gap - 54)
        elif gap > 26:
            g1 = 1 << (gap - 27)
        else:
            g0 = 1 << gap

    start = int(_POINT)
    while True:
        start -= 1
        if whole < 32768:
            rest = whole * 52429 >> 19  # whole // 10, quicker
        else:
            rest = whole // 10
        b[start] = 48 + (whole - rest * 10)
        whole = rest
        if whole == 0:
            break
    if sign:
        start -= 1
        b[start] = 45
    b[_POINT] = 46
    end = int(_POINT) + 1
    if (f2 | f1 | f0) == 0:
        b[end] = 48
        return start << 8 | end + 1
    while True:
        f0 *= 10
        f1 = f1 * 10 + (f0 >> 27)
        f2 = f2 * 10 + (f1 >> 27)
        digit = f2 >> 27
        f0 &= _MASK27
        f1 &= _MASK27
        f2 &= _MASK27
        g0 *= 10
        g1 = g1 * 10 + (g0 >> 27)
        g2 = g2 * 10 + (g1 >> 27)
        g0 &= _MASK27
        g1 &= _MASK27
        left = f2 - g2
        if left == 0:
            left = f1 - g1
            if left == 0:
                left = f0 - g0
        s0 = f0 + g0 * up
        s1 = f1 + g1 * up + (s0 >> 27)
        s2 = f2 + g2 * up + (s1 >> 27)
        over = s2 >> 27
        if over == 1 and even == 0 and (s2 & _MASK27 | s1 & _MASK27 | s0 & _MASK27) == 0:
            over = 0
        below = 0
        if left < 0 or (left == 0 and even):
            below = 1
        if over:
            if below == 0 or f2 >= 1 << 26:
                digit += 1
            below = 1
        b[end] = 48 + digit
        end += 1
        if below:
            return start << 8 | end
        if end - _POINT > maximum:
            return 0
