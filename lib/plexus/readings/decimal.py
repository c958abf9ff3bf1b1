"""A decimal number that keeps the digits that a board's float has not."""


class Decimal:
    """number / 10 ** digits, exactly: Decimal(472852332, 7) is sent as 47.2852332.

    Single precision is 15 µ° apart at 180°, which is 1.7 m; so a GPS's degrees are of these.
    A value, or a part of an object or array, can be one. float() is near it, and what is left
    when another or a number is taken away is a float.
    """

    def __init__(self, number, digits):
        self.number = number
        self.digits = digits

    def __str__(self):
        text = str(abs(self.number))
        text = "0" * (self.digits + 1 - len(text)) + text
        whole = len(text) - self.digits
        text = (text[:whole] + "." + text[whole:]).rstrip("0").rstrip(".")
        return "-" + text if self.number < 0 else text

    __repr__ = __str__

    def scaled(self, digits):
        """The number with so many digits behind the point, which are no fewer than it has."""
        return self.number * 10 ** (digits - self.digits)

    def __float__(self):
        return self.number / 10**self.digits

    def __eq__(self, other):
        if not isinstance(other, Decimal):
            return float(self) == other
        return self.number * 10**other.digits == other.number * 10**self.digits

    def __hash__(self):
        return hash(float(self))

    def __sub__(self, other):
        if isinstance(other, Decimal) and other.digits == self.digits:
            return float(Decimal(self.number - other.number, self.digits))
        return float(self) - float(other)
